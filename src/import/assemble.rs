//! The files → one tree.
//!
//! Source: Compose Specification, Merge and override.

use std::path::{Path, PathBuf};

use super::problem::{Assembly, Found};
use super::yaml::{self, Comments};
use crate::diagnostic::SourceFile;
use crate::stack::node::Node;

/// Reads the files and lays the later ones over the earlier ones.
pub fn assemble(files: &[PathBuf], comments: &mut Comments, found: &mut Found) -> Option<Node> {
    let mut documents = Vec::new();
    for path in files {
        documents.extend(read(path, comments, found)?);
    }
    let first = documents.into_iter().next();
    if first.is_none() {
        found.add_without_place(Assembly::NothingInside { path: files.first().cloned().unwrap_or_default() });
    }
    first
}

fn read(path: &Path, comments: &mut Comments, found: &mut Found) -> Option<Vec<Node>> {
    match std::fs::read_to_string(path) {
        Ok(text) => yaml::read(&SourceFile::new(path, text), comments, found),
        Err(error) => {
            found.add_without_place(Assembly::Unreadable { path: path.to_owned(), reason: error.to_string() });
            None
        }
    }
}
