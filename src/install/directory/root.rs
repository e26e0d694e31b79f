//! The file system that units are written to: this host's, or the one below `--root`, an image that is prepared and that somebody else
//! may have made.
//!
//! Invariant: a link in an image leads where it will once this root is `/`, never to the host. On the host, no directory is opened by a link
//! of somebody else.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use rustix::fs::{Mode, OFlags, mkdirat};

use crate::beneath::{self, Links, MOST_LINKS, link_target};
use crate::regular_file;

/// A file system, whose paths are those under which it lies on this host.
#[derive(Debug, Default)]
pub enum Root {
    /// This host's own.
    #[default]
    Host,
    Below(Below),
}

/// The open root directory of another one.
#[derive(Debug)]
pub struct Below {
    directory: File,
    path: PathBuf,
}

impl Root {
    /// Opens the root directory; `None` is this host's.
    ///
    /// # Errors
    /// It is not there, no directory, or somebody else's link leads to it.
    pub fn open(root: Option<&Path>) -> io::Result<Self> {
        Self::opened(root, beneath::open_directory)
    }

    /// The same, and makes the directory if it is not there.
    ///
    /// # Errors
    /// As [`Root::open`], or it cannot be made.
    pub fn make(root: Option<&Path>) -> io::Result<Self> {
        Self::opened(root, beneath::make_directory)
    }

    fn opened(root: Option<&Path>, open: impl Fn(&Path) -> io::Result<File>) -> io::Result<Self> {
        let Some(path) = root else { return Ok(Self::Host) };
        Ok(Self::Below(Below { directory: open(path)?, path: path.to_owned() }))
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// It is not there, no directory, or somebody else's link of this host leads to it.
    pub fn directory(&self, path: &Path) -> io::Result<File> {
        match self {
            Self::Host => beneath::open_directory(&absolute(path)?),
            Self::Below(root) => root.directory(&root.seen(path)),
        }
    }

    /// Opens a directory, and makes it and those above it if they are not there: also where a link leads.
    ///
    /// # Errors
    /// Something else lies there, it cannot be made, or somebody else's link of this host leads to it.
    pub fn make_directory(&self, path: &Path) -> io::Result<File> {
        match self {
            Self::Host => beneath::make_directory(&absolute(path)?),
            Self::Below(root) => root.make(&root.seen(path), MOST_LINKS),
        }
    }

    /// The contents of a regular file, and of nothing else.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is larger than `most` bytes.
    pub fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        match self {
            Self::Host => regular_file::read(path, most),
            Self::Below(root) => beneath::open_regular(&root.directory, &root.seen(path), Links::InRoot)?.read(most),
        }
    }

    /// Which file it is, by device and inode; `None` if none is there, or it cannot be seen.
    pub fn identity(&self, path: &Path) -> Option<(u64, u64)> {
        let metadata = match self {
            Self::Host => fs::metadata(path),
            Self::Below(root) => {
                let file = beneath::open_regular(&root.directory, &root.seen(path), Links::InRoot);
                file.and_then(|file| file.into_file().metadata())
            }
        };
        metadata.ok().filter(fs::Metadata::is_file).map(|file| (file.dev(), file.ino()))
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// It is not there, or no link.
    pub fn link(&self, path: &Path) -> io::Result<PathBuf> {
        let Self::Below(root) = self else { return fs::read_link(path) };
        let seen = root.seen(path);
        let (above, name) = (seen.parent(), seen.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
        link_target(root.directory(above.unwrap_or(Path::new("/")))?, name)
    }
}

impl Below {
    /// A path of this host as it is seen from inside.
    fn seen(&self, on_disk: &Path) -> PathBuf {
        Path::new("/").join(on_disk.strip_prefix(&self.path).unwrap_or(on_disk))
    }

    fn directory(&self, seen: &Path) -> io::Result<File> {
        beneath::open(&self.directory, seen, Links::InRoot, OFlags::RDONLY | OFlags::DIRECTORY)
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
}
