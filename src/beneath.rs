//! Opening paths below a directory, which what somebody else put there must not lead out of.
//!
//! One part after the other is opened in the directory above it, and links are followed here. openat2(2) would do that in the kernel,
//! but many sandboxes do not have it, `RestrictSUIDSGID=` among them. Invariant: what is swapped meanwhile is not followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::regular_file::{READ, RegularFile};

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

/// A link that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Below the directory.
    pub path: PathBuf,
    /// The user who made it.
    pub owner: u32,
}

/// Opens a path below a directory.
///
/// # Errors
/// It is not there, cannot be opened, or leads out.
pub fn open(directory: impl AsFd, path: &Path, links: Links, flags: OFlags) -> io::Result<File> {
    follow(directory, path, links, flags).map(|(file, _)| file)
}

/// As [`open`], with the links on the way.
///
/// # Errors
/// As [`open`].
pub fn follow(directory: impl AsFd, path: &Path, links: Links, flags: OFlags) -> io::Result<(File, Vec<Followed>)> {
    let mut walk = Walk { start: directory.as_fd(), above: Vec::new(), left: Vec::new(), links, followed: Vec::new() };
    walk.add(path)?;
    let file = walk.go(flags)?;
    Ok((file, walk.followed))
}

/// Opens a directory of this host by an absolute path. Links on the way must belong to root, to the caller, or to the owner of the directory:
/// others would choose what is read or written there in the caller's name.
///
/// # Errors
/// As [`open`], or somebody else's link leads to it.
pub fn open_directory(path: &Path) -> io::Result<File> {
    let (directory, links) = follow(File::open("/")?, path, Links::InRoot, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let owner = directory.metadata()?.uid();
    let trusted = [0, rustix::process::geteuid().as_raw(), owner];
    match links.iter().find(|link| !trusted.contains(&link.owner)) {
        None => Ok(directory),
        Some(Followed { path, owner: other }) => Err(io::Error::other(format!(
            "the link /{} belongs to user {other}, but leads to a directory of user {owner}: name the directory itself",
            path.display()
        ))),
    }
}

/// Makes a directory of this host and those above it if they are not there, and opens it as [`open_directory`].
///
/// # Errors
/// As [`open_directory`], or it cannot be made.
pub fn make_directory(path: &Path) -> io::Result<File> {
    match open_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    match mkdirat(make_directory(above)?, name, Mode::from_raw_mode(0o755)) {
        // Somebody else has made it meanwhile, or it is a link to what is not there.
        Ok(()) | Err(Errno::EXIST) => open_directory(path),
        Err(error) => Err(error.into()),
    }
}

/// Opens a regular file below a directory for reading.
///
/// # Errors
/// As [`open`], or something else lies there.
pub fn open_regular(directory: impl AsFd, path: &Path, links: Links) -> io::Result<RegularFile> {
    let open = |flags| open(&directory, path, links, flags).and_then(RegularFile::of);
    // Asked before it is opened: opening a device may act on it.
    open(OFlags::PATH)?;
    open(READ)
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
    /// The directories from there to where the walk is, by name.
    above: Vec<(OsString, File)>,
    /// The parts that are left, last first.
    left: Vec<OsString>,
    links: Links,
    followed: Vec<Followed>,
}

impl Walk<'_> {
    fn go(&mut self, flags: OFlags) -> io::Result<File> {
        loop {
            let Some(part) = self.left.pop() else { return self.open(OsStr::new("."), flags) };
            if part == ".." {
                if self.above.pop().is_none() && self.links != Links::InRoot {
                    return Err(Errno::XDEV.into());
                }
            } else if let Some(target) = self.link(&part)? {
                self.add(&target)?;
            } else if self.left.is_empty() {
                return self.open(&part, flags);
            } else {
                let next = self.open(&part, OFlags::PATH | OFlags::DIRECTORY)?;
                self.above.push((part, next));
            }
        }
    }

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
        // Whose it is and where it leads are asked of the same link, whatever takes its place meanwhile.
        let found = self.open(part, OFlags::PATH)?;
        let stat = fstat(&found)?;
        if !FileType::from_raw_mode(stat.st_mode).is_symlink() {
            return Ok(None);
        }
        if self.followed.len() == MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        let above = self.above.iter().map(|(name, _)| name.as_os_str());
        self.followed.push(Followed { path: above.chain([part]).collect(), owner: stat.st_uid });
        link_target(&found, "").map(Some)
    }

    fn open(&self, part: &OsStr, flags: OFlags) -> io::Result<File> {
        Ok(openat(self.here(), part, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.above.last().map_or(self.start, |(_, directory)| directory.as_fd())
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
    fn links_that_were_followed_are_told_with_their_owner() {
        let directory = tempfile::tempdir().unwrap();
        let owner = rustix::process::geteuid().as_raw();
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        symlink("b", directory.path().join("a/link")).unwrap();
        symlink("a/link", directory.path().join("first")).unwrap();
        let opened = File::open(directory.path()).unwrap();
        let (_, links) = follow(&opened, Path::new("first/."), Links::Beneath, OFlags::PATH).unwrap();
        let followed = |path: &str| Followed { path: path.into(), owner };
        assert_eq!(links, [followed("first"), followed("a/link")]);
        assert_eq!(follow(&opened, Path::new("a/b"), Links::Beneath, OFlags::PATH).unwrap().1, []);
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
