//! `secrets` and `configs`, of the stack and of a service.
//!
//! Source: Compose Specification, secrets and configs, and services of these names; `credential` is Wharf's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::external::external;
use super::paths::host_path;
use super::quantities::permission_bits;
use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::model::{FileSource, Grant, ProvidedFile};
use crate::stack::problem::{Expected, FileKind, Invalid, Report, SecretFault, Shape};
use crate::stack::text::node::{Entry, Value};
use crate::stack::text::surroundings::{Scope, Surroundings};

/// The specification's default.
const DEFAULT_MODE: u32 = 0o444;

/// Nobody writes to a secret or config.
const WRITE_BITS: u32 = 0o222;

/// Reads the stack's `secrets` or `configs`.
pub fn declared(
    kind: FileKind,
    stack: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, ProvidedFile> {
    let Some(item) = stack.get(kind.table()) else {
        return BTreeMap::new();
    };
    let read = item.entries(report).iter().filter_map(|entry| declaration(kind, entry, surroundings, report));
    read.map(|file| (file.key.clone(), file)).collect()
}

/// The keys of an entry of the stack's table.
fn keys_of(kind: FileKind) -> &'static keys::Table {
    match kind {
        FileKind::Secret => &keys::SECRET,
        FileKind::Config => &keys::CONFIG,
    }
}

fn declaration(
    kind: FileKind,
    entry: &Entry,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Option<ProvidedFile> {
    let key = accept(names::key(&entry.key), &entry.key_place, report)?;
    let item = Item { key: &entry.key, node: &entry.node };
    let mut fields = item.fields(keys_of(kind), format!("{} `{key}`", kind.word()), report)?;
    let is_external = external(&mut fields, report);
    let name = fields.entry("name");
    let mut sources = Sources { kind, key: &key, found: Vec::new() };
    sources.read(&mut fields, surroundings, report);
    if is_external {
        let said = name.and_then(|entry| Item { key: "name", node: &entry.node }.string(report));
        let place = name.map_or(&entry.key_place, |entry| &entry.node.place);
        let credential = credential_name(&said.unwrap_or_else(|| key.clone()), place, report);
        sources.found.push(("external", credential.map(FileSource::Credential)));
    } else if let Some(entry) = name {
        report.add(&entry.key_place, Shape::Ignored { key: entry.key.clone(), reason: keys::NO_OBJECT });
    }
    let before = report.error_count();
    fields.finish(report);
    // One whose source is faulty is declared all the same: that error is enough.
    let faulty = || FileSource::Content(String::new());
    let source = sources.only(entry, report.error_count() == before, report).unwrap_or_else(faulty);
    Some(ProvidedFile { key, place: entry.key_place.clone(), source })
}

/// The keys that say where the contents come from, of which there must be one.
struct Sources<'a> {
    kind: FileKind,
    key: &'a str,
    /// The key, and what it says if that is right.
    found: Vec<(&'static str, Option<FileSource>)>,
}

impl Sources<'_> {
    fn read(&mut self, fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, report: &mut Report) {
        if let Some(item) = fields.get("file") {
            let file = item.parse(Expected::String, report, |text| path(text, surroundings.at(item.place())));
            self.found.push(("file", file.map(FileSource::File)));
        }
        if let Some(item) = fields.get("environment") {
            let variable = item.parse(Expected::String, report, names::variable);
            let value = |variable: String| FileSource::Environment {
                value: surroundings.at(item.place()).lookup(&variable),
                variable,
            };
            self.found.push(("environment", variable.map(value)));
        }
        if self.kind == FileKind::Config
            && let Some(item) = fields.get("content")
        {
            self.found.push(("content", item.string(report).map(FileSource::Content)));
        }
        if let Some(item) = fields.get("credential") {
            self.found.push(("credential", credential(item, surroundings, report)));
        }
    }

    fn only(self, entry: &Entry, complain: bool, report: &mut Report) -> Option<FileSource> {
        let names: Vec<&'static str> = self.found.iter().map(|(name, _)| *name).collect();
        match names.as_slice() {
            [] if complain => {
                report.add(&entry.key_place, SecretFault::NoSource { kind: self.kind, key: self.key.to_owned() });
            }
            [_, _, ..] => {
                let fault = SecretFault::SeveralSources { kind: self.kind, key: self.key.to_owned(), names };
                report.add(&entry.key_place, fault);
            }
            _ => return self.found.into_iter().next()?.1,
        }
        None
    }
}

fn path(text: &str, scope: &Scope<'_>) -> Result<PathBuf, Invalid> {
    host_path(text, scope).map_err(|fault| Invalid::mount(text, fault))
}

