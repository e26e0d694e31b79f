//! The lock with which one run of Wharf at a time changes a unit directory.
//!
//! Invariant: the file that is locked can be opened only by the user who runs Wharf, and by root. A unit directory can be opened, and so be
//! locked, by every user.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{Mode, OFlags, open};

use crate::regular_file::RegularFile;

const NAME: &str = "wharf.lock";

/// A locked directory; dropped, it is unlocked.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until no other run of the same user holds the directory; `wait` is told the path of the lock file if there is one that does.
    /// `None`: this user has no private directory for the lock file, as in a build sandbox.
    ///
    /// # Errors
    /// Others can open the lock file, or the file system of the lock file has no locks.
    pub fn take(directory: &File, wait: impl Fn(&Path)) -> io::Result<Option<Self>> {
        let Some(path) = path() else { return Ok(None) };
        let file = match open_private(&path) {
            Err(error) if is_no_place(error.kind()) => return Ok(None),
            opened => opened?,
        };
        let range = range_of(directory)?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&range)) {
            Ok(_) => return Ok(Some(Self { _file: file })),
            Err(Errno::EAGAIN | Errno::EACCES) => wait(&path),
            Err(error) => return Err(error.into()),
        }
        loop {
            match fcntl(&file, FcntlArg::F_OFD_SETLKW(&range)) {
                Ok(_) => return Ok(Some(Self { _file: file })),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// In a directory that only root, or only this user, can write.
fn path() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(Path::new("/run").join(NAME));
    }
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    own.filter(|directory| directory.is_absolute()).map(|directory| directory.join(NAME))
}

fn is_no_place(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn open_private(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = RegularFile::of(open(path, flags, Mode::RUSR | Mode::WUSR)?.into())?.into_file();
    let found = file.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!("other users can open {}; remove that file", path.display())));
    }
    Ok(file)
}

/// One byte of the file for each directory, by its inode number, so that one file serves all. Two directories may share a byte: then one
/// run waits for the other without need.
fn range_of(directory: &File) -> io::Result<libc::flock> {
    let byte = directory.metadata()?.ino() & 0x3fff_ffff;
    Ok(libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: libc::off_t::try_from(byte).map_err(io::Error::other)?,
        l_len: 1,
        l_pid: 0,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_lock_file_that_others_can_open_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        open_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        open_private(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(open_private(&path).unwrap_err().to_string().contains("remove that file"));
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(open_private(&link).is_err());
    }
}
