//! Opening and reading files that somebody else may have put there: regular files only, of bounded size.
//!
//! Invariant: neither a FIFO, a device nor a file without end holds the reader up or fills its memory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open as open_path, openat, openat2, stat};

/// Opened by these, nothing waits for a writer or becomes the controlling terminal.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens a file, following links.
///
/// # Errors
/// It is not there, may not be read, or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Asked before it is opened: opening a device may act on it.
    regular(&stat(path)?)?;
    checked(open_path(path, READ, Mode::empty())?.into())
}

/// Opens a file of a directory by its name there, which is no link.
///
/// # Errors
/// As [`open`]; a link gives `ELOOP`.
pub fn open_at(directory: impl AsFd, name: &str) -> io::Result<File> {
    checked(openat(directory, name, READ | OFlags::NOFOLLOW, Mode::empty())?.into())
}

/// Opens a file by a path below a directory, which no link and no `..` may leave (openat2(2), `RESOLVE_BENEATH`).
///
/// # Errors
/// As [`open`]; a path that leads out gives `EXDEV`.
pub fn open_beneath(directory: impl AsFd, path: &Path) -> io::Result<File> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    checked(openat2(directory, path, READ, Mode::empty(), resolve)?.into())
}

/// The whole of a file of at most so many bytes.
///
/// # Errors
/// As [`open`], or it is larger.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(&open(path)?, most)
}

/// The whole text of a file of at most so many bytes.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let no_text = || io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read(path, most)?).map_err(|_| no_text())
}

/// What is left of an open file, if that is at most so many bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn read_all(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {}", size(most)));
    let length = file.metadata()?.len();
    if length > most {
        return Err(too_large());
    }
    let mut contents = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    // Some files, and those that grow, hold more than they say.
    file.take(most + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > most { Err(too_large()) } else { Ok(contents) }
}

fn checked(file: File) -> io::Result<File> {
    regular(&fstat(&file)?)?;
    Ok(file)
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