/// A name, or with a slash the path of an encrypted credential.
fn credential(item: Item<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<FileSource> {
    let text = item.str(report)?;
    if !text.contains('/') {
        return credential_name(text, item.place(), report).map(FileSource::Credential);
    }
    let path = accept(path(text, surroundings.at(item.place())), item.place(), report)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    credential_name(&name, item.place(), report)?;
    Some(FileSource::EncryptedCredential(path))
}

/// What systemd takes as a credential's name, without the characters by which ImportCredential= means several of them.
fn credential_name(text: &str, place: &Place, report: &mut Report) -> Option<String> {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '*' | '?' | '[' | '%' | '\\' | '"' | '\'');
    let is_name = !text.is_empty() && text.len() < 256 && text.chars().all(fits) && !matches!(text, "." | "..");
    if !is_name {
        report.add(place, SecretFault::CredentialName { value: text.to_owned() });
    }
    is_name.then(|| text.to_owned())
}

/// Reads a service's `secrets` or `configs`.
pub fn granted(kind: FileKind, service: &mut Fields<'_>, report: &mut Report) -> Vec<Grant> {
    let owner = service.owner.clone();
    let short = |text: &str, item: Item<'_>, report: &mut Report| grant(kind, text, None, item, report);
    each(kind.table(), service, report, short, |item, report| long(kind, item, &owner, report))
}

/// Reads the `secrets` of a build: their target is the `id` that the Dockerfile has for them.
pub fn of_build(build: &mut Fields<'_>, report: &mut Report) -> Vec<Grant> {
    let owner = build.owner.clone();
    let short = |text: &str, item: Item<'_>, _: &mut Report| Some(with_defaults(text, text.to_owned(), item));
    each("secrets", build, report, short, |item, report| {
        let mut fields = item.fields(&keys::BUILD_SECRET, format!("a secret of {owner}"), report)?;
        let source = fields.required("source", "source = \"NAME\"", report);
        let target = fields.string("target", report);
        fields.finish(report);
        let source = source?.str(report)?;
        Some(with_defaults(source, target.unwrap_or_else(|| source.to_owned()), item))
    })
}

/// A list whose entries are names or tables.
fn each(
    key: &'static str,
    fields: &mut Fields<'_>,
    report: &mut Report,
    short: impl Fn(&str, Item<'_>, &mut Report) -> Option<Grant>,
    long: impl Fn(Item<'_>, &mut Report) -> Option<Grant>,
) -> Vec<Grant> {
    let elements = fields.get(key).and_then(|item| item.elements(Expected::List, report)).unwrap_or_default();
    let grants = elements.iter().filter_map(|node| {
        let item = Item { key, node };
        match &node.value {
            Value::String(text) => short(text, item, report),
            Value::Table(_) => long(item, report),
            _ => {
                item.wrong_type(Expected::StringOrTable, report);
                None
            }
        }
    });
    grants.collect()
}

/// With the specification's defaults.
fn with_defaults(source: &str, target: String, item: Item<'_>) -> Grant {
    Grant { source: source.to_owned(), target, uid: 0, gid: 0, mode: DEFAULT_MODE, place: item.place().clone() }
}

fn grant(kind: FileKind, source: &str, target: Option<&str>, item: Item<'_>, report: &mut Report) -> Option<Grant> {
    let target = absolute_target(kind, target.unwrap_or(source));
    let reaches_a_file = target.ends_with(|c| !matches!(c, '/' | '.'));
    if target.contains([':', '\0']) || !reaches_a_file {
        report.add(item.place(), SecretFault::Target { value: target });
        return None;
    }
    Some(with_defaults(source, target, item))
}

/// A name alone is one of the directory where files of the kind appear.
fn absolute_target(kind: FileKind, target: &str) -> String {
    match (kind, target.starts_with('/')) {
        (_, true) => target.to_owned(),
        (FileKind::Secret, false) => format!("/run/secrets/{target}"),
        (FileKind::Config, false) => format!("/{target}"),
    }
}

fn long(kind: FileKind, item: Item<'_>, owner: &str, report: &mut Report) -> Option<Grant> {
    let mut fields = item.fields(&keys::GRANT, format!("a {} of {owner}", kind.word()), report)?;
    let source = fields.required("source", "source = \"NAME\"", report);
    let target = fields.string("target", report);
    let uid = number("uid", &mut fields, report);
    let gid = number("gid", &mut fields, report);
    let mode = fields.get("mode").and_then(|item| permission_bits(item, report));
    fields.finish(report);
    let grant = grant(kind, source?.str(report)?, target.as_deref(), item, report)?;
    Some(Grant {
        uid: uid.unwrap_or(0),
        gid: gid.unwrap_or(0),
        mode: mode.map_or(DEFAULT_MODE, |mode| mode & !WRITE_BITS),
        ..grant
    })
}

/// `uid` and `gid`: a number, or a string of digits.
fn number(key: &'static str, fields: &mut Fields<'_>, report: &mut Report) -> Option<u32> {
    let item = fields.get(key)?;
    let text = item.scalar(report)?;
    let number = text.parse().ok();
    if number.is_none() {
        report.add(item.place(), SecretFault::NotANumber { key, value: text });
    }
    number
}
