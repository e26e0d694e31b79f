//! The lock beside a stack file, as a text.
//!
//! Invariant: the file is whole at every moment, and durable once it is written.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::regular_file::read_text;

/// Bytes of a lock.
const LARGEST: u64 = 16 << 20;

/// Why the file is as it was.
#[derive(Debug, Error)]
#[error("cannot write {}: {error}", path.display())]
pub struct Unwritable {
    path: PathBuf,
    error: io::Error,
}

/// Its text; `None`: there is none that can be read.
pub fn read(path: &Path) -> Option<String> {
    read_text(path, LARGEST).ok()
}

/// Makes it this text, or removes it. A file that has the text already is not touched.
///
/// # Errors
/// It cannot be written: it is as it was.
pub fn write(path: &Path, text: Option<&str>) -> Result<(), Unwritable> {
    let written = match text {
        Some(text) if read(path).as_deref() == Some(text) => Ok(()),
        Some(text) => replace(path, text),
        None => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    };
    written.map_err(|error| Unwritable { path: path.to_owned(), error })
}

/// The new file takes the place of the old one, with its permissions.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let permissions = fs::metadata(path).map_or_else(|_| Permissions::from_mode(0o644), |old| old.permissions());
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}
