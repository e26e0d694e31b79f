//! The revisions of a project as plain files: /var/lib/wharf/PROJECT/NUMBER.
//!
//! Invariant: a revision is there as a whole or not at all; only root can read it, as environments may stand in it.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::revision::{Change, Record, Refused, Revision, now};
use crate::plan::Plan;
use crate::regular_file::read_text;
use crate::spec::LARGEST_FILE;
use crate::updates::{self, CHANGE, STATE_DIRECTORY, Updates, directory_of};

/// The number of revisions that are kept of a project.
pub const KEPT_REVISIONS: usize = 10;

const RECORD: &str = "revision.json";
const LOCK_FILE: &str = "stack.lock";
const REFUSED: &str = "refused.json";
const GUARD: &str = "lock";
/// What is being written begins with it.
const UNFINISHED: &str = ".new-";

/// Why the revisions of a project cannot be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("cannot {what} {}: {error}", path.display())]
    File { what: &'static str, path: PathBuf, error: io::Error },
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
}

/// The revisions of one project, locked against other commands as long as this value lives.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    _guard: File,
}

impl Store {
    /// Opens the revisions of a project, and waits until no other command changes what it runs; `wait` is called if one does.
    ///
    /// # Errors
    /// The directory cannot be made or locked.
    pub fn open(project: &str, wait: &dyn Fn(&str)) -> Result<Self, StoreError> {
        let (directory, guard) = guard_of(project)?;
        if guard.try_lock().is_err() {
            wait(&format!("waiting for another wharf command, which is changing what {project} runs"));
            let path = directory.join(GUARD);
            guard.lock().map_err(|error| StoreError::File { what: "lock", path, error })?;
        }
        Self::opened(directory, guard)
    }

    /// As [`Store::open`], without waiting. `None`: another command changes what the project runs.
    ///
    /// # Errors
    /// As of [`Store::open`].
    pub fn try_open(project: &str) -> Result<Option<Self>, StoreError> {
        let (directory, guard) = guard_of(project)?;
        if guard.try_lock().is_err() { Ok(None) } else { Self::opened(directory, guard).map(Some) }
    }

    fn opened(directory: PathBuf, guard: File) -> Result<Self, StoreError> {
        let store = Self { directory, _guard: guard };
        store.clear()?;
        Ok(store)
    }

    /// Removes what an interrupted command has left unfinished.
    fn clear(&self) -> Result<(), StoreError> {
        for name in names(&self.directory)?.iter().filter(|name| name.starts_with(UNFINISHED)) {
            let path = self.directory.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| StoreError::File { what: "remove", path, error })?;
        }
        Ok(())
    }

    /// The newest revision.
    ///
    /// # Errors
    /// As of [`revision`].
    pub fn newest(&self) -> Result<Option<Revision>, StoreError> {
        numbers(&self.directory)?.last().map(|number| read(&self.directory, *number)).transpose()
    }

    /// One revision; `None`: it is not there.
    ///
    /// # Errors
    /// As of [`revision`].
    pub fn get(&self, number: u32) -> Result<Option<Revision>, StoreError> {
        if numbers(&self.directory)?.contains(&number) { read(&self.directory, number).map(Some) } else { Ok(None) }
    }

    /// The records of all revisions, oldest first.
    ///
    /// # Errors
    /// As of [`revision`].
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        records(&self.directory)
    }

    /// Adds a revision with the next number, and removes the oldest ones beyond [`KEPT_REVISIONS`].
    ///
    /// # Errors
    /// It cannot be written: the revisions are as they were.
    pub fn add(&self, plan: &Plan, lock: Option<&str>, command: &str) -> Result<Revision, StoreError> {
        let number = numbers(&self.directory)?.last().map_or(1, |last| last.saturating_add(1));
        let user = std::env::var("SUDO_USER").ok().filter(|user| !user.is_empty());
        let (command, images) = (command.to_owned(), BTreeMap::new());
        let record = Record { number, time: now(), command, user, stable: None, images, plan: plan.clone() };
        let path = self.directory.join(number.to_string());
        let failed = |error| StoreError::File { what: "write", path: path.clone(), error };
        let write = || -> io::Result<()> {
            let private = Permissions::from_mode(0o700);
            let new = tempfile::Builder::new().prefix(UNFINISHED).permissions(private).tempdir_in(&self.directory)?;
            for file in &plan.files {
                write_file(&new.path().join(&file.name), &file.contents)?;
            }
            if let Some(lock) = lock {
                write_file(&new.path().join(LOCK_FILE), lock)?;
            }
            write_file(&new.path().join(RECORD), &json(&record)?)?;
            File::open(new.path())?.sync_all()?;
            fs::rename(new.keep(), &path)?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(failed)?;
        self.note(&Updates { revision: number, ..self.updates() })?;
        let all = numbers(&self.directory)?;
        for old in all.iter().take(all.len().saturating_sub(KEPT_REVISIONS)) {
            self.remove(*old)?;
        }
        Ok(Revision { record, plan: plan.clone(), lock: lock.map(str::to_owned) })
    }

    /// Replaces the record of a revision.
    ///
    /// # Errors
    /// It cannot be written: it is as it was.
    pub fn update(&self, record: &Record) -> Result<(), StoreError> {
        self.replace(&self.directory.join(record.number.to_string()).join(RECORD), record)
    }

    /// The change that has begun and has not ended.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn change(&self) -> Result<Option<Change>, StoreError> {
        read_json(self.directory.join(CHANGE))
    }

    /// Notes that a change begins.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&self, change: &Change) -> Result<(), StoreError> {
        self.replace(&self.directory.join(CHANGE), change)
    }

    /// Notes that the change has ended.
    ///
    /// # Errors
    /// The note of its begin cannot be removed.
    pub fn end(&self) -> Result<(), StoreError> {
        let path = self.directory.join(CHANGE);
        fs::remove_file(&path).map_err(|error| StoreError::File { what: "remove", path, error })
    }

    /// Replaces what [`refused`] returns.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn refuse(&self, refused: &Refused) -> Result<(), StoreError> {
        self.replace(&self.directory.join(REFUSED), refused)
    }

    /// What is known of updates. Where that cannot be read, nothing is.
    pub fn updates(&self) -> Updates {
        Updates::read(&self.directory).unwrap_or_default()
    }

    /// Replaces it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&self, updates: &Updates) -> Result<(), StoreError> {
        self.replace(&self.directory.join(updates::FILE), updates)
    }

    fn remove(&self, number: u32) -> Result<(), StoreError> {
        // Renamed first: half a revision would be one that is damaged.
        let path = self.directory.join(number.to_string());
        let gone = self.directory.join(format!("{UNFINISHED}{number}"));
        let removed = fs::rename(&path, &gone).and_then(|()| fs::remove_dir_all(&gone));
        removed.map_err(|error| StoreError::File { what: "remove", path, error })
    }

    fn replace(&self, path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
        let write = || -> io::Result<()> {
            let mut new = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.directory)?;
            new.write_all(json(value)?.as_bytes())?;
            new.as_file().sync_all()?;
            new.persist(path).map_err(|error| error.error)?;
            File::open(path.parent().unwrap_or(&self.directory))?.sync_all()
        };
        write().map_err(|error| StoreError::File { what: "write", path: path.to_owned(), error })
    }
}

