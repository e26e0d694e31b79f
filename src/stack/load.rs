//! Reading a stack from disk.
//!
//! In: the paths of one project's files and the environment. Out: a checked [`Stack`] with the warnings, or all that is wrong.
//! Besides this file, `composition`, `environment` and `labels` read files; `check` asks whether bind sources exist.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Place, SourceFile};
use crate::name::ProjectName;
use crate::path::absolute;
use crate::stack::check;
use crate::stack::composition::{self, Composer, Parsed, Toml};
use crate::stack::decode::document::{self, Document};
use crate::stack::decode::profiles;
use crate::stack::grammar::interpolate::{Finding, Lookup};
use crate::stack::lock::{self, LockSource};
use crate::stack::model::{Selected, Stack};
use crate::stack::problem::{FileProblem, Invalid, NameFault, Report};
use crate::stack::text::env_file;
use crate::stack::text::files::read_stack;
use crate::stack::text::from_toml;
use crate::stack::text::node::{Node, Value};
use crate::stack::text::surroundings::{Scope, Surroundings};

/// A valid stack, and what its author should still know.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub stack: Stack,
    /// Those that its services name, also the services that are not selected.
    pub profiles: BTreeSet<String>,
    /// All files that were read, that were looked for and are not there, and that will be read when a unit starts: those of secrets and
    /// configs. Whoever can write one of them decides what root runs or reads.
    pub inputs: BTreeSet<PathBuf>,
    /// Warnings only.
    pub warnings: Diagnostics,
}

/// What to load: the files of one project, and what they may depend on.
#[derive(Clone)]
pub struct Request<'a> {
    /// In the order of their merging. The first names the project, and relative paths of all start at its directory.
    pub files: Vec<PathBuf>,
    /// Where the text of the first is read instead: a file that is to replace it.
    pub replacement: Option<PathBuf>,
    /// Those that would be among them if they were there.
    pub absent: Vec<PathBuf>,
    /// Where the digests of images are from.
    pub lock: LockSource,
    /// The profiles to select; `*` is every one. None: those of `COMPOSE_PROFILES`, else those that the stack file names.
    pub profiles: Vec<String>,
    /// Looks up a variable of the process; it wins over the `.env` file beside the first file.
    pub environment: Lookup<'a>,
}

impl<'a> Request<'a> {
    /// One stack file, with the override file beside it if there is one.
    pub fn of_stack(path: &Path, environment: Lookup<'a>) -> Self {
        let (over, absent) = override_of(path).into_iter().partition(|over| over.exists());
        Self {
            files: [vec![path.to_owned()], over].concat(),
            replacement: None,
            absent,
            lock: LockSource::File,
            profiles: Vec::new(),
            environment,
        }
    }
}

impl Request<'_> {
    /// What of it does not follow from the first file.
    fn selected(&self) -> Selected {
        let over = self.files.first().and_then(|first| override_of(first));
        let follows = self.files.len() == 2 && self.files.get(1) == over.as_ref();
        let files = match follows || !self.absent.is_empty() {
            true => Vec::new(),
            false => self.files.iter().map(|file| absolute(file)).collect(),
        };
        Selected { files, profiles: self.profiles.clone() }
    }
}

/// Where the override file of a stack file lies: `shop.override.toml` beside `shop.toml`. `None`: the file is one itself.
pub fn override_of(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy();
    (!stem.ends_with(".override")).then(|| path.with_file_name(format!("{stem}.override.toml")))
}

/// Reads, interpolates, merges, decodes and checks the stack files of one project.
///
/// The project's name is offered to interpolation as `COMPOSE_PROJECT_NAME`.
///
/// # Errors
/// Everything that is wrong with the files and those that they name, each with its place, and the warnings among them.
pub fn load(request: &Request<'_>) -> Result<Loaded, Diagnostics> {
    compose(request).map(|composed| composed.loaded)
}

/// A valid stack, and the one tree that it was decoded from.
pub struct Composed<'a> {
    pub loaded: Loaded,
    /// Merged, and its variables replaced; services of all profiles.
    pub root: Node,
    pub surroundings: Surroundings<'a>,
}

/// As [`load`], with the tree.
///
/// # Errors
/// As [`load`].
pub fn compose<'a>(request: &Request<'a>) -> Result<Composed<'a>, Diagnostics> {
    let report = Report::default();
    let read = read(request, &report);
    let failed = report.error_count() > 0;
    let diagnostics = report.into_diagnostics();
    match read {
        Some(mut composed) if !failed => {
            composed.loaded.warnings = diagnostics;
            Ok(composed)
        }
        _ => Err(diagnostics),
    }
}

/// The project's name that a stack file of this path gets if it does not set `name`: its stem in lower case without the
/// characters that no project name has. Empty if nothing is left. Source: Compose Specification, name.
pub fn project_name_of(path: &Path) -> String {
    ProjectName::normalise(&path.file_stem().unwrap_or_default().to_string_lossy())
}

