//! Reading a stack from disk.
//!
//! In: a path and the environment. Out: a checked [`Stack`] with the warnings, or all that is wrong. This file and
//! `environment` are the only ones here that read files; `check` asks whether bind sources exist.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment::read_file;
use super::interpolate::{Finding, Lookup, interpolate};
use super::model::Stack;
use super::mounts::clean;
use super::node::{Node, Value};
use super::problem::{FileProblem, Invalid, NameFault, Report};
use super::surroundings::Surroundings;
use super::{check, document, env_file, from_toml, names, variables};
use crate::diagnostic::{Diagnostics, Place, SourceFile};

/// A valid stack, and what its author should still know.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub stack: Stack,
    /// Warnings only.
    pub warnings: Diagnostics,
}

/// Reads, interpolates, decodes and checks the stack file at `path`.
///
/// `environment` looks up a variable of the process; it wins over the `.env` file beside the stack file. The project's name
/// is offered to interpolation as `COMPOSE_PROJECT_NAME`.
///
/// # Errors
/// Everything that is wrong with the file and the files that it names, each with its place, and the warnings among them.
pub fn load(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Diagnostics> {
    let mut report = Report::default();
    let stack = read(path, environment, &mut report);
    let failed = report.error_count() > 0;
    let diagnostics = report.into_diagnostics();
    match stack {
        Some(stack) if !failed => Ok(Loaded { stack, warnings: diagnostics }),
        _ => Err(diagnostics),
    }
}

/// The project's name that a stack file of this path gets if it does not set `name`: its stem in lower case without the
/// characters that no project name has. Empty if nothing is left. Source: Compose Specification, name.
pub fn project_name_of(path: &Path) -> String {
    names::normalise_project(&path.file_stem().unwrap_or_default().to_string_lossy())
}

/// The absolute path of a stack file without `.` and `..`, not looking at the disk: however the file was named, its units are the
/// same.
pub fn absolute(path: &Path) -> PathBuf {
    clean(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn read(path: &Path, environment: Lookup<'_>, report: &mut Report) -> Option<Stack> {
    let file = read_stack_file(path, report)?;
    let shown_directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let dotenv = read_dotenv(&shown_directory, environment, report);
    let outer = |name: &str| environment(name).or_else(|| dotenv.get(name).cloned());
    let mut root = from_toml::parse(&file, report)?;
    let (project, name_place) = project_name(&root, path, &outer, report);
    let lookup = |name: &str| outer(name).or_else(|| (name == "COMPOSE_PROJECT_NAME").then(|| project.clone()));
    variables::interpolate_tree(&mut root, &lookup, report);
    let source = absolute(path);
    let directory = source.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    let surroundings = Surroundings { project: project.clone(), directory, shown_directory, lookup: &lookup };
    let decoded = document::read(&root, source, name_place, &surroundings, report);
    check::check(&decoded, report);
    Some(decoded.stack)
}

fn read_stack_file(path: &Path, report: &mut Report) -> Option<Arc<SourceFile>> {
    match read_file(path) {
        Ok(file) => Some(file),
        Err(error) => {
            report.add_without_place(FileProblem::StackUnreadable { path: path.to_owned(), reason: error.to_string() });
            None
        }
    }
}

/// `.env` beside the stack file, if there is one. Source: Compose Specification, Interpolation.
fn read_dotenv(directory: &Path, environment: Lookup<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let path = directory.join(".env");
    match read_file(&path) {
        Ok(file) => env_file::parse(&file, environment, report).into_iter().collect(),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                report.add_without_place(FileProblem::Unreadable { path, reason: error.to_string() });
            }
            BTreeMap::new()
        }
    }
}

/// `name`, else what the file's stem gives; and where it stands. Comes before interpolation, which offers it as a variable.
fn project_name(root: &Node, path: &Path, lookup: Lookup<'_>, report: &mut Report) -> (String, Place) {
    let entry = match &root.value {
        Value::Table(table) => table.get("name"),
        _ => None,
    };
    match entry.map(|entry| &entry.node) {
        Some(node) => {
            let name = match &node.value {
                // What is wrong with its variables is said when the whole tree is interpolated.
                Value::String(text) => {
                    let interpolated = interpolate(text, lookup);
                    if interpolated.findings.iter().any(|(_, finding)| !matches!(finding, Finding::Unset { .. })) {
                        return (String::new(), node.place.clone());
                    }
                    interpolated.text
                }
                // A wrong type is said when the document is decoded.
                _ => return (String::new(), node.place.clone()),
            };
            if !names::is_project(&name) {
                report.add(&node.place, Invalid::Name(NameFault::ProjectName { value: name.clone(), derived: false }));
            }
            (name, node.place.clone())
        }
        None => {
            let name = project_name_of(path);
            if !names::is_project(&name) {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                report.add(&root.place, Invalid::Name(NameFault::ProjectName { value: stem, derived: true }));
            }
            (name, root.place.clone())
        }
    }
}
