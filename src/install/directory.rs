//! A unit directory: read as a whole under a lock, and changed so that every file is whole at every moment.
//!
//! Everything happens at the open directory: no link in it, and none that takes its place, leads a write or a removal elsewhere.
//! Invariant: where files outlast a boot, a file is written beside its place, synced, and renamed; a run that was interrupted
//! leaves its own leftovers behind, by which the next one knows that work is unfinished.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, mkdirat, openat, renameat, statat, symlinkat, unlinkat,
};

use crate::beneath::link_target;
use crate::parallel;
use crate::regular_file;

use super::changes::{Action, Change, Changes};
use super::destination::Destination;
use super::error::InstallError;
use super::root::Root;
use super::snapshot::{Entry, Snapshot};

/// systemd ignores files whose names begin with a dot (systemd.unit(5)).
const LEFTOVER_PREFIX: &str = ".#wharf-";
const LEFTOVER_SUFFIX: &str = ".tmp";
/// Exists from the first change until systemd has reloaded after the last one.
const UNFINISHED: &str = ".#wharf-unfinished.tmp";

/// So many files are synced each by itself; more of them all at once, which is quicker by far.
const SYNCED_ONE_BY_ONE: usize = 8;

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
    /// The file system that it is part of, if that is not this host's.
    root: Option<Root>,
    durability: Durability,
}

impl UnitDirectory {
    /// Opens a directory of this host and waits until no other run of Wharf holds it.
    ///
    /// # Errors
    /// It cannot be made, opened or locked.
    pub fn open(path: &Path, access: Access, durability: Durability) -> Result<Self, InstallError> {
        let failed = |error| InstallError::io("open", path, error);
        if access == Access::Write {
            DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(failed)?;
        }
        let unlocked = Self { path: path.to_owned(), directory: None, root: None, durability };
        unlocked.lock(File::open(path), access)
    }

    /// Opens the directory of a destination: below its root, which no link leaves.
    ///
    /// # Errors
    /// As [`UnitDirectory::open`].
    pub fn of(destination: &Destination, access: Access, durability: Durability) -> Result<Self, InstallError> {
        let path = &destination.on_disk;
        let Some(root) = &destination.root else { return Self::open(path, access, durability) };
        if access == Access::Write {
            DirBuilder::new().recursive(true).create(root).map_err(|error| InstallError::io("create", root, error))?;
        }
        let unlocked = |root| Self { path: path.clone(), directory: None, root, durability };
        let root = match Root::open(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return unlocked(None).lock(Err(error), access),
            opened => opened.map_err(|error| InstallError::io("open", root, error))?,
        };
        let seen = &destination.seen_as;
        let opened = if access == Access::Write { root.make_directory(seen) } else { root.directory(seen) };
        unlocked(Some(root)).lock(opened, access)
    }

    fn lock(self, opened: io::Result<File>, access: Access) -> Result<Self, InstallError> {
        let directory = match opened {
            Ok(directory) => directory,
            Err(error) if access == Access::Read && error.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(InstallError::io("open", &self.path, error)),
        };
        let operation =
            if access == Access::Write { FlockOperation::LockExclusive } else { FlockOperation::LockShared };
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
                    Some(Entry::Link { target, contents: self.read_link(name).ok() })
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

    /// What a link of the directory leads to, where systemd would follow it.
    fn read_link(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.path.join(name);
        match &self.root {
            Some(root) => root.read(&root.seen(&path), LARGEST_FILE),
            None => regular_file::read(&path, LARGEST_FILE),
        }
    }

    /// Carries out the changes of one or more projects, in their order; new contents are all on disk before the first
    /// takes its place.
    ///
    /// # Errors
    /// A file cannot be written. If that happens before the first rename nothing has changed.
    pub fn apply(&self, changes: &[&Changes]) -> Result<Unfinished<'_>, InstallError> {
        let changes: Vec<&Change> = changes.iter().flat_map(|changes| &changes.items).collect();
        if self.durability == Durability::Volatile {
            self.apply_in_place(&changes)?;
            return Ok(Unfinished { directory: self });
        }
        let each = changes.len() <= SYNCED_ONE_BY_ONE;
        let staged = parallel::map(&changes, |change| self.stage(change, each));
        let mut staged = staged.into_iter().collect::<Result<Vec<_>, _>>()?;
        if !each {
            self.sync_file_system()?;
        }
        let unfinished = self.begin()?;
        let (kept, removed): (Vec<_>, Vec<_>) =
            changes.iter().zip(staged.iter_mut()).partition(|(change, _)| !change.action.removes());
        for (change, staged) in kept {
            self.settle(change, staged.take())?;
        }
        self.sync_directory()?;
        for (change, _) in removed {
            self.remove(&change.name)?;
        }
        self.sync_directory()?;
        Ok(unfinished)
    }

