//! What is mounted into containers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::overrides::Overrides;
use crate::diagnostic::Place;
use crate::name::ImageRef;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: String,
    pub read_only: bool,
    pub kind: MountKind,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    Bind {
        /// Absolute path on the host.
        source: PathBuf,
        /// Short syntax: true. Long syntax: `bind.create_host_path`, default true.
        create_host_path: bool,
        propagation: Option<String>,
        /// `z` (shared) or `Z` (private).
        selinux: Option<char>,
        recursive: Recursive,
    },
    Volume {
        /// The volume's key; `None`: an anonymous volume.
        source: Option<String>,
        nocopy: bool,
        subpath: Option<String>,
        /// Of a volume that the mount makes.
        labels: BTreeMap<String, String>,
        /// `z` (shared) or `Z` (private); only the short syntax has it.
        selinux: Option<char>,
    },
    /// The contents of an image (Engine API 1.48).
    Image { reference: ImageRef, subpath: Option<String> },
    Tmpfs {
        /// Bytes.
        size: Option<u64>,
        /// Permission bits.
        mode: Option<u32>,
        /// Mount options of the service key `tmpfs` (`/run:size=64m,uid=1000`), as the engine takes them; of a mount in `volumes`, none.
        options: Option<String>,
    },
}

/// What becomes of mounts below a bind mount. Source: Compose Specification, services, volumes, bind.recursive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Recursive {
    /// They come along, read-only ones as far as the kernel can.
    #[default]
    Enabled,
    /// They do not come along.
    Disabled,
    /// They come along writable, also below a read-only mount.
    Writable,
    /// They come along read-only, or the container does not start.
    Readonly,
}

/// `volumes_from`: all mounts of another container.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumesFrom {
    pub source: MountsOwner,
    pub read_only: bool,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountsOwner {
    Service(String),
    /// One that is not of this stack.
    Container(String),
}

/// A volume of the stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    pub key: String,
    pub place: Place,
    /// The name at the engine: `name`, else `PROJECT_KEY` (an external one: else its key).
    pub name: String,
    /// Made and removed by somebody else.
    pub external: bool,
    pub driver: Option<String>,
    pub driver_opts: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub systemd: Overrides,
}
