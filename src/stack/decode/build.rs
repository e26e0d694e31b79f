//! `build`: how a service's image is made.
//!
//! Source: Compose Build Specification. Invariant: nothing of the context is read here.

use std::collections::{BTreeMap, BTreeSet};

use super::environment;
use super::hosts;
use super::limits;
use super::secrets;
use crate::stack::fields::maps;
use crate::stack::fields::quantities::bytes;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::build::{cache, entitlement, is_remote, network};
use crate::stack::grammar::choice;
use crate::stack::grammar::image;
use crate::stack::keys;
use crate::stack::model::{AdditionalContext, Build, BuildContext, BuildNetwork, ContextSource, Dockerfile};
use crate::stack::problem::{BuildFault, Expected, Invalid};
use crate::stack::text::host_path::host_path;
use crate::stack::text::node::Value;
use crate::stack::text::surroundings::{Scope, Surroundings};

/// The one that `privileged` means.
const PRIVILEGED: &str = "security.insecure";

/// Reads `build`, a context or a table.
pub fn read(service: &mut Fields<'_>, surroundings: &Surroundings<'_>) -> Option<Build> {
    let item = service.get("build")?;
    if let Value::String(text) = &item.node.value {
        let context = item.accept(context(text, surroundings.at(item.place())))?;
        return Some(of_context(item, context));
    }
    if !matches!(item.node.value, Value::Table(_)) {
        item.wrong_type(Expected::StringOrTable);
        return None;
    }
    let mut fields = item.fields(&keys::BUILD, format!("`build` of {}", service.owner))?;
    let found = fields
        .get("context")
        .and_then(|item| item.parse(Expected::String, |text| context(text, surroundings.at(item.place()))));
    let context = found.unwrap_or_else(|| BuildContext::Directory(surroundings.at(item.place()).directory.clone()));
    let build = Build {
        dockerfile: dockerfile(&mut fields, &context),
        args: args(&mut fields, surroundings),
        labels: maps::labels(&mut fields),
        target: fields.string("target"),
        network: fields.parse("network", network).unwrap_or(BuildNetwork::Default),
        cache_from: fields.parse_strings("cache_from", cache),
        cache_to: fields.parse_strings("cache_to", cache),
        extra_hosts: hosts::extra_hosts(&mut fields),
        shm_size: fields.get("shm_size").and_then(bytes),
        ulimits: limits::ulimits(&mut fields),
        additional_contexts: additional_contexts(&mut fields, surroundings),
        secrets: secrets::of_build(&mut fields),
        entitlements: entitlements(&mut fields),
        platform: platform(&mut fields),
        tags: fields.parse_strings("tags", image::reference),
        no_cache: fields.is_on("no_cache"),
        pull: fields.is_on("pull"),
        ..of_context(item, context)
    };
    nothing_to_turn_off(&mut fields);
    fields.finish();
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
    if is_remote(text) {
        return Ok(BuildContext::Remote(text.to_owned()));
    }
    let path = host_path(text, scope);
    path.map(BuildContext::Directory).map_err(|fault| Invalid::mount(text, fault))
}

fn dockerfile(fields: &mut Fields<'_>, context: &BuildContext) -> Dockerfile {
    let path = fields.get("dockerfile");
    let inline = fields.get("dockerfile_inline");
    let remote = matches!(context, BuildContext::Remote(_));
    if let (Some(_), Some(inline)) = (path, inline) {
        fields.excludes(inline.key, inline.place(), "`dockerfile` is set as well");
    } else if let (true, Some(inline)) = (remote, inline) {
        fields.excludes(inline.key, inline.place(), "the engine fetches this context together with its Dockerfile");
    }
    if let Some(text) = inline.and_then(|item| item.string()) {
        return Dockerfile::Inline(text);
    }
    let named = path.and_then(|item| {
        item.parse(Expected::String, |text| match text {
            "" => Err(Invalid::Empty { what: "`dockerfile`" }),
            _ => Ok(text.to_owned()),
        })
    });
    Dockerfile::Path(named.unwrap_or_else(|| "Dockerfile".to_owned()))
}

fn args(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>) -> BTreeMap<String, String> {
    let args = environment::assignments(fields, "args", surroundings);
    args.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn additional_contexts(
    fields: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
) -> BTreeMap<String, AdditionalContext> {
    let Some(item) = fields.get("additional_contexts") else { return BTreeMap::new() };
    let pairs = item.pairs();
    let read = pairs.into_iter().filter_map(|pair| {
        let source = context_source(&pair.value.unwrap_or_default(), surroundings.at(pair.place));
        let source = item.report.accept(pair.place, source)?;
        let name = item.report.accept(pair.place, image::reference(&pair.key))?;
        // As BuildKit looks it up.
        let is_latest = name.tag() == Some("latest") && name.digest().is_none();
        let name = if is_latest { name.name().to_owned() } else { name.to_string() };
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

fn entitlements(fields: &mut Fields<'_>) -> BTreeSet<String> {
    let named = fields.parse_strings("entitlements", entitlement);
    let privileged = fields.is_on("privileged").then(|| PRIVILEGED.to_owned());
    named.into_iter().chain(privileged).collect()
}

/// The engine keeps an image for one platform.
fn platform(fields: &mut Fields<'_>) -> Option<String> {
    let item = fields.get("platforms")?;
    let mut platforms = fields.texts("platforms");
    if platforms.len() > 1 {
        item.add(Invalid::Build(BuildFault::ManyPlatforms));
    }
    platforms.pop()
}

/// Keys that cannot be turned on; off they are already.
fn nothing_to_turn_off(fields: &mut Fields<'_>) {
    for key in ["provenance", "sbom"] {
        if fields.get(key).is_some_and(|item| item.node.value != Value::Bool(false)) {
            let because = "the engine's image store cannot hold attestations";
            let instead = "build and push the image with `docker buildx build`, and name it with `image`";
            fields.refuse(key, because, instead);
        }
    }
    // Windows alone has others.
    fields.parse("isolation", |text| choice::one_of("isolation", text, &["default"]));
}
