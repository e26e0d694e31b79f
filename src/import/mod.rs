//! Compose files in YAML → the text of one TOML stack file.
//!
//! In: the paths of the files. Out: TOML that means to Wharf what the files mean to Compose, and a list of what it could not say.
//! Invariant: nothing is dropped in silence: what is not in the TOML is in the list. Files are read here, none is written.
//!
//! The way through: `discover` (which files) → `yaml` (text to trees) → `assemble` (trees to one) → `explicit` (what Compose means
//! without saying it) →
//! `judge` (what Wharf refuses) → `paths` (for the stack file's directory) → `write` (tree to TOML).

mod assemble;
mod discover;
mod explicit;
mod judge;
mod paths;
mod problem;
mod remarks;
mod write;
mod yaml;

use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostics;
use crate::stack;
use crate::stack::examine::project_name_of_directory;
use crate::stack::node::{Node, Table, Value};
use paths::Move;
use problem::{Assembly, Found, Lost};
use remarks::Remarks;
use yaml::Comments;

/// What to import, and for where.
pub struct Request<'a> {
    /// The compose files, the later ones over the earlier ones; none: those that Compose would find.
    pub files: Vec<PathBuf>,
    /// The project's name, whatever the files say.
    pub project_name: Option<String>,
    /// The file that the TOML is for; `None`: it will lie beside the first compose file.
    pub output: Option<PathBuf>,
    /// Looks up a variable of the process.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

/// A stack file, and what is to be said of it.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The text, with the list of what could not be carried over at its end.
    pub toml: String,
    /// The same list, and warnings.
    pub remarks: Diagnostics,
    /// Whether the stack file says all that the compose files said, and Wharf takes it.
    pub complete: bool,
}

/// Reads compose files and writes what they say as a stack file.
///
/// Variables stay as written, for they are filled in when the stack is generated. Source: Compose Specification.
///
/// # Errors
/// What keeps the files from being read as Compose reads them, each with its place.
pub fn import(request: &Request<'_>) -> Result<Imported, Diagnostics> {
    let mut found = Found::default();
    let mut comments = Comments::default();
    let tree = read(request, &mut comments, &mut found);
    let failed = found.error_count() > 0;
    match tree {
        Some((root, base)) if !failed => Ok(finish(request, root, &base, comments, found.into_diagnostics())),
        _ => Err(found.into_diagnostics()),
    }
}

/// The files as one tree, and the directory from which Compose resolves their paths.
fn read(request: &Request<'_>, comments: &mut Comments, found: &mut Found) -> Option<(Node, PathBuf)> {
    let files = files(request, found)?;
    let base = directory_of(&files[0]);
    let root = assemble::assemble(&files, comments, found)?;
    Some((root, base))
}

/// The tree as TOML, and what is to be said of it.
fn finish(
    request: &Request<'_>,
    mut root: Node,
    base: &Path,
    mut comments: Comments,
    warnings: Diagnostics,
) -> Imported {
    let name = project_name(request, &root, base);
    explicit::name(&mut root, &name);
    let mut lost = Found::default();
    if let Value::Table(table) = &mut root.value {
        explicit::shapes(table, &mut lost);
    }
    let mut remarks = Remarks::new(judge::judge(&mut root, base, &name, request.environment));
    let mut body = String::new();
    if let Value::Table(table) = &mut root.value {
        explicit::restart(table);
        move_paths(request, table, base, &mut lost);
        body = write::write(table, &mut comments);
    }
    remarks.add(lost.into_diagnostics());
    remarks.foot = std::mem::take(&mut comments.foot);
    remarks.homeless = comments.rest();
    Imported { toml: body + &remarks.as_comments(), complete: remarks.is_empty(), remarks: remarks.with(warnings) }
}

/// Makes relative paths right for the stack file, if it is to lie in another directory than the compose file.
fn move_paths(request: &Request<'_>, root: &mut Table, base: &Path, lost: &mut Found) {
    let from = stack::absolute(base);
    let to = request.output.as_deref().map_or_else(|| from.clone(), |output| stack::absolute(&directory_of(output)));
    let dotenv = base.join(".env");
    if to != from && dotenv.is_file() {
        lost.add_without_place(Lost::DotEnvElsewhere { path: dotenv });
    }
    Move { from: &|_| from.clone(), to, found: lost }.stack(root);
}

/// The directory of a file as a path that names one: `.` if the file's path says none.
fn directory_of(file: &Path) -> PathBuf {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")).to_owned()
}

/// At least one.
fn files(request: &Request<'_>, found: &mut Found) -> Option<Vec<PathBuf>> {
    let Some(first) = request.files.first() else {
        let here = stack::absolute(Path::new("."));
        let files = discover::files(&here);
        if files.is_empty() {
            found.add_without_place(Assembly::NoComposeFile { directory: here });
        }
        return Some(files).filter(|files| !files.is_empty());
    };
    let directory = directory_of(first);
    if request.files.len() == 1
        && let Some(name) = discover::override_beside(&directory)
        && first.file_name().is_some_and(|first| first != name)
    {
        found.add_without_place(Lost::OverrideBeside { path: directory.join(name) });
    }
    Some(request.files.clone())
}

/// As Compose finds it: what was asked for, `COMPOSE_PROJECT_NAME`, `name`, the directory's name.
fn project_name(request: &Request<'_>, root: &Node, base: &Path) -> String {
    let written = match &root.value {
        Value::Table(table) => table.get("name").and_then(|entry| entry.node.scalar()),
        _ => None,
    };
    let asked = request.project_name.clone().or_else(|| (request.environment)("COMPOSE_PROJECT_NAME"));
    let of_directory = || project_name_of_directory(&stack::absolute(base));
    asked.filter(|name| !name.is_empty()).or(written).or_else(of_directory).unwrap_or_else(|| "stack".to_owned())
}
