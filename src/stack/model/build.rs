//! How a service's image is built.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::diagnostic::Place;

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
    /// As written: `default`, `none`, `host`, a network of the stack or of the engine.
    pub network: Option<String>,
    /// Images whose layers may be used again.
    pub cache_from: Vec<String>,
    /// `host:ip` in the engine's form.
    pub extra_host: Option<String>,
    /// Bytes.
    pub shm_size: Option<u64>,
    /// `linux/amd64`
    pub platform: Option<String>,
    /// Further names of the image.
    pub tags: Vec<String>,
    pub no_cache: bool,
    /// Fetch the base images again, even if they are there.
    pub pull: bool,
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
