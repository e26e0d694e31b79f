//! A unit directory: read as a whole under a lock, and changed under it.
//!
//! Invariant: everything happens at the open directory; no link in it, and none that takes its place, leads a write or a removal
//! elsewhere.

mod apply;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, openat, statat};

use super::destination::Destination;
use super::error::InstallError;
use super::root::Root;
use super::snapshot::{Entry, Snapshot};
use crate::beneath::link_target;
use crate::regular_file;

pub use apply::Unfinished;

/// systemd ignores files whose names begin with a dot (systemd.unit(5)).
const LEFTOVER_PREFIX: &str = ".#wharf-";
const LEFTOVER_SUFFIX: &str = ".tmp";
/// Exists from the first change until systemd has reloaded after the last one.
const UNFINISHED: &str = ".#wharf-unfinished.tmp";

/// Whether what is written must outlast a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Synced to disk before it counts.
    Synced,
    /// The directory lies in memory and is empty after each boot, like a generator's.
    Volatile,
}

/// Who else may use the directory meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Others may read.
    Read,
    /// Nobody else; the directory is made if it is not there.
    Write,
}

/// Bytes of a file that may be one of Wharf's; a larger one is none, and is not read.
pub(super) const LARGEST_FILE: u64 = 64 << 20;

/// A unit directory, locked for as long as this value lives.
#[derive(Debug)]
pub struct UnitDirectory {
    path: PathBuf,
    /// Holds the lock (flock(2) on the directory itself). `None`: only read, and not there.
    directory: Option<File>,
    root: Root,
    durability: Durability,
}

impl UnitDirectory {
    /// Opens a directory of this host and waits until no other run of Wharf holds it.
    ///
    /// # Errors
    /// It cannot be made, opened or locked.
    pub fn open(path: &Path, access: Access, durability: Durability) -> Result<Self, InstallError> {
        Self::unlocked(path, Root::Host, durability).lock(access)
    }

    /// Opens the directory of a destination: below its root, which no link leaves.
    ///
    /// # Errors
    /// As [`UnitDirectory::open`].
    pub fn of(destination: &Destination, access: Access, durability: Durability) -> Result<Self, InstallError> {
        let root = destination.root.as_deref();
        let failed = |error| InstallError::io("open", root.unwrap_or(Path::new("/")), error);
        if let (Access::Write, Some(root)) = (access, root) {
            DirBuilder::new().recursive(true).create(root).map_err(failed)?;
        }
        match Root::open(root) {
            Err(error) if access == Access::Read && error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::unlocked(&destination.on_disk, Root::Host, durability))
            }
            opened => Self::unlocked(&destination.on_disk, opened.map_err(failed)?, durability).lock(access),
        }
    }

    fn unlocked(path: &Path, root: Root, durability: Durability) -> Self {
        Self { path: path.to_owned(), directory: None, root, durability }
    }

    fn lock(self, access: Access) -> Result<Self, InstallError> {
        let (opened, operation) = match access {
            Access::Read => (self.root.directory(&self.path), FlockOperation::LockShared),
            Access::Write => (self.root.make_directory(&self.path), FlockOperation::LockExclusive),
        };
        let directory = match opened {
            Ok(directory) => directory,
            Err(error) if access == Access::Read && error.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(InstallError::io("open", &self.path, error)),
        };
        retry_interrupted(|| flock(&directory, operation))
            .map_err(|error| InstallError::io("lock", &self.path, error))?;
        Ok(Self { directory: Some(directory), ..self })
    }

    /// The directory's path on disk.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything in the directory that could bear on units.
    ///
    /// # Errors
    /// Something in it cannot be read.
    pub fn read(&self) -> Result<Snapshot, InstallError> {
        let mut snapshot = Snapshot { path: self.path.clone(), ..Snapshot::default() };
        let Some(directory) = &self.directory else { return Ok(snapshot) };
        let failed = |name: &str, error| InstallError::io("read", &self.path.join(name), error);
        for (name, kind) in list(directory).map_err(|error| InstallError::io("read", &self.path, error))? {
            if is_leftover(&name) {
                snapshot.leftovers.push(name);
            } else if is_enablement_directory(&name) {
                read_links(directory, &name, &mut snapshot.enablement).map_err(|error| failed(&name, error))?;
            } else if let Some(entry) = self.entry(directory, &name, kind).map_err(|error| failed(&name, error))? {
                snapshot.entries.insert(name, entry);
            }
        }
        snapshot.leftovers.sort_unstable();
        Ok(snapshot)
    }

    /// `None`: gone meanwhile, or something that systemd would not read.
    fn entry(&self, directory: &File, name: &str, kind: FileType) -> io::Result<Option<Entry>> {
        let read = || -> io::Result<Option<Entry>> {
            Ok(match kind {
                FileType::Directory => Some(Entry::Directory),
                FileType::Symlink => {
                    let target = link_target(directory, name)?;
                    Some(Entry::Link { target, contents: self.root.read(&self.path.join(name), LARGEST_FILE).ok() })
                }
                FileType::RegularFile => {
                    let file = regular_file::open_at(directory, name)?;
                    let mode = file.mode();
                    Some(Entry::File { contents: file.read(LARGEST_FILE)?, mode })
                }
                _ => None,
            })
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Some(Entry::Unreadable)),
            other => other,
        }
    }
}

/// Opens a directory in a directory; a link to one is none.
fn subdirectory(directory: &File, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::empty())?.into())
}

fn is_leftover(name: &str) -> bool {
    name.starts_with(LEFTOVER_PREFIX) && name.ends_with(LEFTOVER_SUFFIX)
}

/// `NAME.wants`, `NAME.requires` and `NAME.upholds` (systemd.unit(5)).
fn is_enablement_directory(name: &str) -> bool {
    [".wants", ".requires", ".upholds"].iter().any(|suffix| name.ends_with(suffix))
}

/// Names in a directory, and what each is; a name that is not UTF-8 cannot be a unit's.
pub(super) fn list(directory: &File) -> io::Result<Vec<(String, FileType)>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if matches!(name, "." | "..") {
            continue;
        }
        let kind = match entry.file_type() {
            // Not every file system tells.
            FileType::Unknown => match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => FileType::from_raw_mode(found.st_mode),
                Err(_) => continue,
            },
            kind => kind,
        };
        names.push((name.to_owned(), kind));
    }
    Ok(names)
}

fn read_links(directory: &File, name: &str, into: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    let Ok(below) = subdirectory(directory, name) else { return Ok(()) };
    for (link, _) in list(&below)? {
        if let Ok(target) = link_target(&below, link.as_str()) {
            into.insert(format!("{name}/{link}"), target);
        }
    }
    Ok(())
}

fn retry_interrupted(mut call: impl FnMut() -> rustix::io::Result<()>) -> io::Result<()> {
    rustix::io::retry_on_intr(&mut call).map_err(io::Error::from)
}
