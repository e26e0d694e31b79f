//! What is built → what BuildKit is asked for, by its own names, and the Wharf part of its spec.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::files;
use super::units::Head;
use crate::spec::{BuildParameters, BuildPart, BuildSpec, CacheOption};
use crate::stack::{
    Build, BuildCache, BuildContext, BuildNetwork, ContextSource, Dockerfile, PullPolicy, Service, Stack, Ulimit,
};

/// BuildKit's frontend must know that contexts have names, and says so if it does not.
const NAMED_CONTEXTS: &str = "moby.buildkit.frontend.contexts+forward";

/// The spec of a service's image.
pub fn build_spec(stack: &Stack, head: &Head, service: &Service, build: &Build) -> BuildSpec {
    let mut attributes = attributes(build);
    let mut entitlements = build.entitlements.clone();
    if build.network == BuildNetwork::Host {
        entitlements.insert("network.host".to_owned());
    }
    let named = named_contexts(stack, head, build);
    attributes.extend(named.attributes);
    let context = match &build.context {
        BuildContext::Directory(path) => Some(path.clone()),
        BuildContext::Remote(address) => {
            attributes.insert("context".to_owned(), address.clone());
            None
        }
    };
    let (dockerfile, dockerfile_inline) = match &build.dockerfile {
        Dockerfile::Path(path) if context.is_some() => (Some(PathBuf::from(path)), None),
        Dockerfile::Path(path) => {
            attributes.insert("filename".to_owned(), path.clone());
            (None, None)
        }
        Dockerfile::Inline(text) => (None, Some(text.clone())),
    };
    BuildSpec {
        build: BuildParameters {
            name: service.image.to_string(),
            frontend_attrs: attributes,
            entitlements: entitlements.into_iter().collect(),
            cache_imports: build.cache_from.iter().map(cache).collect(),
            cache_exports: build.cache_to.iter().map(cache).collect(),
        },
        wharf: BuildPart {
            project: stack.name.to_string(),
            service: service.name.to_string(),
            // What is fetched, only BuildKit's own cache can tell.
            always: service.pull_policy == Some(PullPolicy::Build) || context.is_none() || named.has_remote,
            context,
            dockerfile,
            dockerfile_inline,
            inputs: named.inputs,
            images: named.images.into_iter().collect(),
            secrets: files::build_secrets(stack, build),
            tags: build.tags.iter().map(ToString::to_string).collect(),
        },
    }
}

/// Of the frontend `dockerfile.v0` (BuildKit, frontend/dockerui).
fn attributes(build: &Build) -> BTreeMap<String, String> {
    let args = build.args.iter().map(|(name, value)| (format!("build-arg:{name}"), value.clone()));
    let labels = build.labels.iter().map(|(name, value)| (format!("label:{name}"), value.clone()));
    let network = match build.network {
        BuildNetwork::Default => None,
        BuildNetwork::None => Some("none".to_owned()),
        BuildNetwork::Host => Some("host".to_owned()),
    };
    let hosts: Vec<String> = build.extra_hosts.iter().map(|host| host.replacen(':', "=", 1)).collect();
    let limits: Vec<String> = build.ulimits.iter().map(limit).collect();
    let single = [
        ("add-hosts", (!hosts.is_empty()).then(|| hosts.join(","))),
        ("force-network-mode", network),
        ("image-resolve-mode", build.pull.then(|| "pull".to_owned())),
        ("no-cache", build.no_cache.then(String::new)),
        ("platform", build.platform.clone()),
        ("shm-size", build.shm_size.map(|bytes| bytes.to_string())),
        ("target", build.target.clone()),
        ("ulimit", (!limits.is_empty()).then(|| limits.join(","))),
    ];
    let single = single.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    args.chain(labels).chain(single).collect()
}

fn limit((name, Ulimit { soft, hard }): (&String, &Ulimit)) -> String {
    format!("{name}={soft}:{hard}")
}

fn cache(cache: &BuildCache) -> CacheOption {
    CacheOption { r#type: cache.kind.clone(), attrs: cache.attributes.clone() }
}

#[derive(Default)]
struct NamedContexts {
    attributes: BTreeMap<String, String>,
    inputs: BTreeMap<String, PathBuf>,
    images: BTreeSet<String>,
    has_remote: bool,
}

fn named_contexts(stack: &Stack, head: &Head, build: &Build) -> NamedContexts {
    let mut named = NamedContexts::default();
    for (name, context) in &build.additional_contexts {
        let value = match &context.source {
            ContextSource::Directory(path) => {
                let input = format!("additional-{}", named.inputs.len() + 1);
                named.inputs.insert(input.clone(), path.clone());
                format!("input:{input}")
            }
            ContextSource::Remote(address) => {
                named.has_remote = true;
                address.clone()
            }
            ContextSource::Image(image) => format!("docker-image://{image}"),
            ContextSource::Service(service) => {
                let Some(service) = stack.services.get(service) else { continue };
                if head.builder(service).is_some() {
                    named.images.insert(service.image.to_string());
                }
                format!("docker-image://{}", service.image)
            }
        };
        named.attributes.insert(format!("context:{name}"), value);
    }
    if !named.attributes.is_empty() {
        named.attributes.insert("frontend.caps".to_owned(), NAMED_CONTEXTS.to_owned());
    }
    named
}
