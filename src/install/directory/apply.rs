//! Changes of a unit directory, so that every file is whole at every moment.
//!
//! Invariant: where files outlast a boot, a file is written beside its place, synced, and renamed; a run that was interrupted
//! leaves its own leftovers behind, by which the next one knows that work is unfinished.

use std::fs::{File, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, symlinkat, unlinkat};

use crate::beneath::link_target;
use crate::parallel;
use crate::regular_file;

use super::change::{Action, Change, Changes};
use super::error::DirectoryError;
use super::{Durability, LEFTOVER_PREFIX, LEFTOVER_SUFFIX, UNFINISHED, UnitDirectory, is_leftover, list, subdirectory};

/// So many files are synced each by itself; more of them all at once, which is quicker by far.
const SYNCED_ONE_BY_ONE: usize = 8;

impl UnitDirectory {
    /// Carries out the changes of one or more projects, in their order; new contents are all on disk before the first
    /// takes its place.
    ///
    /// # Errors
    /// A file cannot be written. If that happens before the first rename nothing has changed.
    pub fn apply(&self, changes: &[&Changes]) -> Result<Unfinished<'_>, DirectoryError> {
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
    fn apply_in_place(&self, changes: &[&Change]) -> Result<(), DirectoryError> {
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

    fn write_in_place(&self, change: &Change, contents: &str, mode: u32) -> Result<(), DirectoryError> {
        let name = change.name.as_str();
        let failed = |error| DirectoryError::new("write", &self.path.join(name), error);
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

    fn begin(&self) -> Result<Unfinished<'_>, DirectoryError> {
        let create = || create(self.directory()?, UNFINISHED, 0o644);
        match create() {
            // Of an earlier run; whatever it is, its name alone counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => {
                other.map_err(|error| DirectoryError::new("write", &self.path.join(UNFINISHED), error))?;
            }
        }
        self.sync_directory()?;
        Ok(Unfinished { directory: self })
    }

    /// Writes new contents beside their place.
    fn stage(&self, change: &Change, sync: bool) -> Result<Option<Staged<'_>>, DirectoryError> {
        let (Action::Create { new, mode } | Action::Update { new, mode, .. }) = &change.action else { return Ok(None) };
        let write = || -> io::Result<Staged<'_>> {
            let (staged, mut file) = Staged::create(self.directory()?)?;
            file.write_all(new.as_bytes())?;
            // Widened once its contents stand, so that nothing private is ever readable.
            if *mode != PRIVATE {
                file.set_permissions(Permissions::from_mode(*mode))?;
            }
            if sync {
                file.sync_all()?;
            }
            Ok(staged)
        };
        write().map(Some).map_err(|error| DirectoryError::new("write", &self.path.join(&change.name), error))
    }

    /// syncfs(2): one call for all files, however many; it writes back what others left there too.
    fn sync_file_system(&self) -> Result<(), DirectoryError> {
        let synced = self.directory().and_then(|directory| Ok(rustix::fs::syncfs(directory)?));
        synced.map_err(|error| DirectoryError::new("sync", &self.path, error))
    }

    fn settle(&self, change: &Change, staged: Option<Staged<'_>>) -> Result<(), DirectoryError> {
        let settle = || match (&change.action, staged) {
            (Action::Mode { new, .. }, _) => regular_file::open_at(self.directory()?, change.name.as_str())?
                .into_file()
                .set_permissions(Permissions::from_mode(*new)),
            (Action::Enable { target }, _) => self.link(&change.name, target),
            (_, Some(staged)) => staged.rename(&change.name),
            (_, None) => Ok(()),
        };
        settle().map_err(|error| DirectoryError::new("write", &self.path.join(&change.name), error))
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

    fn remove(&self, name: &str) -> Result<(), DirectoryError> {
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
        ignore_missing(remove()).map_err(|error| DirectoryError::new("remove", &self.path.join(name), error))
    }

    fn sync_directory(&self) -> Result<(), DirectoryError> {
        match (&self.directory, self.durability) {
            (Some(directory), Durability::Synced) => {
                directory.sync_all().map_err(|error| DirectoryError::new("sync", &self.path, error))
            }
            _ => Ok(()),
        }
    }

    fn clean(&self) -> Result<(), DirectoryError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let found = list(directory).map_err(|error| DirectoryError::new("read", &self.path, error))?;
        let mut leftovers: Vec<_> = found.into_iter().map(|(name, _)| name).filter(|name| is_leftover(name)).collect();
        // The mark goes last: while a leftover is there the run is not finished.
        leftovers.sort_by_key(|name| name == UNFINISHED);
        leftovers.iter().try_for_each(|name| self.remove(name))?;
        self.sync_directory()
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
    pub fn finish(self) -> Result<(), DirectoryError> {
        if self.directory.durability == Durability::Volatile { Ok(()) } else { self.directory.clean() }
    }
}

/// The permissions of a file that waits beside its place.
const PRIVATE: u32 = 0o600;

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
            match create(directory, &name, PRIVATE) {
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

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
