//! What is built → the parameters of the engine's builder and the Wharf part of its spec.

use super::names;
use crate::spec::{BuildParameters, BuildPart, BuildSpec};
use crate::stack::{Build, BuildContext, Dockerfile, PullPolicy, Service, Stack};

/// The spec of a service's image.
pub fn build_spec(stack: &Stack, service: &Service, build: &Build) -> BuildSpec {
    let (context, remote) = match &build.context {
        BuildContext::Directory(path) => (Some(path.clone()), None),
        BuildContext::Remote(address) => (None, Some(address.clone())),
    };
    let (dockerfile, dockerfile_inline) = match &build.dockerfile {
        Dockerfile::Path(path) => (Some(path.clone()), None),
        Dockerfile::Inline(text) => (None, Some(text.clone())),
    };
    BuildSpec {
        build: BuildParameters {
            t: service.image.clone(),
            dockerfile,
            remote,
            buildargs: build.args.clone(),
            labels: build.labels.clone(),
            target: build.target.clone(),
            networkmode: build.network.as_ref().map(|network| network_name(stack, network)),
            cachefrom: build.cache_from.clone(),
            extrahosts: build.extra_host.clone(),
            shmsize: build.shm_size.and_then(|bytes| i32::try_from(bytes).ok()),
            platform: build.platform.clone(),
            nocache: build.no_cache,
            pull: build.pull,
        },
        wharf: BuildPart {
            project: stack.name.clone(),
            service: service.name.clone(),
            context,
            dockerfile_inline,
            tags: build.tags.clone(),
            always: service.pull_policy == Some(PullPolicy::Build),
        },
    }
}

/// The unit of the stack's network that a build uses, if it does.
pub fn network_unit(stack: &Stack, build: &Build) -> Option<String> {
    let key = declared(stack, build.network.as_deref()?)?;
    Some(names::network_unit(&stack.name, key))
}

/// A network of the stack goes by its key.
fn network_name(stack: &Stack, written: &str) -> String {
    let network = stack.networks.get(written).filter(|_| !is_mode(written));
    network.map_or_else(|| written.to_owned(), |network| network.name.clone())
}

fn declared<'a>(stack: &Stack, written: &'a str) -> Option<&'a str> {
    let network = stack.networks.get(written).filter(|network| !is_mode(written) && !network.external);
    network.map(|_| written)
}

/// What the engine understands without a network of that name.
fn is_mode(network: &str) -> bool {
    matches!(network, "default" | "none" | "host" | "bridge")
}