    /// Nobody reads the directory before the run has ended, and nothing of it outlasts a boot.
    fn apply_in_place(&self, changes: &[&Change]) -> Result<(), InstallError> {
        let (mut removed, mut linked, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match &change.action {
                Action::Create { new, mode } | Action::Update { new, mode, .. } => written.push((change, new, *mode)),
                action if action.removes() => removed.push(change),
                _ => linked.push(change),
            }
        }
        let write =
            |(change, contents, mode): &(&&Change, &Arc<str>, u32)| self.write_in_place(change, contents, *mode);
        parallel::map(&written, write).into_iter().collect::<Result<(), _>>()?;
        linked.into_iter().try_for_each(|change| self.settle(change, None))?;
        removed.into_iter().try_for_each(|change| self.remove(&change.name))
    }

    fn write_in_place(&self, change: &Change, contents: &str, mode: u32) -> Result<(), InstallError> {
        let name = change.name.as_str();
        let failed = |error| InstallError::io("write", &self.path.join(name), error);
        let directory = self.directory().map_err(failed)?;
        let write = || create(directory, name, mode)?.write_all(contents.as_bytes());
        // What is there may be a link, or have other permissions.
        let again = || {
            unlinkat(directory, name, AtFlags::empty())?;
            write()
        };
        let written =
            write().or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { again() } else { Err(error) });
        written.map_err(failed)
    }

    /// Only the directory of a host that is only read may be missing.
    fn directory(&self) -> io::Result<&File> {
        self.directory.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn begin(&self) -> Result<Unfinished<'_>, InstallError> {
        let create = || create(self.directory()?, UNFINISHED, 0o644);
        match create() {
            // Of an earlier run; whatever it is, its name alone counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => {
                other.map_err(|error| InstallError::io("write", &self.path.join(UNFINISHED), error))?;
            }
        }
        self.sync_directory()?;
        Ok(Unfinished { directory: self })
    }

    /// Writes new contents beside their place.
    fn stage(&self, change: &Change, sync: bool) -> Result<Option<Staged<'_>>, InstallError> {
        let (Action::Create { new, mode } | Action::Update { new, mode, .. }) = &change.action else { return Ok(None) };
        let write = || -> io::Result<Staged<'_>> {
            let (staged, mut file) = Staged::create(self.directory()?)?;
            file.write_all(new.as_bytes())?;
            // Widened once its contents stand, so that nothing private is ever readable.
            file.set_permissions(Permissions::from_mode(*mode))?;
            if sync {
                file.sync_all()?;
            }
            Ok(staged)
        };
        write().map(Some).map_err(|error| InstallError::io("write", &self.path.join(&change.name), error))
    }

    /// syncfs(2): one call for all files, however many; it writes back what others left there too.
    fn sync_file_system(&self) -> Result<(), InstallError> {
        let synced = self.directory().and_then(|directory| Ok(rustix::fs::syncfs(directory)?));
        synced.map_err(|error| InstallError::io("sync", &self.path, error))
    }

    fn settle(&self, change: &Change, staged: Option<Staged<'_>>) -> Result<(), InstallError> {
        let settle = || match (&change.action, staged) {
            (Action::Mode { new, .. }, _) => regular_file::open_at(self.directory()?, change.name.as_str())?
                .into_file()
                .set_permissions(Permissions::from_mode(*new)),
            (Action::Enable { target }, _) => self.link(&change.name, target),
            (_, Some(staged)) => staged.rename(&change.name),
            (_, None) => Ok(()),
        };
        settle().map_err(|error| InstallError::io("write", &self.path.join(&change.name), error))
    }

    fn link(&self, name: &str, target: &Path) -> io::Result<()> {
        let directory = self.directory()?;
        let Some((below, link)) = name.split_once('/') else { return Err(io::ErrorKind::InvalidFilename.into()) };
        match mkdirat(directory, below, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let below = subdirectory(directory, below)?;
        match symlinkat(target, &below, link) {
            Err(rustix::io::Errno::EXIST) if link_target(&below, link).is_ok() => {
                unlinkat(&below, link, AtFlags::empty())?;
                symlinkat(target, &below, link)?;
            }
            linked => linked?,
        }
        if self.durability == Durability::Synced { below.sync_all() } else { Ok(()) }
    }

    fn remove(&self, name: &str) -> Result<(), InstallError> {
        let remove = || -> io::Result<()> {
            let directory = self.directory()?;
            let Some((below, link)) = name.split_once('/') else {
                return Ok(unlinkat(directory, name, AtFlags::empty())?);
            };
            let removed = unlinkat(subdirectory(directory, below)?, link, AtFlags::empty());
            // An enablement directory that is empty now has no use; one that is not stays.
            let _ = unlinkat(directory, below, AtFlags::REMOVEDIR);
            Ok(removed?)
        };
        ignore_missing(remove()).map_err(|error| InstallError::io("remove", &self.path.join(name), error))
    }

    fn sync_directory(&self) -> Result<(), InstallError> {
        match (&self.directory, self.durability) {
            (Some(directory), Durability::Synced) => {
                directory.sync_all().map_err(|error| InstallError::io("sync", &self.path, error))
            }
            _ => Ok(()),
        }
    }

    fn clean(&self) -> Result<(), InstallError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let found = list(directory).map_err(|error| InstallError::io("read", &self.path, error))?;
        let mut leftovers: Vec<_> = found.into_iter().map(|(name, _)| name).filter(|name| is_leftover(name)).collect();
        // The mark goes last: while a leftover is there the run is not finished.
        leftovers.sort_by_key(|name| name == UNFINISHED);
        leftovers.iter().try_for_each(|name| self.remove(name))?;
        self.sync_directory()
    }
}

