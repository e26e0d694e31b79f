//! Opening paths below a directory, which what somebody else put there must not lead out of.
//!
//! One part after the other is opened in the directory above it, and links are followed here. openat2(2) would do that in the kernel,
//! but many sandboxes do not have it, `RestrictSUIDSGID=` among them. Invariant: what is swapped meanwhile is not followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;
use rustix::path::Arg;

/// As many links as the kernel follows on the way to a file.
pub const MOST_LINKS: usize = 40;

/// What becomes of links, and of `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// An error (`ELOOP` or `ENOTDIR`).
    Refuse,
    /// Followed within the directory; one that leads out, or is absolute, is an error (`EXDEV`).
    Beneath,
    /// Followed as if the directory were `/`.
    InRoot,
}

/// Opens a path below a directory.
///
/// # Errors
/// It is not there, cannot be opened, or leads out.
pub fn open(directory: impl AsFd, path: &Path, links: Links, flags: OFlags) -> io::Result<File> {
    let mut walk = Walk { start: directory.as_fd(), above: Vec::new(), left: Vec::new(), links, followed: 0 };
    walk.add(path)?;
    loop {
        let Some(part) = walk.left.pop() else { return walk.open(OsStr::new("."), flags) };
        if part == ".." {
            if walk.above.pop().is_none() && links != Links::InRoot {
                return Err(Errno::XDEV.into());
            }
        } else if let Some(target) = walk.link(&part)? {
            walk.add(&target)?;
        } else if walk.left.is_empty() {
            return walk.open(&part, flags);
        } else {
            let next = walk.open(&part, OFlags::PATH | OFlags::DIRECTORY)?;
            walk.above.push(next);
        }
    }
}

/// Where the link of this name in a directory leads.
///
/// # Errors
/// It is not there, or no link (`EINVAL`).
pub fn link_target(directory: impl AsFd, name: impl Arg) -> io::Result<PathBuf> {
    let target = readlinkat(directory, name, Vec::new())?;
    Ok(OsString::from_vec(target.into_bytes()).into())
}

struct Walk<'d> {
    start: BorrowedFd<'d>,
    /// The directories from there to where the walk is.
    above: Vec<File>,
    /// The parts that are left, last first.
    left: Vec<OsString>,
    links: Links,
    followed: usize,
}

impl Walk<'_> {
    /// Goes this path before what is left.
    fn add(&mut self, path: &Path) -> io::Result<()> {
        if path.is_absolute() {
            match self.links {
                Links::InRoot => self.above.clear(),
                Links::Refuse | Links::Beneath => return Err(Errno::XDEV.into()),
            }
        }
        let parts = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
        self.left.extend(parts.rev().map(|part| part.as_os_str().to_owned()));
        Ok(())
    }

    /// Where a part leads if it is a link that is to be followed.
    fn link(&mut self, part: &OsStr) -> io::Result<Option<PathBuf>> {
        if self.links == Links::Refuse {
            return Ok(None);
        }
        match link_target(self.here(), part) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(None),
            Err(error) => Err(error),
            Ok(_) if self.followed == MOST_LINKS => Err(Errno::LOOP.into()),
            Ok(target) => {
                self.followed += 1;
                Ok(Some(target))
            }
        }
    }

    fn open(&self, part: &OsStr, flags: OFlags) -> io::Result<File> {
        Ok(openat(self.here(), part, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.above.last().map_or(self.start, AsFd::as_fd)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is read by a path, or the error.
    fn read(directory: &File, path: &str, links: Links) -> Result<String, Option<Errno>> {
        let opened = open(directory, Path::new(path), links, OFlags::RDONLY);
        let read = opened.and_then(io::read_to_string);
        read.map_err(|error| Errno::from_io_error(&error))
    }

    #[test]
    fn links_lead_where_they_may_and_no_further() {
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("inside");
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(outside.path().join("file"), "outside").unwrap();
        fs::write(path.join("file"), "inside").unwrap();
        symlink("../../file", path.join("a/b/up")).unwrap();
        symlink("../file", path.join("out")).unwrap();
        symlink("/file", path.join("absolute")).unwrap();
        symlink("a/b", path.join("directory")).unwrap();
        symlink("loop", path.join("loop")).unwrap();
        let directory = File::open(&path).unwrap();
        for (written, refuse, beneath, in_root) in [
            ("file", Ok("inside"), Ok("inside"), Ok("inside")),
            ("a/../file", Ok("inside"), Ok("inside"), Ok("inside")),
            ("../file", Err(Errno::XDEV), Err(Errno::XDEV), Ok("inside")),
            ("/file", Err(Errno::XDEV), Err(Errno::XDEV), Ok("inside")),
            ("a/b/up", Err(Errno::LOOP), Ok("inside"), Ok("inside")),
            ("out", Err(Errno::LOOP), Err(Errno::XDEV), Ok("inside")),
            ("absolute", Err(Errno::LOOP), Err(Errno::XDEV), Ok("inside")),
            ("directory/up", Err(Errno::NOTDIR), Ok("inside"), Ok("inside")),
            ("directory/../../file", Err(Errno::NOTDIR), Ok("inside"), Ok("inside")),
            ("loop", Err(Errno::LOOP), Err(Errno::LOOP), Err(Errno::LOOP)),
            ("none/file", Err(Errno::NOENT), Err(Errno::NOENT), Err(Errno::NOENT)),
        ] {
            for (links, expected) in [(Links::Refuse, refuse), (Links::Beneath, beneath), (Links::InRoot, in_root)] {
                let expected = expected.map(str::to_owned).map_err(Some);
                assert_eq!(read(&directory, written, links), expected, "{written}, {links:?}");
            }
        }
    }
}
