//! Compose files in YAML, or Quadlet files → the text of one TOML stack file.
//!
//! In: the paths of the files. Out: TOML that means to Wharf what the files mean to Compose or to Podman, and a list of what it could not say.
//! Invariant: nothing is dropped in silence: what is not in the TOML is in the list. Files are read here, none is written.
//!
//! The way through: `discover` (which files) → `yaml` (text to trees) → `assemble` (trees to one), or `quadlet` for both → `explicit` (what Compose
//! means without saying it) → `judge` (what Wharf refuses) → `paths` (for the stack file's directory) → `write` (tree to TOML).

mod assemble;
mod discover;
mod explicit;
mod judge;
pub(crate) mod paths;
pub(crate) mod problem;
#[cfg(test)]
mod properties;
mod quadlet;
mod remarks;
mod request;
pub(crate) mod write;
pub(crate) mod yaml;

use std::path::{Path, PathBuf};

pub use request::Request;

use crate::diagnostic::{Diagnostics, Place};
use crate::path::absolute;
use crate::stack::load::read_dotenv;
use crate::stack::text::node::Value;
use crate::stack::text::surroundings::Scope;
use assemble::{Assembled, assemble};
use paths::Move;
use problem::{Assembly, Lost, Report};
use remarks::Remarks;
use yaml::Comments;

/// A stack file, and the remarks about it.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The text, with the list of what could not be carried over at its end.
    pub toml: String,
    /// The same list, and warnings.
    pub remarks: Diagnostics,
    /// Whether the stack file has all that the compose files had, and is valid.
    pub complete: bool,
}

/// Reads compose files and writes what they say as a stack file.
///
/// Variables stay as written, for they are filled in when the stack is generated. Source: Compose Specification.
///
/// # Errors
/// What keeps the files from being read as Compose reads them, each with its place.
pub fn import(request: &Request<'_>) -> Result<Imported, Diagnostics> {
    let report = Report::default();
    let mut comments = Comments::default();
    let assembled = files(request, &report).and_then(|files| {
        if files.iter().any(|file| quadlet::is_quadlet(file)) {
            quadlet::assemble(&files, request, &report)
        } else {
            assemble(&files, request, &mut comments, &report)
        }
    });
    match assembled {
        Some(assembled) if report.error_count() == 0 => {
            Ok(finish(request, assembled, comments, report.into_diagnostics()))
        }
        _ => Err(report.into_diagnostics()),
    }
}

/// The tree as TOML, with the remarks about it.
fn finish(
    request: &Request<'_>,
    mut assembled: Assembled<'_>,
    mut comments: Comments,
    warnings: Diagnostics,
) -> Imported {
    let lost = Report::default();
    assembled.foreign_variables(&lost);
    explicit::name(&mut assembled.root, &assembled.surroundings.project);
    if let Value::Table(table) = &mut assembled.root.value {
        explicit::shapes(table, &lost);
    }
    let mut judged = std::mem::take(&mut assembled.lost);
    judged.extend(judge::judge(&mut assembled.root, &assembled.surroundings));
    let mut remarks = Remarks::new(judged);
    let mut body = String::new();
    if let Value::Table(table) = &mut assembled.root.value {
        explicit::restart(table);
        let from = &|place: &Place| assembled.surroundings.at(place).directory.clone();
        let to = match &request.output {
            Some(output) => absolute(&directory_of(output)),
            None => assembled.main.directory.clone(),
        };
        let dotenv = assembled.main.shown_directory.join(".env");
        if to != assembled.main.directory && dotenv.is_file() {
            lost.add_without_place(Lost::DotEnvElsewhere { path: dotenv });
        }
        if let Some(names) = (request.environment)("COMPOSE_ENV_FILES").filter(|names| !names.is_empty()) {
            lost.add_without_place(Lost::EnvFiles { names });
        }
        Move { from, to, report: &lost }.stack(table);
        body = write::write(table, &mut comments);
    }
    remarks.add(lost.into_diagnostics());
    remarks.sort();
    remarks.foot = std::mem::take(&mut comments.foot);
    remarks.homeless = comments.rest();
    Imported { toml: body + &remarks.as_comments(), complete: remarks.is_empty(), remarks: remarks.with(warnings) }
}

/// The directory of a file as a path that names one: `.` if the file's path says none.
fn directory_of(file: &Path) -> PathBuf {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")).to_owned()
}

/// At least one.
fn files(request: &Request<'_>, report: &Report) -> Option<Vec<PathBuf>> {
    let Some(first) = request.files.first() else {
        let here = absolute(Path::new("."));
        let scope = Scope::new(Path::new(""), request.environment);
        let scope = scope.with(read_dotenv(&scope, report));
        let files = discover::named(&|name| scope.lookup(name)).unwrap_or_else(|| discover::files(&here));
        if files.is_empty() {
            report.add_without_place(Assembly::NoComposeFile { directory: here });
        }
        return Some(files).filter(|files| !files.is_empty());
    };
    let directory = first.parent().unwrap_or(Path::new(""));
    if request.files.len() == 1
        && let Some(name) = discover::override_beside(directory)
        && first.file_name().is_some_and(|first| first != name)
    {
        report.add_without_place(Lost::OverrideBeside { path: directory.join(name) });
    }
    Some(request.files.clone())
}
