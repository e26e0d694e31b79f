//! Changes of the files from which stacks are made: inotify(7).
//!
//! In: the directories in which they lie, and their names. Out: a call whenever one of them was written, replaced, made or deleted.
//! Invariant: no file is read, and other files of these directories are of no interest. Without inotify nothing is reported.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

/// Bytes for events: an event has 16, and the name.
const BUFFER: usize = 4096;

pub struct ChangedFiles {
    /// `None`: the kernel has none left for this user.
    inotify: Option<Arc<OwnedFd>>,
    names: Arc<RwLock<BTreeSet<OsString>>>,
}

impl ChangedFiles {
    /// Calls `report` in a thread of its own, until that returns false.
    pub fn watch(report: impl Fn() -> bool + Send + 'static) -> Self {
        let inotify = init(CreateFlags::CLOEXEC).ok().map(Arc::new);
        let names: Arc<RwLock<BTreeSet<OsString>>> = Arc::default();
        if let Some(inotify) = inotify.clone() {
            let names = names.clone();
            std::thread::spawn(move || {
                let mut buffer = [MaybeUninit::uninit(); BUFFER];
                let mut events = Reader::new(inotify, &mut buffer);
                while let Ok(event) = events.next() {
                    let names = names.read().unwrap_or_else(PoisonError::into_inner);
                    let is_of_stack = |name: &[u8]| name.ends_with(b".toml") || names.contains(OsStr::from_bytes(name));
                    if event.file_name().is_some_and(|name| is_of_stack(name.to_bytes())) && !report() {
                        return;
                    }
                }
            });
        }
        Self { inotify, names }
    }

    /// Reports changes of these files, and of all `*.toml` of a directory, from now on. A directory that is watched already stays so.
    pub fn follow(&self, files: &BTreeSet<PathBuf>, directory: &Path) {
        let Some(inotify) = &self.inotify else { return };
        let wanted = WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::MOVE | WatchFlags::DELETE;
        let directories: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).chain([directory]).collect();
        for directory in directories {
            // One that is not there has no changes either.
            let _watch = add_watch(inotify, directory, wanted | WatchFlags::ONLYDIR);
        }
        let names = files.iter().filter_map(|file| file.file_name()).map(OsStr::to_owned).collect();
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
    }
}