fn read<'a>(request: &Request<'a>, report: &Report) -> Option<Composed<'a>> {
    let first = request.files.first()?;
    let main = Scope::new(first.parent().unwrap_or(Path::new("")), request.environment);
    let main = main.with(read_dotenv(&main, report));
    let files = parse_all(request, report)?;
    let (project, name_place) = project_name(&files, &main, report);
    let scope = Arc::new(main.with([("COMPOSE_PROJECT_NAME".to_owned(), project.clone())]));
    let mut language = Toml;
    let mut composer = Composer::new(&scope, &mut language, report);
    let root = composer.compose(files, &scope, &[])?;
    let Composer { scopes, incomplete, repeats, sources, .. } = composer;
    let surroundings = Surroundings { project, scopes };
    let active = profiles::active(&root, &request.profiles, &scope);
    let document = Document { root: &root, source: absolute(first), place: name_place };
    let mut decoded = document::read(document, &active, &surroundings, report);
    if !incomplete {
        check::check(&decoded, report);
        lock::apply(&mut decoded.stack, &request.lock, report);
    }
    if repeats {
        report.forget_repetitions();
    }
    let merged = request.files.iter().skip(1).map(|path| absolute(path));
    decoded.stack.further_sources = merged.chain(sources).collect();
    decoded.stack.selected = request.selected();
    let named = scope.inputs.paths();
    let inputs = request.files.iter().chain(&request.absent).chain(&decoded.stack.further_sources).chain(&named);
    let lock = lock::lock_of(first);
    let inputs = inputs.chain(decoded.stack.credential_files()).chain([&lock]).map(|path| absolute(path)).collect();
    let warnings = Diagnostics::default();
    let loaded = Loaded { stack: decoded.stack, profiles: decoded.profiles, inputs, warnings };
    Some(Composed { loaded, root, surroundings })
}

/// All files, or `None` if one of them cannot be read.
fn parse_all(request: &Request<'_>, report: &Report) -> Option<Vec<Parsed>> {
    let parse = |(at, path): (usize, &PathBuf)| match &request.replacement {
        Some(replacement) if at == 0 => parse_replacement(replacement, path, report),
        _ => composition::read(path, None, &mut Toml, report),
    };
    let parsed: Vec<Option<Parsed>> = request.files.iter().enumerate().map(parse).collect();
    parsed.into_iter().collect()
}

/// The text of a file as if it were at `path`.
fn parse_replacement(replacement: &Path, path: &Path, report: &Report) -> Option<Parsed> {
    match read_stack(replacement) {
        Ok(file) => {
            let root = from_toml::parse(&SourceFile::new(path, file.text.as_str()), report)?;
            Some(Parsed { root, shown: path.to_owned() })
        }
        Err(error) => {
            let problem = FileProblem::StackUnreadable { path: replacement.to_owned(), reason: error.to_string() };
            report.add_without_place(problem);
            None
        }
    }
}

/// `.env` beside the stack file, if there is one. Source: Compose Specification, Interpolation.
pub fn read_dotenv(scope: &Scope<'_>, report: &Report) -> env_file::Variables {
    let path = scope.shown(".env");
    match scope.inputs.read(&path) {
        Ok(file) => env_file::parse(&file, &|name| scope.lookup(name), &scope.inputs, report),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                report.add_without_place(FileProblem::Unreadable { path, reason: error.to_string() });
            }
            Vec::new()
        }
    }
}

/// `name` of the last file that has one, else what the first file's stem gives; and where it stands. Comes before interpolation,
/// which offers it as a variable.
fn project_name(files: &[Parsed], scope: &Scope<'_>, report: &Report) -> (String, Place) {
    let entry = files.iter().rev().find_map(|file| match &file.root.value {
        Value::Table(table) => table.get("name"),
        _ => None,
    });
    let first = &files[0];
    match entry.map(|entry| &entry.node) {
        Some(node) => {
            let name = match &node.value {
                // Errors in its variables are reported when the whole tree is interpolated.
                Value::String(text) => {
                    let interpolated = scope.interpolate(text);
                    if interpolated.findings.iter().any(|(_, finding)| !matches!(finding, Finding::Unset { .. })) {
                        return (String::new(), node.place.clone());
                    }
                    interpolated.text
                }
                // A wrong type is reported when the document is decoded.
                _ => return (String::new(), node.place.clone()),
            };
            if ProjectName::parse(&name).is_err() {
                report.add(&node.place, Invalid::Name(NameFault::ProjectName { value: name.clone() }));
            }
            (name, node.place.clone())
        }
        None => {
            let name = project_name_of(&first.shown);
            let stem = first.shown.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if name != stem || ProjectName::parse(&name).is_err() {
                report.add(&first.root.place, Invalid::Name(NameFault::FileName { stem, like: name.clone() }));
            }
            (name, first.root.place.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Request, load};
    use crate::stack::fields::asked;
    use crate::stack::keys::walk;

    /// Loads the stack of every case, valid or not.
    fn load_all(directory: &str) {
        for case in fs::read_dir(directory).unwrap().flat_map(|case| fs::read_dir(case.unwrap().path()).unwrap()) {
            let path = case.unwrap().path();
            if path.extension().is_some_and(|end| end == "toml") {
                let environment = |name: &str| (name == "HOME").then(|| "/home/ada".to_owned());
                let _valid_or_not = load(&Request::of_stack(&path, &environment));
            }
        }
    }

    /// That no decoder asks for a key that is not honoured, `Fields` asserts itself.
    #[test]
    fn every_honoured_key_is_read_by_a_decoder() {
        load_all("tests/cases");
        load_all("tests/invalid");
        let mut unread = Vec::new();
        walk(&mut |path, table, key| {
            if key.is_honoured() && !asked::has_been(table, key.name) {
                unread.push(path.to_owned());
            }
        });
        assert!(unread.is_empty(), "no decoder reads {unread:#?}");
    }
}
