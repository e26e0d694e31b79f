//! Reading the text files of a stack.
//!
//! Invariant: only regular files are read, and no file fills the memory, alone or together with the others of its stack.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnostic::SourceFile;
use crate::regular_file::read_text;

/// Bytes of a stack file, also of one that another includes or extends.
const LARGEST_STACK: u64 = 16 << 20;

/// Bytes of a file that a stack names: variables, labels, a seccomp profile.
const LARGEST_INPUT: u64 = 1 << 20;

/// Bytes of those in sum; a file that several services name counts for each of them, as it is in the units of each.
const MOST_INPUT: u64 = 64 << 20;

/// The whole text of a stack file.
///
/// # Errors
/// It cannot be read, is not a regular file or not UTF-8, or is larger than 16 MiB.
pub fn read_stack(path: &Path) -> io::Result<Arc<SourceFile>> {
    Ok(SourceFile::new(path, read_text(path, LARGEST_STACK)?))
}

/// The files that one stack names. Each is read once.
#[derive(Default)]
pub struct Inputs {
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    files: BTreeMap<PathBuf, Arc<SourceFile>>,
    /// Those that were looked for, found or not.
    paths: BTreeSet<PathBuf>,
    /// How many bytes have been handed out.
    used: u64,
}

impl Inputs {
    /// The whole text of a file.
    ///
    /// # Errors
    /// It cannot be read, is not a regular file or not UTF-8, or is too large, alone or in sum.
    pub fn read(&self, path: &Path) -> io::Result<Arc<SourceFile>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.paths.insert(path.to_owned());
        let file = match read.files.get(path) {
            Some(file) => Arc::clone(file),
            None => SourceFile::new(path, read_text(path, LARGEST_INPUT)?),
        };
        let used = read.used + file.text.len() as u64;
        if used > MOST_INPUT {
            let sum = MOST_INPUT >> 20;
            let reason = format!("the files that this stack names are larger than {sum} MiB in total");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        read.used = used;
        read.files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// The files that have been read so far, and those that were not there.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).paths.iter().cloned().collect()
    }
}

/// Whether a file is the configuration of wharfd, which lies beside the stack files. Its name alone decides.
pub fn is_of_wharfd(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "wharfd.toml")
}
