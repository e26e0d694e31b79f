//! Opening and reading files that somebody else may have put there: regular files only, of bounded size.
//!
//! Invariant: neither a FIFO, a device nor a file without end holds the reader up or fills its memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open as open_path, openat, stat};
use rustix::path::Arg;

/// Opened by these, nothing waits for a writer or becomes the controlling terminal.
pub const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// An open regular file.
pub struct RegularFile {
    file: File,
    found: Stat,
}

impl RegularFile {
    /// A file that is open already.
    ///
    /// # Errors
    /// It is not a regular one.
    pub fn of(file: File) -> io::Result<Self> {
        let found = fstat(&file)?;
        regular(&found)?;
        Ok(Self { file, found })
    }

    /// Permission bits.
    pub fn mode(&self) -> u32 {
        self.found.st_mode & 0o7777
    }

    /// Bytes, when it was opened.
    pub fn length(&self) -> u64 {
        u64::try_from(self.found.st_size).unwrap_or(0)
    }

    pub fn into_file(self) -> File {
        self.file
    }

    /// The whole of it, if that is at most so many bytes.
    ///
    /// # Errors
    /// It cannot be read, or is larger.
    pub fn read(self, most: u64) -> io::Result<Vec<u8>> {
        let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {}", size(most)));
        if self.length() > most {
            return Err(too_large());
        }
        let mut contents = Vec::with_capacity(usize::try_from(self.length()).unwrap_or(0) + 1);
        // Some files, and those that grow, hold more than they say.
        self.file.take(most + 1).read_to_end(&mut contents)?;
        if contents.len() as u64 > most { Err(too_large()) } else { Ok(contents) }
    }
}

/// Opens a file, following links.
///
/// # Errors
/// It is not there, may not be read, or is not a regular file.
pub fn open(path: &Path) -> io::Result<RegularFile> {
    // Asked before it is opened: opening a device may act on it.
    regular(&stat(path)?)?;
    RegularFile::of(open_path(path, READ, Mode::empty())?.into())
}

/// Opens a file of a directory by its name there, following no link.
///
/// # Errors
/// As [`open`]; a link gives `ELOOP`.
pub fn open_at(directory: impl AsFd, name: impl Arg) -> io::Result<RegularFile> {
    RegularFile::of(openat(directory, name, READ | OFlags::NOFOLLOW, Mode::empty())?.into())
}

/// The whole of a file of at most so many bytes.
///
/// # Errors
/// As [`open`], or it is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    open(path)?.read(most)
}

/// The whole text of a file of at most so many bytes.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let no_text = || io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read(path, most)?).map_err(|_| no_text())
}

fn regular(found: &Stat) -> io::Result<()> {
    let what = match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => return Err(io::Error::new(io::ErrorKind::IsADirectory, message("a directory"))),
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Symlink => "a symbolic link",
        FileType::Unknown => "something else",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, message(what)))
}

fn message(what: &str) -> String {
    format!("it is {what}, not a regular file")
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
}
