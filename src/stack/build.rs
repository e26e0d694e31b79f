//! `build`: how a service's image is made.
//!
//! Source: Compose Build Specification. Invariant: nothing of the context is read here.

use std::collections::BTreeMap;

use super::decode::{Fields, Item, accept};
use super::environment;
use super::keys;
use super::model::{Build, BuildContext, Dockerfile};
use super::mounts::{bytes, host_path};
use super::node::Value;
use super::problem::{BuildFault, Expected, Invalid, Report, Shape};
use super::surroundings::{Scope, Surroundings};
use super::{choice, hosts, image, labels};

/// What a context that the engine fetches begins with.
const REMOTE: [&str; 6] = ["http://", "https://", "git://", "git@", "ssh://", "github.com/"];

/// The largest number that the engine's client takes for a size.
const MOST_SHARED_MEMORY: u64 = i32::MAX as u64;

/// Reads `build`, a context or a table.
pub fn read(service: &mut Fields<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Build> {
    let item = service.get("build")?;
    if let Value::String(text) = &item.node.value {
        let context = accept(context(text, surroundings.at(item.place())), item.place(), report)?;
        return Some(of_context(item, context));
    }
    if !matches!(item.node.value, Value::Table(_)) {
        item.wrong_type(Expected::StringOrTable, report);
        return None;
    }
    let mut fields = item.fields(&keys::BUILD, format!("`build` of {}", service.owner), report)?;
    let found = fields
        .get("context")
        .and_then(|item| item.parse(Expected::String, report, |text| context(text, surroundings.at(item.place()))));
    let context = found.unwrap_or_else(|| BuildContext::Directory(surroundings.at(item.place()).directory.clone()));
    let build = Build {
        dockerfile: dockerfile(&mut fields, &context, report),
        args: args(&mut fields, surroundings, report),
        labels: labels::read(&mut fields, report),
        target: fields.string("target", report),
        network: fields.string("network", report),
        cache_from: fields.parse_strings("cache_from", report, cache_from),
        extra_host: extra_host(&mut fields, report),
        shm_size: shm_size(&mut fields, report),
        platform: platform(&mut fields, report),
        tags: fields.parse_strings("tags", report, image::reference),
        no_cache: fields.boolean("no_cache", report).unwrap_or(false),
        pull: fields.boolean("pull", report).unwrap_or(false),
        ..of_context(item, context)
    };
    nothing_to_turn_off(&mut fields, report);
    fields.finish(report);
    Some(build)
}

fn of_context(item: Item<'_>, context: BuildContext) -> Build {
    Build {
        place: item.place().clone(),
        context,
        dockerfile: Dockerfile::Path("Dockerfile".to_owned()),
        args: BTreeMap::new(),
        labels: BTreeMap::new(),
        target: None,
        network: None,
        cache_from: Vec::new(),
        extra_host: None,
        shm_size: None,
        platform: None,
        tags: Vec::new(),
        no_cache: false,
        pull: false,
    }
}

fn context(text: &str, scope: &Scope<'_>) -> Result<BuildContext, Invalid> {
    if text.is_empty() {
        return Err(Invalid::Empty { what: "the build's context" });
    }
    if REMOTE.iter().any(|start| text.starts_with(start)) {
        return Ok(BuildContext::Remote(text.to_owned()));
    }
    let path = host_path(text, scope);
    path.map(BuildContext::Directory).map_err(|fault| Invalid::Mount { value: text.to_owned(), fault })
}

fn dockerfile(fields: &mut Fields<'_>, context: &BuildContext, report: &mut Report) -> Dockerfile {
    let path = fields.get("dockerfile");
    let inline = fields.get("dockerfile_inline");
    let remote = matches!(context, BuildContext::Remote(_));
    if let (Some(_), Some(inline)) = (path, inline) {
        let because = "there is a `dockerfile` too";
        let key = "dockerfile_inline".to_owned();
        report.add(inline.place(), Shape::Excludes { key, owner: fields.owner.clone(), because });
    } else if let (true, Some(inline)) = (remote, inline) {
        let because = "the engine itself fetches the context with its Dockerfile";
        let key = "dockerfile_inline".to_owned();
        report.add(inline.place(), Shape::Excludes { key, owner: fields.owner.clone(), because });
    }
    if let Some(text) = inline.and_then(|item| item.string(report)) {
        return Dockerfile::Inline(text);
    }
    let named = path.and_then(|item| {
        item.parse(Expected::String, report, |text| match text {
            "" => Err(Invalid::Empty { what: "`dockerfile`" }),
            _ => Ok(text.to_owned()),
        })
    });
    Dockerfile::Path(named.unwrap_or_else(|| "Dockerfile".to_owned()))
}

fn args(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let args = environment::assignments(fields, "args", surroundings, report);
    args.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The engine takes images only.
fn cache_from(text: &str) -> Result<String, Invalid> {
    let reference = text.strip_prefix("type=registry,ref=").unwrap_or(text);
    if reference.contains('=') {
        return Err(Invalid::Build(BuildFault::CacheSource { value: text.to_owned() }));
    }
    image::reference(reference)
}

/// The client library of the engine's API has room for one.
fn extra_host(fields: &mut Fields<'_>, report: &mut Report) -> Option<String> {
    let item = fields.get("extra_hosts")?;
    let mut hosts = hosts::extra_hosts(fields, report);
    if hosts.len() > 1 {
        report.add(item.place(), Invalid::Build(BuildFault::ManyHosts { count: hosts.len() }));
    }
    hosts.pop()
}

fn shm_size(fields: &mut Fields<'_>, report: &mut Report) -> Option<u64> {
    let item = fields.get("shm_size")?;
    let size = bytes(item, report)?;
    if size > MOST_SHARED_MEMORY {
        report.add(item.place(), Invalid::Build(BuildFault::SharedMemory { bytes: size }));
    }
    Some(size)
}

/// The engine keeps an image for one platform.
fn platform(fields: &mut Fields<'_>, report: &mut Report) -> Option<String> {
    let item = fields.get("platforms")?;
    let mut platforms = fields.parse_strings("platforms", report, |text| Ok(text.to_owned()));
    if platforms.len() > 1 {
        report.add(item.place(), Invalid::Build(BuildFault::ManyPlatforms));
    }
    platforms.pop()
}

/// Keys that the engine's builder cannot turn on; off they are already.
fn nothing_to_turn_off(fields: &mut Fields<'_>, report: &mut Report) {
    for (key, instead) in [
        ("privileged", "remove it: the engine builds without privileges; do at run time what needs them"),
        ("provenance", keys::INSTEAD_OF_BUILDKIT),
        ("sbom", keys::INSTEAD_OF_BUILDKIT),
    ] {
        let Some(entry) = fields.entry(key) else { continue };
        if entry.node.value != Value::Bool(false) {
            let (key, owner) = (key.to_owned(), fields.owner.clone());
            let because = "the engine's builder does not do it";
            report.add(&entry.key_place, Shape::KeyRefused { key, owner, because, instead });
        }
    }
    // Windows alone has others.
    fields.parse("isolation", report, |text| choice::one_of("isolation", text, &["default"]));
}
