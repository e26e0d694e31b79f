//! The file system below `--root`: an image that is prepared, and that somebody else may have made.
//!
//! Invariant: a link in it leads where it will once this root is `/`, never to the host.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, mkdirat, open};

use crate::beneath::{self, Links, MOST_LINKS, link_target};
use crate::regular_file::{READ, RegularFile};

/// An open root directory.
#[derive(Debug)]
pub struct Root {
    directory: File,
    path: PathBuf,
}

impl Root {
    /// Opens it; `path` is where it lies on this host.
    ///
    /// # Errors
    /// It is not there, or no directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { directory: open(path, flags, Mode::empty())?.into(), path: path.to_owned() })
    }

    /// A path of this host as it is seen from inside.
    pub fn seen(&self, on_disk: &Path) -> PathBuf {
        Path::new("/").join(on_disk.strip_prefix(&self.path).unwrap_or(on_disk))
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// It is not there, or no directory.
    pub fn directory(&self, seen: &Path) -> io::Result<File> {
        self.find(seen, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a directory, and makes it and those above it if they are not there: also where a link leads.
    ///
    /// # Errors
    /// Something else lies there, or it cannot be made.
    pub fn make_directory(&self, seen: &Path) -> io::Result<File> {
        self.make(seen, MOST_LINKS)
    }

    /// The contents of a regular file, and of nothing else.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is larger than `most` bytes.
    pub fn read(&self, seen: &Path, most: u64) -> io::Result<Vec<u8>> {
        // Asked before it is opened: opening a device may act on it.
        RegularFile::of(self.find(seen, OFlags::PATH)?)?;
        RegularFile::of(self.find(seen, READ)?)?.read(most)
    }

    /// Where a link leads; an error if it is none.
    ///
    /// # Errors
    /// It is not there, or no link.
    pub fn link(&self, seen: &Path) -> io::Result<PathBuf> {
        let (above, name) = (seen.parent(), seen.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
        link_target(self.directory(above.unwrap_or(Path::new("/")))?, name)
    }

    fn make(&self, seen: &Path, links: usize) -> io::Result<File> {
        match self.directory(seen) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && links > 0 => {}
            opened => return opened,
        }
        let (Some(above), Some(name)) = (seen.parent(), seen.file_name()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let directory = self.make(above, links)?;
        match mkdirat(&directory, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => self.directory(seen),
            // A link to what is not there yet.
            Err(rustix::io::Errno::EXIST) => self.make(&above.join(link_target(&directory, name)?), links - 1),
            Err(error) => Err(error.into()),
        }
    }

    fn find(&self, seen: &Path, flags: OFlags) -> io::Result<File> {
        beneath::open(&self.directory, seen, Links::InRoot, flags)
    }
}
