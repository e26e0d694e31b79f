//! Interpolation of a whole tree.
//!
//! Source: Compose Specification, Interpolation. Invariant: every string value is interpolated once, no key is; a variable that
//! is not set is warned of once a file.

use std::collections::BTreeSet;

use super::node::{Node, Value};
use super::surroundings::Scope;
use crate::stack::grammar::interpolate::Finding;
use crate::stack::problem::{Report, TextProblem};

/// Replaces the variables in all strings of one service or the like.
pub fn interpolate_node(node: &mut Node, scope: &Scope<'_>, report: &Report) {
    Walk { scope, warned: BTreeSet::new(), report }.node(node);
}

/// Replaces the variables in all strings of a tree, except under top-level `x-` keys, which nobody reads.
pub fn interpolate_tree(root: &mut Node, scope: &Scope<'_>, report: &Report) {
    let mut walk = Walk { scope, warned: BTreeSet::new(), report };
    let Value::Table(table) = &mut root.value else { return };
    for entry in table.entries.iter_mut().filter(|entry| !entry.key.starts_with("x-")) {
        walk.node(&mut entry.node);
    }
}

struct Walk<'a> {
    scope: &'a Scope<'a>,
    warned: BTreeSet<String>,
    report: &'a Report,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::String(text) if text.contains('$') => {
                let text = std::mem::take(text);
                node.value = self.text(&text, node);
            }
            Value::Array(nodes) => nodes.iter_mut().for_each(|node| self.node(node)),
            Value::Table(table) => table.entries.iter_mut().for_each(|entry| self.node(&mut entry.node)),
            Value::Override(node) => self.node(node),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, node: &Node) -> Value {
        let errors_before = self.report.error_count();
        let interpolated = self.scope.interpolate(text);
        for (range, finding) in interpolated.findings {
            if let Finding::Unset { variable } = &finding
                && !self.warned.insert(variable.clone())
            {
                continue;
            }
            self.report.add(&node.place_within(text, range), TextProblem::Variable(finding));
        }
        if self.report.error_count() > errors_before { Value::Faulty } else { Value::String(interpolated.text) }
    }
}
