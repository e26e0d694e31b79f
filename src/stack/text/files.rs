//! Reading the text files of a stack.
//!
//! Invariant: only regular files are read, and no file fills the memory, alone or together with the others of its stack; nor do variables
//! that name one another.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnostic::SourceFile;
use crate::regular_file::read_text;
use crate::stack::grammar::interpolate::{Finding, Interpolated, Lookup, interpolate};
use crate::stack::problem::TextProblem;

/// Bytes of a stack file, also of one that another includes or extends.
const LARGEST_STACK: u64 = 16 << 20;

/// Bytes of a file that a stack names: variables, labels, a seccomp profile.
const LARGEST_INPUT: u64 = 1 << 20;

/// Bytes of those in sum; a file that several services name counts for each of them, as it is in the units of each.
const MOST_INPUT: u64 = 64 << 20;

/// Bytes of the values of variables that one string or line may use.
const LONGEST_VALUES: usize = 1 << 20;

/// Bytes of those that a stack may use in sum: a value that is used in many places counts for each of them.
const MOST_VALUES: usize = 16 << 20;

/// The whole text of a stack file.
///
/// # Errors
/// It cannot be read, is not a regular file or not UTF-8, or is larger than 16 MiB.
pub fn read_stack(path: &Path) -> io::Result<Arc<SourceFile>> {
    Ok(SourceFile::new(path, read_text(path, LARGEST_STACK)?))
}

/// The files that one stack names, and the values of its variables. Each file is read once.
#[derive(Default)]
pub struct Inputs {
    read: Mutex<Read>,
    /// How many bytes of values have been used.
    values: AtomicUsize,
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

    /// Replaces the variables of a text, as [`interpolate`].
    pub fn interpolate(&self, text: &str, lookup: Lookup<'_>) -> Interpolated {
        let left = MOST_VALUES.saturating_sub(self.values.load(Ordering::Relaxed));
        if left == 0 && text.contains('$') {
            return Interpolated { findings: vec![(0..text.len(), Finding::TooLong)], ..Interpolated::default() };
        }
        let interpolated = interpolate(text, lookup, LONGEST_VALUES.min(left));
        self.values.fetch_add(interpolated.read, Ordering::Relaxed);
        interpolated
    }

    /// The value of one variable, which is to stand by itself.
    ///
    /// # Errors
    /// It is too long, alone or in sum.
    pub fn value(&self, name: &str, lookup: Lookup<'_>) -> Result<Option<String>, TextProblem> {
        let value = lookup(name);
        let length = value.as_ref().map_or(0, String::len);
        let before = self.values.fetch_add(length, Ordering::Relaxed);
        if length > LONGEST_VALUES || length > MOST_VALUES.saturating_sub(before) {
            return Err(TextProblem::Variable(Finding::TooLong));
        }
        Ok(value)
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
