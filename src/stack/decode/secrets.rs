//! `secrets` and `configs`, of the stack and of a service.
//!
//! Source: Compose Specification, secrets and configs, and services of these names; `credential` is Wharf's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::external::external;
use crate::stack::fields::quantities::permission_bits;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::choice::one_of;
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::model::{FileSource, Grant, GrantKind, ProvidedFile};
use crate::stack::problem::{Expected, FileKind, Invalid, SecretFault, Shape};
use crate::stack::text::host_path::host_path;
use crate::stack::text::node::Value;
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
) -> BTreeMap<String, ProvidedFile> {
    let Some(item) = stack.get(kind.table()) else {
        return BTreeMap::new();
    };
    let read = item.entries().filter_map(|item| declaration(kind, item, surroundings));
    read.map(|file| (file.key.clone(), file)).collect()
}

/// The keys of an entry of the stack's table.
fn keys_of(kind: FileKind) -> &'static keys::Table {
    match kind {
        FileKind::Secret => &keys::SECRET,
        FileKind::Config => &keys::CONFIG,
    }
}

fn declaration(kind: FileKind, item: Item<'_>, surroundings: &Surroundings<'_>) -> Option<ProvidedFile> {
    let key = item.report.accept(item.key_place, names::key(item.key))?;
    let mut fields = item.fields(keys_of(kind), format!("{} `{key}`", kind.word()))?;
    let is_external = external(&mut fields);
    let name = fields.get("name");
    let mut sources = Sources { kind, key: &key, found: Vec::new() };
    sources.read(&mut fields, surroundings);
    if is_external {
        let written = name.and_then(|item| item.string());
        let place = name.map_or(item.key_place, |item| item.place());
        let credential = credential_name(written.as_deref().unwrap_or(&key));
        let credential = item.report.accept(place, credential);
        sources.found.push(("external", credential.map(FileSource::Credential)));
    } else if let Some(name) = name {
        item.report.add(name.key_place, Shape::Ignored { key: name.key.to_owned(), reason: keys::NO_OBJECT });
    }
    let before = item.report.error_count();
    fields.finish();
    // One whose source is faulty is declared all the same: that error is enough.
    let faulty = || FileSource::Content(String::new());
    let source = sources.only(item, item.report.error_count() == before).unwrap_or_else(faulty);
    Some(ProvidedFile { key, place: item.key_place.clone(), source })
}

/// The keys that say where the contents come from, of which there must be one.
struct Sources<'a> {
    kind: FileKind,
    key: &'a str,
    /// The key, and what it says if that is right.
    found: Vec<(&'static str, Option<FileSource>)>,
}

