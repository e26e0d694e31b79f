//! `build`: how a service's image is made.
//!
//! Source: Compose Build Specification. Invariant: nothing of the context is read here.

use std::collections::{BTreeMap, BTreeSet};

use super::environment;
use super::hosts;
use super::limits;
use super::maps;
use super::paths::host_path;
use super::quantities::bytes;
use super::secrets;
use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::choice;
use crate::stack::grammar::image;
use crate::stack::keys;
use crate::stack::model::{
    AdditionalContext, Build, BuildCache, BuildContext, BuildNetwork, ContextSource, Dockerfile,
};
use crate::stack::problem::{BuildFault, Expected, Invalid, Report, Shape};
use crate::stack::text::node::Value;
use crate::stack::text::surroundings::{Scope, Surroundings};

/// What a context that the engine fetches begins with.
const REMOTE: [&str; 6] = ["http://", "https://", "git://", "git@", "ssh://", "github.com/"];

/// What lets a step do more than others (BuildKit, entitlements); `device` may name one.
const ENTITLEMENTS: [&str; 3] = ["network.host", "security.insecure", "device"];

/// The one that `privileged` means.
const PRIVILEGED: &str = "security.insecure";

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
        labels: maps::labels(&mut fields, report),
        target: fields.string("target", report),
        network: fields.parse("network", report, network).unwrap_or(BuildNetwork::Default),
        cache_from: fields.parse_strings("cache_from", report, cache),
        cache_to: fields.parse_strings("cache_to", report, cache),
        extra_hosts: hosts::extra_hosts(&mut fields, report),
        shm_size: fields.get("shm_size").and_then(|item| bytes(item, report)),
        ulimits: limits::ulimits(&mut fields, report),
        additional_contexts: additional_contexts(&mut fields, surroundings, report),
        secrets: secrets::of_build(&mut fields, report),
        entitlements: entitlements(&mut fields, report),
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
        network: BuildNetwork::Default,
        cache_from: Vec::new(),
        cache_to: Vec::new(),
        extra_hosts: Vec::new(),
        shm_size: None,
        ulimits: BTreeMap::new(),
        additional_contexts: BTreeMap::new(),
        secrets: Vec::new(),
        entitlements: BTreeSet::new(),
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
    path.map(BuildContext::Directory).map_err(|fault| Invalid::mount(text, fault))
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

/// A network of the stack is out of reach: BuildKit's steps are no containers of the engine.
fn network(text: &str) -> Result<BuildNetwork, Invalid> {
    match text {
        "default" => Ok(BuildNetwork::Default),
        "none" => Ok(BuildNetwork::None),
        "host" => Ok(BuildNetwork::Host),
        other => Err(Invalid::Build(BuildFault::Network { value: other.to_owned() })),
    }
}

/// An image, or `type=TYPE,NAME=VALUE…`
fn cache(text: &str) -> Result<BuildCache, Invalid> {
    let fault = |fault: fn(String) -> BuildFault| Invalid::Build(fault(text.to_owned()));
    if !text.contains('=') {
        let attributes = BTreeMap::from([("ref".to_owned(), image::reference(text)?)]);
        return Ok(BuildCache { kind: "registry".to_owned(), attributes });
    }
    let mut attributes = BTreeMap::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or_else(|| fault(|value| BuildFault::Cache { value }))?;
        attributes.insert(name.trim().to_owned(), value.to_owned());
    }
    let kind = attributes.remove("type").ok_or_else(|| fault(|value| BuildFault::Cache { value }))?;
    match kind.as_str() {
        // Its files would have to go over the connection of the client.
        "local" => Err(fault(|value| BuildFault::LocalCache { value })),
        "registry" if !attributes.contains_key("ref") => Err(fault(|value| BuildFault::Cache { value })),
        _ => Ok(BuildCache { kind, attributes }),
    }
}

fn additional_contexts(
    fields: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, AdditionalContext> {
    let Some(item) = fields.get("additional_contexts") else { return BTreeMap::new() };
    let pairs = item.pairs(report);
    let read = pairs.into_iter().filter_map(|pair| {
        let source = context_source(&pair.value.unwrap_or_default(), surroundings.at(pair.place));
        let source = accept(source, pair.place, report)?;
        let name = accept(image::reference(&pair.key), pair.place, report)?;
        // As BuildKit looks it up.
        let name = name.strip_suffix(":latest").unwrap_or(&name).to_owned();
        Some((name, AdditionalContext { place: pair.place.clone(), source }))
    });
    read.collect()
}

fn context_source(text: &str, scope: &Scope<'_>) -> Result<ContextSource, Invalid> {
    if let Some(reference) = text.strip_prefix("docker-image://") {
        return image::reference(reference).map(ContextSource::Image);
    }
    if let Some(service) = text.strip_prefix("service:") {
        return Ok(ContextSource::Service(service.to_owned()));
    }
    if ["oci-layout://", "target:"].iter().any(|start| text.starts_with(start)) {
        return Err(Invalid::Build(BuildFault::ContextSource { value: text.to_owned() }));
    }
    Ok(match context(text, scope)? {
        BuildContext::Directory(path) => ContextSource::Directory(path),
        BuildContext::Remote(address) => ContextSource::Remote(address),
    })
}

fn entitlements(fields: &mut Fields<'_>, report: &mut Report) -> BTreeSet<String> {
    let named = fields.parse_strings("entitlements", report, |text| {
        let kind = text.split('=').next().unwrap_or_default();
        choice::one_of("entitlements", kind, &ENTITLEMENTS).map(|_| text.to_owned())
    });
    let privileged = fields.boolean("privileged", report).unwrap_or(false).then(|| PRIVILEGED.to_owned());
    named.into_iter().chain(privileged).collect()
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

/// Keys that cannot be turned on; off they are already.
fn nothing_to_turn_off(fields: &mut Fields<'_>, report: &mut Report) {
    for key in ["provenance", "sbom"] {
        let Some(entry) = fields.entry(key) else { continue };
        if entry.node.value != Value::Bool(false) {
            let (key, owner) = (key.to_owned(), fields.owner.clone());
            let because = "an image in the engine's own store has no room for an attestation";
            let instead = "build and push the image with `docker buildx build`, and name it with `image`";
            report.add(&entry.key_place, Shape::KeyRefused { key, owner, because, instead });
        }
    }
    // Windows alone has others.
    fields.parse("isolation", report, |text| choice::one_of("isolation", text, &["default"]));
}