/// The directory of a project's revisions, and the file that is locked; both are made.
fn guard_of(project: &str) -> Result<(PathBuf, File), StoreError> {
    let directory = directory_of(project);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|error| StoreError::File { what: "make", path: directory.clone(), error })?;
    let path = directory.join(GUARD);
    let guard = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let guard = guard.map_err(|error| StoreError::File { what: "lock", path, error })?;
    Ok((directory, guard))
}

/// Digests of a project's images that are not tried again.
///
/// # Errors
/// They cannot be read, which only root can.
pub fn refused(project: &str) -> Result<Refused, StoreError> {
    Ok(read_json(directory_of(project).join(REFUSED))?.unwrap_or_default())
}

/// The projects that have revisions.
///
/// # Errors
/// The directory cannot be read, which only root can.
pub fn projects() -> Result<Vec<String>, StoreError> {
    let mut projects = names(Path::new(STATE_DIRECTORY))?;
    projects.sort_unstable();
    Ok(projects)
}

/// The records of a project's revisions, oldest first; none if there is no directory.
///
/// # Errors
/// They cannot be read, which only root can, or one is damaged.
pub fn revisions(project: &str) -> Result<Vec<Record>, StoreError> {
    records(&directory_of(project))
}

/// The newest revision of a project, if there is one.
///
/// # Errors
/// It cannot be read, which only root can, or is damaged.
pub fn newest(project: &str) -> Result<Option<Revision>, StoreError> {
    let directory = directory_of(project);
    numbers(&directory)?.last().map(|number| read(&directory, *number)).transpose()
}

/// One revision of a project; `None`: it is not there.
///
/// # Errors
/// It cannot be read, which only root can, or is damaged.
pub fn revision(project: &str, number: u32) -> Result<Option<Revision>, StoreError> {
    let directory = directory_of(project);
    if numbers(&directory)?.contains(&number) { read(&directory, number).map(Some) } else { Ok(None) }
}

/// Removes all revisions of a project.
///
/// # Errors
/// They cannot be removed.
pub(super) fn remove_all(project: &str) -> Result<(), StoreError> {
    let path = directory_of(project);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::File { what: "remove", path, error }),
        _ => Ok(()),
    }
}

fn records(directory: &Path) -> Result<Vec<Record>, StoreError> {
    numbers(directory)?.into_iter().map(|number| record(&directory.join(number.to_string()))).collect()
}

fn record(directory: &Path) -> Result<Record, StoreError> {
    let path = directory.join(RECORD);
    let text = read_text(&path, LARGEST_FILE);
    parsed(&path, &text.map_err(|error| StoreError::File { what: "read", path: path.clone(), error })?)
}

fn read(directory: &Path, number: u32) -> Result<Revision, StoreError> {
    let directory = directory.join(number.to_string());
    let record = record(&directory)?;
    let text = |name: &str| {
        let path = directory.join(name);
        read_text(&path, LARGEST_FILE).map_err(|error| StoreError::File { what: "read", path, error })
    };
    let lock = match text(LOCK_FILE) {
        Ok(text) => Some(text),
        Err(StoreError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut plan = record.plan.clone();
    for file in &mut plan.files {
        file.contents = text(&file.name)?.into();
    }
    Ok(Revision { record, plan, lock })
}

/// The numbers of the revisions, in their order.
fn numbers(directory: &Path) -> Result<Vec<u32>, StoreError> {
    let mut numbers: Vec<u32> = names(directory)?.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn names(directory: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |error| StoreError::File { what: "read", path: directory.to_owned(), error };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
    let names: Result<Vec<Option<String>>, _> = entries.map(name).collect();
    Ok(names.map_err(failed)?.into_iter().flatten().collect())
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn json(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// `None`: there is no such file.
fn read_json<T: for<'de> Deserialize<'de>>(path: PathBuf) -> Result<Option<T>, StoreError> {
    match read_text(&path, LARGEST_FILE) {
        Ok(text) => parsed(&path, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::File { what: "read", path, error }),
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged { path: path.to_owned(), reason: error.to_string() })
}