impl Sources<'_> {
    fn read(&mut self, fields: &mut Fields<'_>, surroundings: &Surroundings<'_>) {
        if let Some(item) = fields.get("file") {
            let file = item.parse(Expected::String, |text| path(text, surroundings.at(item.place())));
            self.found.push(("file", file.map(FileSource::File)));
        }
        if let Some(item) = fields.get("environment") {
            let variable = item.parse(Expected::String, names::variable);
            let value = |variable: String| FileSource::Environment {
                value: surroundings.at(item.place()).value(&variable, item.place(), item.report),
                variable,
            };
            self.found.push(("environment", variable.map(value)));
        }
        if self.kind == FileKind::Config
            && let Some(item) = fields.get("content")
        {
            self.found.push(("content", item.string().map(FileSource::Content)));
        }
        if let Some(item) = fields.get("credential") {
            self.found.push(("credential", credential(item, surroundings)));
        }
    }

    fn only(self, item: Item<'_>, complain: bool) -> Option<FileSource> {
        let names: Vec<&'static str> = self.found.iter().map(|(name, _)| *name).collect();
        match names.as_slice() {
            [] if complain => {
                item.report.add(item.key_place, SecretFault::NoSource { kind: self.kind, key: self.key.to_owned() });
            }
            [_, _, ..] => {
                let fault = SecretFault::SeveralSources { kind: self.kind, key: self.key.to_owned(), names };
                item.report.add(item.key_place, fault);
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
fn credential(item: Item<'_>, surroundings: &Surroundings<'_>) -> Option<FileSource> {
    let text = item.str()?;
    if !text.contains('/') {
        return item.report.accept(item.place(), credential_name(text)).map(FileSource::Credential);
    }
    let path = item.accept(path(text, surroundings.at(item.place())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    item.report.accept(item.place(), credential_name(&name))?;
    Some(FileSource::EncryptedCredential(path))
}

/// What systemd takes as a credential's name, without the characters by which ImportCredential= means several of them.
fn credential_name(text: &str) -> Result<String, SecretFault> {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '*' | '?' | '[' | '%' | '\\' | '"' | '\'');
    let is_name = !text.is_empty() && text.len() < 256 && text.chars().all(fits) && !matches!(text, "." | "..");
    if is_name { Ok(text.to_owned()) } else { Err(SecretFault::CredentialName { value: text.to_owned() }) }
}

/// Reads a service's `secrets` or `configs`.
pub fn granted(kind: FileKind, service: &mut Fields<'_>) -> Vec<Grant> {
    let owner = service.owner.clone();
    let short = |text: &str, item: Item<'_>| grant(kind, text, None, item);
    each(kind.table(), service, short, |item| long(kind, item, &owner))
}

/// Reads the `secrets` of a build: their target is the `id` that the Dockerfile has for them.
pub fn of_build(build: &mut Fields<'_>) -> Vec<Grant> {
    let owner = build.owner.clone();
    let short = |text: &str, item: Item<'_>| Some(with_defaults(text, text.to_owned(), item));
    each("secrets", build, short, |item| {
        let mut fields = item.fields(&keys::BUILD_SECRET, format!("a secret of {owner}"))?;
        let source = fields.required("source", "source = \"NAME\"");
        let target = fields.string("target");
        fields.finish();
        let source = source?.str()?;
        Some(with_defaults(source, target.unwrap_or_else(|| source.to_owned()), item))
    })
}

/// A list whose entries are names or tables.
fn each(
    key: &'static str,
    fields: &mut Fields<'_>,
    short: impl Fn(&str, Item<'_>) -> Option<Grant>,
    long: impl Fn(Item<'_>) -> Option<Grant>,
) -> Vec<Grant> {
    let items = fields.get(key).into_iter().flat_map(|item| item.elements(Expected::List));
    let grants = items.filter_map(|item| match &item.node.value {
        Value::String(text) => short(text, item),
        Value::Table(_) => long(item),
        _ => {
            item.wrong_type(Expected::StringOrTable);
            None
        }
    });
    grants.collect()
}

/// With the specification's defaults.
fn with_defaults(source: &str, target: String, item: Item<'_>) -> Grant {
    let (kind, place) = (GrantKind::File, item.place().clone());
    Grant { source: source.to_owned(), kind, target, uid: 0, gid: 0, mode: DEFAULT_MODE, place }
}

fn grant(kind: FileKind, source: &str, target: Option<&str>, item: Item<'_>) -> Option<Grant> {
    let target = absolute_target(kind, target.unwrap_or(source));
    let reaches_a_file = target.ends_with(|c| !matches!(c, '/' | '.'));
    if target.contains([':', '\0']) || !reaches_a_file {
        item.add(SecretFault::Target { value: target });
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

fn long(kind: FileKind, item: Item<'_>, owner: &str) -> Option<Grant> {
    let mut fields = item.fields(&keys::GRANT, format!("a {} of {owner}", kind.word()))?;
    let source = fields.required("source", "source = \"NAME\"");
    let target = fields.string("target");
    let uid = number("uid", &mut fields);
    let gid = number("gid", &mut fields);
    let mode = fields.get("mode").and_then(|item| permission_bits(item));
    let is_variable =
        fields.get("type").and_then(|item| item.parse(Expected::String, grant_kind)) == Some(GrantKind::Variable);
    fields.finish();
    let source = source?.str()?;
    if is_variable {
        if uid.is_some() || gid.is_some() || mode.is_some() {
            item.add(SecretFault::VariableWithOwner);
        }
        let name = item.accept(names::variable(target.as_deref().unwrap_or(source)))?;
        return Some(Grant { kind: GrantKind::Variable, ..with_defaults(source, name, item) });
    }
    let grant = grant(kind, source, target.as_deref(), item)?;
    Some(Grant {
        uid: uid.unwrap_or(0),
        gid: gid.unwrap_or(0),
        mode: mode.map_or(DEFAULT_MODE, |mode| mode & !WRITE_BITS),
        ..grant
    })
}

fn grant_kind(text: &str) -> Result<GrantKind, Invalid> {
    let word = one_of("type", text, &["env", "mount"])?;
    Ok(if word == "env" { GrantKind::Variable } else { GrantKind::File })
}

/// `uid` and `gid`: a number, or a string of digits.
fn number(key: &'static str, fields: &mut Fields<'_>) -> Option<u32> {
    let item = fields.get(key)?;
    let text = item.scalar()?;
    let number = text.parse().ok();
    if number.is_none() {
        item.add(SecretFault::NotANumber { key, value: text });
    }
    number
}
