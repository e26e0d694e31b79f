//! Why a unit directory cannot be read or changed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file or directory that the file system does not give.
#[derive(Debug, Error)]
#[error("cannot {verb} {}: {error}", path.display())]
pub struct DirectoryError {
    pub verb: &'static str,
    pub path: PathBuf,
    #[source]
    pub error: io::Error,
}

impl DirectoryError {
    pub fn new(verb: &'static str, path: &Path, error: io::Error) -> Self {
        Self { verb, path: path.to_owned(), error }
    }
}
