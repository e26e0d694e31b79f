//! Who else than root can change a file: by writing it, or by replacing it, a link to it, or a directory above one of them.
//!
//! Invariant: only the file system is asked, and /etc/passwd and /etc/group as files: at boot, no service answers for names. A file
//! that is not there yet is whoever's who can create it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::beneath::MOST_LINKS;
use crate::path::absolute;
use crate::regular_file::read_text;

/// Somebody other than root; the later, the more there may be.
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

/// What of these files, of the links to them, and of the directories above, others can write. A directory is named once, however many of
/// the files lie below it; what lies below a directory of somebody else is named only if more can write it.
pub fn writable_by_others<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Vec<Writable> {
    let mut found: BTreeMap<(PathBuf, Writer), Writable> = BTreeMap::new();
    for file in files {
        let mut most = None;
        for (path, writer) in writers(&absolute(file)) {
            if most.is_none_or(|most| writer > most) {
                most = Some(writer);
                let writable = || Writable { path: path.clone(), writer, file: file.clone() };
                found.entry((path.clone(), writer)).or_insert_with(writable);
            }
        }
    }
    found.into_values().collect()
}

/// All that others can write on the way to a file, from the root down and through links, in the order of the way.
fn writers(file: &Path) -> Vec<(PathBuf, Writer)> {
    let mut found = Vec::new();
    let mut left = parts(file);
    let mut here = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            here.pop();
            continue;
        }
        let path = here.join(part);
        let metadata = fs::symlink_metadata(&path).ok();
        let is_roots = metadata.as_ref().is_some_and(|metadata| metadata.uid() == 0);
        // In a sticky directory others cannot replace what is root's, but they can be first.
        if let Some(writer) = fs::symlink_metadata(&here).ok().and_then(|above| creator(&above)).filter(|_| !is_roots) {
            found.push((here.clone(), writer));
        }
        let Some(metadata) = metadata else { break };
        found.extend(writer(&metadata).map(|writer| (path.clone(), writer)));
        if metadata.is_symlink() {
            links += 1;
            let Some(target) = fs::read_link(&path).ok().filter(|_| links <= MOST_LINKS) else { break };
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            left.extend(parts(&target));
        } else {
            here = path;
        }
    }
    found
}

/// The names and `..` of a path, last first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    parts.rev().map(|part| part.as_os_str().to_owned()).collect()
}

/// Who can change a file or link, and replace whatever is in a directory.
fn writer(metadata: &Metadata) -> Option<Writer> {
    if metadata.uid() != 0 {
        return Some(Writer::User(metadata.uid()));
    }
    // A link has no permissions of its own.
    if metadata.is_symlink() || is_sticky(metadata) { None } else { permitted(metadata) }
}

/// Who can create files in a sticky directory, and replace only those of their own.
fn creator(directory: &Metadata) -> Option<Writer> {
    if is_sticky(directory) { permitted(directory) } else { None }
}

fn is_sticky(metadata: &Metadata) -> bool {
    metadata.is_dir() && metadata.mode() & 0o1000 != 0
}

fn permitted(metadata: &Metadata) -> Option<Writer> {
    if metadata.mode() & 0o002 != 0 {
        return Some(Writer::Everybody);
    }
    (metadata.mode() & 0o020 != 0 && metadata.gid() != 0).then(|| Writer::Group(metadata.gid()))
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
