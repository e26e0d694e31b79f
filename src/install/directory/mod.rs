//! A unit directory: read as a whole, and changed under a lock.
//!
//! Invariant: everything happens at the open directory; no link in it, and none that takes its place, leads a write or a removal
//! elsewhere.

mod apply;
mod change;
mod error;
mod load_path;
mod lock;
mod root;
mod snapshot;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};

use crate::beneath::link_target;
use crate::regular_file;
use crate::spec::LARGEST_FILE;
use lock::Lock;
use root::Root;

pub use apply::Unfinished;
pub use change::{Action, Change, Changes};
pub use error::DirectoryError;
pub use load_path::LoadPath;
pub use snapshot::{Entry, Snapshot};

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

/// What the directory is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It need not exist.
    Read,
    /// It is made if it does not exist.
    Write,
}

/// An open unit directory.
#[derive(Debug)]
pub struct UnitDirectory {
    path: PathBuf,
    /// `None`: only read, and not there.
    directory: Option<File>,
    root: Root,
    durability: Durability,
    _lock: Option<Lock>,
}

impl UnitDirectory {
    /// Opens a directory of this host.
    ///
    /// # Errors
    /// It cannot be made or opened.
    pub fn open(path: &Path, access: Access, durability: Durability) -> Result<Self, DirectoryError> {
        Self::closed(path, Root::Host, durability).opened(access)
    }

    /// Opens a directory below a root, which no link leaves; without one, of this host.
    ///
    /// # Errors
    /// As [`UnitDirectory::open`].
    pub fn below(
        root: Option<&Path>,
        path: &Path,
        access: Access,
        durability: Durability,
    ) -> Result<Self, DirectoryError> {
        let failed = |error| DirectoryError::new("open", root.unwrap_or(Path::new("/")), error);
        let opened = if access == Access::Write { Root::make(root) } else { Root::open(root) };
        match opened {
            Err(error) if access == Access::Read && error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::closed(path, Root::Host, durability))
            }
            opened => Self::closed(path, opened.map_err(failed)?, durability).opened(access),
        }
    }

    fn closed(path: &Path, root: Root, durability: Durability) -> Self {
        Self { path: path.to_owned(), directory: None, root, durability, _lock: None }
    }

    fn opened(self, access: Access) -> Result<Self, DirectoryError> {
        let opened = match access {
            Access::Read => self.root.directory(&self.path),
            Access::Write => self.root.make_directory(&self.path),
        };
        match opened {
            Ok(directory) => Ok(Self { directory: Some(directory), ..self }),
            Err(error) if access == Access::Read && error.kind() == io::ErrorKind::NotFound => Ok(self),
            Err(error) => Err(DirectoryError::new("open", &self.path, error)),
        }
    }

    /// Waits until no other run of Wharf changes the directory, and keeps others waiting as long as this value lives. `wait` is told what
    /// is waited for.
    ///
    /// # Errors
    /// It cannot be locked.
    pub fn lock(self, wait: &dyn Fn(&str)) -> Result<Self, DirectoryError> {
        let Some(directory) = &self.directory else { return Ok(self) };
        let say = |file: &Path| {
            let (path, file) = (self.path.display(), file.display());
            wait(&format!("waiting for another wharf command, which is changing {path}; `fuser -v {file}` shows it"));
        };
        let lock = Lock::take(directory, say).map_err(|error| DirectoryError::new("lock", &self.path, error))?;
        Ok(Self { _lock: lock, ..self })
    }

    /// The directory's path on disk.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything in the directory that could bear on units.
    ///
    /// # Errors
    /// Something in it cannot be read.
    pub fn read(&self) -> Result<Snapshot, DirectoryError> {
        let mut snapshot = Snapshot { path: self.path.clone(), ..Snapshot::default() };
        let Some(directory) = &self.directory else { return Ok(snapshot) };
        let failed = |name: &str, error| DirectoryError::new("read", &self.path.join(name), error);
        for (name, kind) in list(directory).map_err(|error| DirectoryError::new("read", &self.path, error))? {
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
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(Some(Entry::TooLarge)),
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
fn list(directory: &File) -> io::Result<Vec<(String, FileType)>> {
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
