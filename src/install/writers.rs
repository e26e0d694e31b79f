//! Who else than root can change a file: by writing it, or by replacing it or a directory above it.
//!
//! Invariant: only the file system is asked, and /etc/passwd and /etc/group as files: at boot, no service answers for names.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::path::absolute;
use crate::regular_file::read_text;

/// Somebody other than root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    User(u32),
    Group(u32),
    Everybody,
}

/// A file or directory that somebody other than root can write, and with it what depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writable {
    /// What can be written.
    pub path: PathBuf,
    pub writer: Writer,
    /// The first of the files that can be changed by that.
    pub file: PathBuf,
}

/// What of these files, and of the directories above them, others can write. A directory is named once, however many of the files lie below it.
pub fn writable_by_others<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Vec<Writable> {
    let mut found: BTreeMap<PathBuf, Option<Writable>> = BTreeMap::new();
    for file in files {
        let written = absolute(file);
        let real = fs::canonicalize(&written).ok();
        for path in [Some(written), real].into_iter().flatten() {
            // From the root down: what lies below a directory of somebody else is theirs anyway.
            let mut down: Vec<&Path> = path.ancestors().collect();
            down.reverse();
            for path in down {
                let writable = found.entry(path.to_owned()).or_insert_with(|| {
                    let writer = writer(&fs::symlink_metadata(path).ok()?)?;
                    Some(Writable { path: path.to_owned(), writer, file: file.clone() })
                });
                if writable.is_some() {
                    break;
                }
            }
        }
    }
    found.into_values().flatten().collect()
}

fn writer(metadata: &Metadata) -> Option<Writer> {
    let (mode, sticky) = (metadata.mode(), metadata.is_dir() && metadata.mode() & 0o1000 != 0);
    if metadata.uid() != 0 {
        return Some(Writer::User(metadata.uid()));
    }
    // A link has no permissions of its own; in a sticky directory, everybody replaces only their own files.
    if metadata.is_symlink() || sticky {
        return None;
    }
    if mode & 0o002 != 0 {
        return Some(Writer::Everybody);
    }
    (mode & 0o020 != 0 && metadata.gid() != 0).then(|| Writer::Group(metadata.gid()))
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "the user {}", name("/etc/passwd", *id).unwrap_or_else(|| id.to_string())),
            Self::Group(id) => write!(f, "the group {}", name("/etc/group", *id).unwrap_or_else(|| id.to_string())),
            Self::Everybody => f.write_str("every user"),
        }
    }
}

/// Of passwd(5) or group(5): the third field is the number.
fn name(database: &str, id: u32) -> Option<String> {
    let text = read_text(Path::new(database), 1 << 20).ok()?;
    let id = id.to_string();
    let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = fields.into_iter().find(|fields| fields.get(2) == Some(&id.as_str()))?;
    line.first().map(|name| (*name).to_owned())
}