/// A file that waits beside its place; dropped, it goes away.
struct Staged<'d> {
    directory: &'d File,
    /// `None`: it is in its place.
    name: Option<String>,
}

impl<'d> Staged<'d> {
    fn create(directory: &'d File) -> io::Result<(Self, File)> {
        loop {
            let random = RandomState::new().build_hasher().finish();
            let name = format!("{LEFTOVER_PREFIX}{random:016x}{LEFTOVER_SUFFIX}");
            match create(directory, &name, 0o600) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => return Ok((Self { directory, name: Some(name) }, file?)),
            }
        }
    }

    fn rename(mut self, name: &str) -> io::Result<()> {
        if let Some(staged) = &self.name {
            renameat(self.directory, staged.as_str(), self.directory, name)?;
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _next_run_cleans_up = unlinkat(self.directory, name.as_str(), AtFlags::empty());
        }
    }
}

/// Makes a file where nothing lies, not even a link.
fn create(directory: &File, name: &str, mode: u32) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::from_raw_mode(mode))?.into())
}

/// Opens a directory in a directory; a link to one is none.
fn subdirectory(directory: &File, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::empty())?.into())
}

/// Changes that are made but of which systemd may not know yet.
///
/// Dropped without [`Unfinished::finish`], the next run will see that there is still something to do.
#[must_use]
#[derive(Debug)]
pub struct Unfinished<'a> {
    directory: &'a UnitDirectory,
}

impl Unfinished<'_> {
    /// Takes away the mark of unfinished work and whatever earlier runs left.
    ///
    /// # Errors
    /// A leftover cannot be removed.
    pub fn finish(self) -> Result<(), InstallError> {
        if self.directory.durability == Durability::Volatile { Ok(()) } else { self.directory.clean() }
    }
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

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn retry_interrupted(mut call: impl FnMut() -> rustix::io::Result<()>) -> io::Result<()> {
    rustix::io::retry_on_intr(&mut call).map_err(io::Error::from)
}
