//! A unit directory: read as a whole under a lock, and changed so that every file is whole at every moment.
//!
//! Invariant: where files outlast a boot, a file is written beside its place, synced, and renamed; a run that was interrupted
//! leaves its own leftovers behind, by which the next one knows that work is unfinished.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use tempfile::TempPath;

use crate::parallel;

use super::changes::{Action, Change, Changes};
use super::error::InstallError;
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

/// A unit directory, locked for as long as this value lives.
#[derive(Debug)]
pub struct UnitDirectory {
    path: PathBuf,
    /// Holds the lock (flock(2) on the directory itself). `None`: only read, and not there.
    lock: Option<File>,
    durability: Durability,
}

impl UnitDirectory {
    /// Opens the directory and waits until no other run of Wharf holds it.
    ///
    /// # Errors
    /// It cannot be made, opened or locked.
    pub fn open(path: &Path, access: Access, durability: Durability) -> Result<Self, InstallError> {
        let failed = |error| InstallError::io("open", path, error);
        if access == Access::Write {
            DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(failed)?;
        }
        let lock = match File::open(path) {
            Ok(directory) => Some(directory),
            Err(error) if access == Access::Read && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if let Some(directory) = &lock {
            let operation =
                if access == Access::Write { FlockOperation::LockExclusive } else { FlockOperation::LockShared };
            retry_interrupted(|| flock(directory, operation)).map_err(|error| InstallError::io("lock", path, error))?;
        }
        Ok(Self { path: path.to_owned(), lock, durability })
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
        if self.lock.is_none() {
            return Ok(snapshot);
        }
        for (name, path) in list(&self.path)? {
            if is_leftover(&name) {
                snapshot.leftovers.push(name);
            } else if is_enablement_directory(&name) {
                read_links(&name, &path, &mut snapshot.enablement)?;
            } else if let Some(entry) = read_entry(&path)? {
                snapshot.entries.insert(name, entry);
            }
        }
        snapshot.leftovers.sort_unstable();
        Ok(snapshot)
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
        self.sync_directory(&self.path)?;
        for (change, _) in removed {
            self.remove(&change.name)?;
        }
        self.sync_directory(&self.path)?;
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
        let Some(directory) = &self.lock else { return Err(failed(io::ErrorKind::NotFound.into())) };
        let write = || -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mut file = File::from(openat(directory, name, flags, Mode::from_raw_mode(mode))?);
            file.write_all(contents.as_bytes())
        };
        // What is there may be a link, or have other permissions.
        let again = || {
            unlinkat(directory, name, AtFlags::empty())?;
            write()
        };
        let written =
            write().or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { again() } else { Err(error) });
        written.map_err(failed)
    }

    fn begin(&self) -> Result<Unfinished<'_>, InstallError> {
        let marker = self.path.join(UNFINISHED);
        File::create(&marker).map_err(|error| InstallError::io("write", &marker, error))?;
        self.sync_directory(&self.path)?;
        Ok(Unfinished { directory: self })
    }

    /// Writes new contents beside their place.
    fn stage(&self, change: &Change, sync: bool) -> Result<Option<TempPath>, InstallError> {
        let (Action::Create { new, mode } | Action::Update { new, mode, .. }) = &change.action else { return Ok(None) };
        self.write_beside(new.as_bytes(), *mode, sync)
            .map(Some)
            .map_err(|error| InstallError::io("write", &self.path.join(&change.name), error))
    }

    fn write_beside(&self, contents: &[u8], mode: u32, sync: bool) -> io::Result<TempPath> {
        // Made with O_EXCL and 0600 at most; widened once its contents stand, so that nothing private is ever readable.
        let mut file = tempfile::Builder::new()
            .prefix(LEFTOVER_PREFIX)
            .suffix(LEFTOVER_SUFFIX)
            .rand_bytes(12)
            .tempfile_in(&self.path)?;
        file.write_all(contents)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        if sync {
            file.as_file().sync_all()?;
        }
        Ok(file.into_temp_path())
    }

    /// syncfs(2): one call for all files, however many; it writes back what others left there too.
    fn sync_file_system(&self) -> Result<(), InstallError> {
        let synced = File::open(&self.path).and_then(|directory| Ok(rustix::fs::syncfs(directory)?));
        synced.map_err(|error| InstallError::io("sync", &self.path, error))
    }

    fn settle(&self, change: &Change, staged: Option<TempPath>) -> Result<(), InstallError> {
        let path = self.path.join(&change.name);
        let done = match (&change.action, staged) {
            (Action::Mode { new, .. }, _) => fs::set_permissions(&path, fs::Permissions::from_mode(*new)),
            (Action::Enable { target }, _) => self.link(&path, target),
            (_, Some(staged)) => staged.persist(&path).map_err(|error| error.error),
            (_, None) => Ok(()),
        };
        done.map_err(|error| InstallError::io("write", &path, error))
    }

    fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.path);
        match fs::create_dir(parent) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if path.is_symlink() {
            fs::remove_file(path)?;
        }
        symlink(target, path)?;
        if self.durability == Durability::Synced { File::open(parent)?.sync_all() } else { Ok(()) }
    }

    fn remove(&self, name: &str) -> Result<(), InstallError> {
        let path = self.path.join(name);
        ignore_missing(fs::remove_file(&path)).map_err(|error| InstallError::io("remove", &path, error))?;
        if let Some(parent) = path.parent().filter(|parent| *parent != self.path) {
            // An enablement directory that is empty now has no use; one that is not stays.
            let _ = fs::remove_dir(parent);
        }
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> Result<(), InstallError> {
        match (&self.lock, self.durability) {
            (Some(directory), Durability::Synced) => {
                directory.sync_all().map_err(|error| InstallError::io("sync", path, error))
            }
            _ => Ok(()),
        }
    }

    fn clean(&self) -> Result<(), InstallError> {
        let mut leftovers: Vec<_> = list(&self.path)?.into_iter().filter(|(name, _)| is_leftover(name)).collect();
        // The mark goes last: while a leftover is there the run is not finished.
        leftovers.sort_by_key(|(name, _)| name == UNFINISHED);
        for (_, path) in leftovers {
            ignore_missing(fs::remove_file(&path)).map_err(|error| InstallError::io("remove", &path, error))?;
        }
        self.sync_directory(&self.path)
    }
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

/// Names in a directory; a name that is not UTF-8 cannot be a unit's.
fn list(path: &Path) -> Result<Vec<(String, PathBuf)>, InstallError> {
    let failed = |error| InstallError::io("read", path, error);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        names.extend(entry.file_name().into_string().ok().map(|name| (name, entry.path())));
    }
    Ok(names)
}

fn read_links(name: &str, path: &Path, into: &mut BTreeMap<String, PathBuf>) -> Result<(), InstallError> {
    if !path.is_dir() {
        return Ok(());
    }
    for (link, path) in list(path)? {
        if let Ok(target) = fs::read_link(&path) {
            into.insert(format!("{name}/{link}"), target);
        }
    }
    Ok(())
}

/// `None`: gone meanwhile, or something that systemd would not read.
fn read_entry(path: &Path) -> Result<Option<Entry>, InstallError> {
    let read = || -> io::Result<Option<Entry>> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(if metadata.is_dir() {
            Some(Entry::Directory)
        } else if metadata.is_symlink() {
            let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
            let contents = if is_file { fs::read(path).ok() } else { None };
            Some(Entry::Link { target: fs::read_link(path)?, contents })
        } else if metadata.is_file() {
            Some(Entry::File { contents: fs::read(path)?, mode: metadata.permissions().mode() & 0o7777 })
        } else {
            None
        })
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Some(Entry::Unreadable)),
        other => other.map_err(|error| InstallError::io("read", path, error)),
    }
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
