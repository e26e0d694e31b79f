//! What Wharf says of a tree that did not come from a stack file: `wharf import` asks before it writes one.
//!
//! Invariant: what only the variables of a later run decide is not judged.

use std::path::Path;

use crate::name::ProjectName;
use crate::stack::check;
use crate::stack::decode::document::{self, Document};
use crate::stack::decode::profiles::Active;
use crate::stack::grammar::interpolate::Finding;
use crate::stack::problem::{Invalid, NameFault, Report, TextProblem};
use crate::stack::text::node::{Node, Value};
use crate::stack::text::surroundings::Surroundings;

/// Decodes and checks a tree as if it stood in a stack file.
pub fn examine(root: &Node, surroundings: &Surroundings<'_>, report: &Report) {
    let mut root = root.clone();
    fill_in(&mut root, surroundings, report);
    let directory = surroundings.at(&root.place).directory.clone();
    let source = directory.join("import.toml");
    project_name(&root, &surroundings.project, report);
    let read = |active: &Active, report: &Report| {
        let document = Document { root: &root, source: source.clone(), place: root.place.clone() };
        document::read(document, active, surroundings, report)
    };
    read(&Active::all(), report);
    // Services of different profiles may well be in each other's way: between keys, only what always runs is checked.
    let decoded = read(&Active::none(), &Report::default());
    if !decoded.stack.services.is_empty() || decoded.unselected.is_empty() {
        check::check(&decoded, report);
    }
}

fn project_name(root: &Node, name: &str, report: &Report) {
    let Value::Table(table) = &root.value else { return };
    if let Some(entry) = table.get("name").filter(|_| !name.contains('$') && ProjectName::parse(name).is_err()) {
        let fault = NameFault::ProjectName { value: name.to_owned() };
        report.add(&entry.node.place, Invalid::Name(fault));
    }
}

/// Interpolates; a string with a variable that has no value now is not read at all.
fn fill_in(node: &mut Node, surroundings: &Surroundings<'_>, report: &Report) {
    let scope = surroundings.at(&node.place);
    let interpolated = match &mut node.value {
        Value::String(text) if text.contains('$') => scope.interpolate(text),
        Value::Array(nodes) => return nodes.iter_mut().for_each(|node| fill_in(node, surroundings, report)),
        Value::Table(table) => {
            let entries = table.entries.iter_mut().filter(|entry| !entry.key.starts_with("x-"));
            return entries.for_each(|entry| fill_in(&mut entry.node, surroundings, report));
        }
        _ => return,
    };
    let of_a_value = |finding: &Finding| matches!(finding, Finding::Unset { .. } | Finding::Required { .. });
    let is_whole = interpolated.findings.is_empty();
    node.value = if is_whole { Value::String(interpolated.text) } else { Value::Faulty };
    for (_, finding) in interpolated.findings.into_iter().filter(|(_, finding)| !of_a_value(finding)) {
        report.add(&node.place, TextProblem::Variable(finding));
    }
}

/// A directory's name as Compose makes a project's name of it; `None` if nothing is left of it.
pub fn project_name_of_directory(directory: &Path) -> Option<String> {
    let name = ProjectName::normalise(&directory.file_name()?.to_string_lossy());
    (!name.is_empty()).then_some(name)
}
