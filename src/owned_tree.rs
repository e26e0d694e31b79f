//! A directory that root reads for whoever owns it, as the context of a build.
//!
//! Invariant: nothing is read that lies elsewhere, and only regular files.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Stat, statat};
use rustix::io::Errno;

use crate::beneath::{self, Links, MOST_LINKS, link_target};
use crate::regular_file::{READ, RegularFile, open_at};

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
    /// Opens a directory by an absolute path. Links on the way must belong to root, or to the owner of the directory: others would
    /// choose what root reads.
    ///
    /// # Errors
    /// It cannot be opened, or somebody else's link leads to it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let Resolved { real, links } = resolve(path)?;
        let inside = real.strip_prefix("/").unwrap_or(&real);
        // What has become a link since is refused.
        let directory = beneath::open(File::open("/")?, inside, Links::Refuse, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let owner = directory.metadata()?.uid();
        match links.iter().find(|(_, uid)| *uid != 0 && *uid != owner) {
            None => Ok(Self { directory, path: path.to_owned(), last: Mutex::default() }),
            Some((link, uid)) => Err(io::Error::other(format!(
                "the link {} belongs to user {uid}, but leads to a directory of user {owner}: name the directory itself",
                link.display()
            ))),
        }
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
        let open = |flags| beneath::open(&self.directory, name, Links::Beneath, flags).and_then(RegularFile::of);
        // Asked before it is opened: opening a device may act on it.
        open(OFlags::PATH).and_then(|_| open(READ)).map_err(|error| self.explained(error))?.read(most)
    }

    /// Opens a file that was listed.
    ///
    /// # Errors
    /// It cannot be opened, or is something else by now.
    pub fn file(&self, name: &str) -> io::Result<RegularFile> {
        let (directory, name) = name.rsplit_once('/').unwrap_or(("", name));
        self.directory(directory).and_then(|directory| open_at(directory, name)).map_err(|error| self.explained(error))
    }

    /// What lies in one of its directories; `""` is itself. What goes away meanwhile is left out.
    ///
    /// # Errors
    /// It cannot be read, or is something else by now.
    pub fn list(&self, name: &str) -> io::Result<Vec<Found>> {
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

/// A path without links, and those that led there with their owners.
struct Resolved {
    real: PathBuf,
    links: Vec<(PathBuf, u32)>,
}

fn resolve(path: &Path) -> io::Result<Resolved> {
    let mut resolved = Resolved { real: PathBuf::from("/"), links: Vec::new() };
    let mut rest: Vec<PathBuf> = backwards(path);
    while let Some(part) = rest.pop() {
        if part.as_os_str() == ".." {
            resolved.real.pop();
            continue;
        }
        let next = resolved.real.join(&part);
        let metadata = next.symlink_metadata()?;
        if !metadata.is_symlink() {
            resolved.real = next;
            continue;
        }
        let target = next.read_link()?;
        if target.is_absolute() {
            resolved.real = PathBuf::from("/");
        }
        rest.extend(backwards(&target));
        resolved.links.push((next, metadata.uid()));
        if resolved.links.len() > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
    }
    Ok(resolved)
}

/// The parts of a path that matter, last first.
fn backwards(path: &Path) -> Vec<PathBuf> {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut parts: Vec<PathBuf> = parts.map(|part| PathBuf::from(part.as_os_str())).collect();
    parts.reverse();
    parts
}
