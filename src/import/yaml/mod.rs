//! YAML text → the stack's [`Node`](crate::stack::text::node::Node) tree, as Compose reads YAML.
//!
//! In: one file. Out: a tree a document, in which anchors, merge keys and tags are resolved; and the comments.
//! The way through: `raw` (events to a tree with aliases), `resolve` (to nodes) with `scalar`, and `comments`.
//! Invariant: every node and key has its place in the file, and no text makes more than a bounded tree.

mod comments;
mod raw;
mod resolve;
mod scalar;

use std::sync::Arc;

use super::problem::{Report, YamlProblem};
use crate::diagnostic::{Place, SourceFile};
use crate::stack::text::node::Node;

pub use comments::{Around, Comments};

/// The documents of a file that say something, in order; its comments are added to `comments`.
pub fn read(file: &Arc<SourceFile>, comments: &mut Comments, report: &Report) -> Option<Vec<Node>> {
    let stream = match raw::parse(&file.text) {
        Ok(stream) => stream,
        Err(fault) => {
            report.add(&fault.place(file), YamlProblem::Syntax { message: fault.message });
            return None;
        }
    };
    comments.add(file, &stream);
    let before = report.error_count();
    let documents = stream.documents.iter().filter_map(|root| resolve::document(file, root, report)).collect();
    (report.error_count() == before).then_some(documents)
}

/// A place for what stands nowhere in the file.
pub fn end_of(file: &Arc<SourceFile>) -> Place {
    Place::new(file, file.text.len()..file.text.len())
}
