//! What of the tree Wharf takes.
//!
//! In: the whole tree. Out: the tree without the keys that Wharf refuses, and what is to be said of them and of wrong values.
//! Invariant: the stack room alone decides; a key that is taken out is in the list.

use super::problem::Found;
use super::write::write;
use super::yaml::Comments;
use crate::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use crate::stack::examine::examine;
use crate::stack::node::{Entry, Node, Table, Value};
use crate::stack::surroundings::Surroundings;

/// Something that could not be carried over, or that Wharf will refuse.
#[derive(Debug, Clone, PartialEq)]
pub struct Remark {
    pub diagnostic: Diagnostic,
    /// The key and its value as TOML, if it was taken out.
    pub left_out: Option<String>,
}

/// Takes out what Wharf refuses, and says so.
pub fn judge(root: &mut Node, surroundings: &Surroundings<'_>) -> Vec<Remark> {
    let mut found = Found::default();
    examine(root, surroundings, &mut found);
    let refused: Vec<Place> = found.refused_keys().to_vec();
    let mut remarks = Vec::new();
    for diagnostic in errors(found.into_diagnostics()) {
        let place = diagnostic.place.clone().filter(|place| refused.contains(place));
        let mut left_out = None;
        if let (Some(place), Value::Table(table)) = (&place, &mut root.value) {
            // A refused key may have come into several services by an alias; each gave a message of its own.
            left_out = take_out(table, place).map(as_toml);
        }
        remarks.push(Remark { diagnostic, left_out });
    }
    remarks
}

fn errors(diagnostics: Diagnostics) -> Vec<Diagnostic> {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).cloned().collect()
}

/// The first entry whose key stands at a place.
fn take_out(table: &mut Table, place: &Place) -> Option<Entry> {
    if let Some(index) = table.entries.iter().position(|entry| entry.key_place == *place) {
        return Some(table.entries.remove(index));
    }
    table.entries.iter_mut().find_map(|entry| take_out_of(&mut entry.node, place))
}

fn take_out_of(node: &mut Node, place: &Place) -> Option<Entry> {
    match &mut node.value {
        Value::Table(table) => take_out(table, place),
        Value::Array(items) => items.iter_mut().find_map(|item| take_out_of(item, place)),
        _ => None,
    }
}

/// One entry as a small file, without its comments: those are listed for themselves.
fn as_toml(entry: Entry) -> String {
    write(&Table { entries: vec![entry] }, &mut Comments::default())
}
