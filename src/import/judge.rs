//! What of the tree Wharf takes.
//!
//! In: the whole tree. Out: the tree without the keys that Wharf refuses, and the remarks about them and about wrong values.
//! Invariant: the stack room alone decides; a key that is taken out is in the list.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::problem::Report;
use super::write::write;
use super::yaml::Comments;
use crate::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use crate::stack::examine::examine;
use crate::stack::text::node::{Entry, Node, Table, Value};
use crate::stack::text::surroundings::Surroundings;

/// Something that could not be carried over, or that Wharf will refuse.
#[derive(Debug, Clone, PartialEq)]
pub struct Remark {
    pub diagnostic: Diagnostic,
    /// The key and its value as TOML, if it was taken out.
    pub left_out: Option<String>,
}

/// Takes out what Wharf refuses, and says so.
pub fn judge(root: &mut Node, surroundings: &Surroundings<'_>) -> Vec<Remark> {
    let report = Report::default();
    examine(root, surroundings, &report);
    let refused = report.refused_keys().iter().map(|place| (id(place), VecDeque::new())).collect();
    let mut refused = Refused(refused);
    refused.take_out_of(root);
    // What came into several services by an alias is one mistake.
    report.forget_repetitions();
    errors(report.into_diagnostics())
        .map(|diagnostic| {
            let left_out = diagnostic.place.as_ref().and_then(|place| refused.0.get_mut(&id(place))?.pop_front());
            Remark { diagnostic, left_out: left_out.map(as_toml) }
        })
        .collect()
}

fn errors(diagnostics: Diagnostics) -> impl Iterator<Item = Diagnostic> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.cloned().collect::<Vec<Diagnostic>>().into_iter()
}

/// A file, and where in it a key begins.
type Id = (usize, usize);

fn id(place: &Place) -> Id {
    (Arc::as_ptr(&place.file).addr(), place.span.start)
}

/// The refused keys by where they stand. By an alias one may have come into several services; then each gave a message.
struct Refused(HashMap<Id, VecDeque<Entry>>);

impl Refused {
    fn take_out_of(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Table(table) => {
                for mut entry in std::mem::take(&mut table.entries) {
                    if let Some(taken) = self.0.get_mut(&id(&entry.key_place)) {
                        taken.push_back(entry);
                        continue;
                    }
                    self.take_out_of(&mut entry.node);
                    table.entries.push(entry);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.take_out_of(item)),
            _ => {}
        }
    }
}

/// One entry as a small file, without its comments: those are listed for themselves.
fn as_toml(entry: Entry) -> String {
    write(&Table { entries: vec![entry] }, &mut Comments::default())
}
