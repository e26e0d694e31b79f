//! A directory that root reads for whoever owns it, as the context of a build.
//!
//! Invariant: nothing is read that lies elsewhere, and only regular files.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, statat};
use rustix::io::Errno;

use crate::beneath::{self, Links, link_target};
use crate::regular_file::{RegularFile, open_at};

/// An open directory.
pub struct OwnedTree {
    directory: File,
    path: PathBuf,
    /// The directory in it that was opened last: files come in the order of their directories.
    last: Mutex<(String, Option<Arc<File>>)>,
}

/// What lies in it.
pub struct Found {
    /// As it is written in the directory, which may not be UTF-8.
    pub name: PathBuf,
    pub stat: Stat,
    /// Where a link leads.
    pub link: Option<PathBuf>,
}

impl OwnedTree {
    /// Opens a directory by an absolute path, as [`beneath::open_directory`].
    ///
    /// # Errors
    /// It cannot be opened, or somebody else's link leads to it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let directory = beneath::open_directory(path)?;
        Ok(Self { directory, path: path.to_owned(), last: Mutex::default() })
    }

    /// The path of something in it, for messages.
    pub fn path(&self, name: &Path) -> PathBuf {
        self.path.join(name)
    }

    /// The contents of a file, which links within the directory may lead to.
    ///
    /// # Errors
    /// It is not there, not a regular file or too large, or a link leads out of the directory.
    pub fn read(&self, name: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = beneath::open_regular(&self.directory, name, Links::Beneath);
        file.map_err(|error| self.explained(error))?.read(most)
    }

    /// Opens a file that was listed.
    ///
    /// # Errors
    /// It cannot be opened, or is something else by now.
    pub fn file(&self, name: &str) -> io::Result<RegularFile> {
        let (directory, name) = name.rsplit_once('/').unwrap_or(("", name));
        self.directory(directory).and_then(|directory| open_at(directory, name)).map_err(|error| self.explained(error))
    }

    /// What lies in one of its directories, `most` entries at most; `""` is itself. What goes away meanwhile is left out.
    ///
    /// # Errors
    /// It cannot be read, or is something else by now.
    pub fn list(&self, name: &str, most: usize) -> io::Result<Vec<Found>> {
        let directory = self.directory(name).map_err(|error| self.explained(error))?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&*directory)? {
            let entry = entry?;
            let name = Path::new(OsStr::from_bytes(entry.file_name().to_bytes())).to_owned();
            if matches!(name.as_os_str().as_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match statat(&*directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                stat => stat?,
            };
            let is_link = FileType::from_raw_mode(stat.st_mode).is_symlink();
            let link = if is_link { Some(link_target(&*directory, &name)?) } else { None };
            if found.len() == most {
                break;
            }
            found.push(Found { name, stat, link });
        }
        Ok(found)
    }

    fn directory(&self, name: &str) -> io::Result<Arc<File>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let (last, Some(directory)) = &*last
            && last == name
        {
            return Ok(Arc::clone(directory));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = Arc::new(beneath::open(&self.directory, Path::new(name), Links::Refuse, flags)?);
        *last = (name.to_owned(), Some(Arc::clone(&opened)));
        Ok(opened)
    }

    fn explained(&self, error: io::Error) -> io::Error {
        match Errno::from_io_error(&error) {
            Some(Errno::XDEV) => io::Error::other(format!("a link leads out of {}", self.path.display())),
            Some(Errno::LOOP | Errno::NOTDIR) => io::Error::other("it or a directory above it is a link"),
            _ => error,
        }
    }
}
