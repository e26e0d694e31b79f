//! What Wharf says of a tree that did not come from a stack file: `wharf import` asks before it writes one.
//!
//! Invariant: what only the variables of a later run decide is not judged.

use std::path::Path;

use super::environment::read_file;
use super::interpolate::{Finding, Lookup, interpolate};
use super::node::{Node, Value};
use super::problem::{Report, TextProblem};
use super::surroundings::Surroundings;
use super::{check, document, env_file, names};

/// Decodes and checks a tree as if it stood in a stack file of `directory`, which may be relative; `project` is its name.
pub fn examine(root: &Node, directory: &Path, project: &str, environment: Lookup<'_>, report: &mut Report) {
    let dotenv = match read_file(&directory.join(".env")) {
        // What is wrong with it is said when the stack is generated.
        Ok(file) => env_file::parse(&file, environment, &mut Report::default()),
        Err(_) => Vec::new(),
    };
    let of_file = |name: &str| dotenv.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let of_project = |name: &str| (name == "COMPOSE_PROJECT_NAME").then(|| project.to_owned());
    let lookup = |name: &str| environment(name).or_else(|| of_file(name)).or_else(|| of_project(name));
    let mut root = root.clone();
    fill_in(&mut root, &lookup, report);
    let absolute = super::absolute(directory);
    let surroundings = Surroundings {
        project: project.to_owned(),
        directory: absolute.clone(),
        shown_directory: directory.to_owned(),
        lookup: &lookup,
    };
    let decoded = document::read(&root, absolute.join("import.toml"), root.place.clone(), &surroundings, report);
    check::check(&decoded, report);
}

/// Interpolates; a string with a variable that has no value now is not read at all.
fn fill_in(node: &mut Node, lookup: Lookup<'_>, report: &mut Report) {
    let interpolated = match &mut node.value {
        Value::String(text) if text.contains('$') => interpolate(text, lookup),
        Value::Array(nodes) => return nodes.iter_mut().for_each(|node| fill_in(node, lookup, report)),
        Value::Table(table) => {
            return table.entries.iter_mut().for_each(|entry| fill_in(&mut entry.node, lookup, report));
        }
        _ => return,
    };
    let of_a_value = |finding: &Finding| matches!(finding, Finding::Unset { .. } | Finding::Required { .. });
    node.value = match interpolated.findings.is_empty() {
        true => Value::String(interpolated.text),
        false => Value::Faulty,
    };
    for (_, finding) in interpolated.findings.into_iter().filter(|(_, finding)| !of_a_value(finding)) {
        report.add(&node.place, TextProblem::Variable(finding));
    }
}

/// A directory's name as Compose makes a project's name of it; `None` if nothing is left of it.
pub fn project_name_of_directory(directory: &Path) -> Option<String> {
    let name = names::normalise_project(&directory.file_name()?.to_string_lossy());
    (!name.is_empty()).then_some(name)
}
