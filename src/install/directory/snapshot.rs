//! What lies in a unit directory, as data.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::mark::owner_of;
use crate::name::ProjectName;

/// What lies in a unit directory under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    File {
        contents: Vec<u8>,
        mode: u32,
    },
    /// With the contents of the file that it leads to, if it leads to one.
    Link {
        target: PathBuf,
        contents: Option<Vec<u8>>,
    },
    Directory,
    /// A file that the caller may not read.
    Unreadable,
    /// A file that is larger than any that Wharf writes, and is not read.
    TooLarge,
}

/// A unit directory as it was at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub path: PathBuf,
    pub entries: BTreeMap<String, Entry>,
    /// Enablement links, as `multi-user.target.wants/shop.target`, and where each leads.
    pub enablement: BTreeMap<String, PathBuf>,
    /// What an interrupted run left behind.
    pub leftovers: Vec<String>,
}

impl Entry {
    /// The project that the entry of this name belongs to; a link belongs to the owner of what it leads to.
    pub fn owner(&self, name: &str) -> Option<ProjectName> {
        match self {
            Self::File { contents, .. } | Self::Link { contents: Some(contents), .. } => {
                owner_of(name, &String::from_utf8_lossy(contents))
            }
            Self::Link { contents: None, .. } | Self::Directory | Self::Unreadable | Self::TooLarge => None,
        }
    }

    /// Whether it masks the unit of its name: a link to /dev/null or an empty file (systemd.unit(5)).
    pub fn masks(&self) -> bool {
        match self {
            Self::Link { target, .. } => target.as_os_str() == "/dev/null",
            Self::File { contents, .. } => contents.is_empty(),
            Self::Directory | Self::Unreadable | Self::TooLarge => false,
        }
    }
}
