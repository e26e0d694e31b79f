//! Reading text files.
//!
//! Invariant: no file fills the memory, whatever it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::SourceFile;

/// As much as a file may be; `/dev/zero` has no end.
const MOST_TEXT: u64 = 64 << 20;

/// The whole text of a file.
pub fn read_file(path: &Path) -> std::io::Result<Arc<SourceFile>> {
    let mut text = String::new();
    let length = File::open(path)?.take(MOST_TEXT + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length > MOST_TEXT) {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", MOST_TEXT >> 20)));
    }
    Ok(SourceFile::new(path, text))
}

/// Whether a file is the configuration of wharfd, which lies beside the stack files. Its name alone decides.
pub fn is_of_wharfd(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "wharfd.toml")
}
