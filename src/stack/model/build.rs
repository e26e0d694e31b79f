//! How a service's image is built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Grant, Ulimit};
use crate::diagnostic::Place;
use crate::name::ImageRef;

/// `build`. Source: Compose Build Specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub place: Place,
    pub context: BuildContext,
    pub dockerfile: Dockerfile,
    /// Those without a value, here and around Wharf, are left out.
    pub args: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub target: Option<String>,
    pub network: BuildNetwork,
    /// Where results of steps may be taken from.
    pub cache_from: Vec<BuildCache>,
    /// Where they are put.
    pub cache_to: Vec<BuildCache>,
    /// `host:ip` in the engine's form.
    pub extra_hosts: Vec<String>,
    /// Bytes.
    pub shm_size: Option<u64>,
    pub ulimits: BTreeMap<String, Ulimit>,
    /// By the names that the Dockerfile has for them.
    pub additional_contexts: BTreeMap<String, AdditionalContext>,
    /// Secrets of the stack; the target is the `id` that the Dockerfile has for it.
    pub secrets: Vec<Grant>,
    /// As BuildKit names them.
    pub entitlements: BTreeSet<String>,
    /// `linux/amd64`
    pub platform: Option<String>,
    /// Further names of the image.
    pub tags: Vec<ImageRef>,
    pub no_cache: bool,
    /// Fetch the base images again, even if they are there.
    pub pull: bool,
}

impl Build {
    /// The services whose images it uses.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.additional_contexts.values().filter_map(|context| match &context.source {
            ContextSource::Service(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The directories of this host that it uses.
    pub fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        let main = match &self.context {
            BuildContext::Directory(path) => Some(path),
            BuildContext::Remote(_) => None,
        };
        let additional = self.additional_contexts.values().filter_map(|context| match &context.source {
            ContextSource::Directory(path) => Some(path),
            _ => None,
        });
        main.into_iter().chain(additional)
    }

    /// The same, to be seen from another root.
    pub fn directories_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let main = match &mut self.context {
            BuildContext::Directory(path) => Some(path),
            BuildContext::Remote(_) => None,
        };
        let additional = self.additional_contexts.values_mut().filter_map(|context| match &mut context.source {
            ContextSource::Directory(path) => Some(path),
            _ => None,
        });
        main.into_iter().chain(additional)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildContext {
    /// Absolute path on the host.
    Directory(PathBuf),
    /// A git repository or a tar file, which the engine fetches.
    Remote(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dockerfile {
    /// A path, relative to the context or absolute; `Dockerfile` by default.
    Path(String),
    /// `dockerfile_inline`: the text itself.
    Inline(String),
}

/// What the steps of a build reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildNetwork {
    Default,
    None,
    Host,
}

/// One of `cache_from` or `cache_to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCache {
    /// `registry`, `inline`…
    pub kind: String,
    pub attributes: BTreeMap<String, String>,
}

/// One of `additional_contexts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalContext {
    pub place: Place,
    pub source: ContextSource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextSource {
    /// Absolute path on the host.
    Directory(PathBuf),
    /// A git repository or a file, which the engine fetches.
    Remote(String),
    /// An image.
    Image(ImageRef),
    /// The image of a service of the stack.
    Service(String),
}
