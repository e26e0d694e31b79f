//! Which stacks a command line names: by their files, or by the names of installed projects, whose units say which files they are from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::mark::InstalledUnit;
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::report::InstalledProject;
use crate::report::installed::{LookupError, projects_in};
use crate::report::selection::{Selection, SelectionError, is_path, select};
use crate::stack::{Lookup, Request};

use super::destination::Destination;
use super::prepare::requests;

/// Why a word names no stack.
#[derive(Debug, Error)]
pub enum NameError {
    #[error("`{word}` is neither a file nor an installed project{}", hints(.word, .known))]
    Unknown { word: String, known: Vec<ProjectName> },
    #[error("the units of `{0}` do not say which stack file they are from: name the file")]
    NoSource(ProjectName),
    #[error(
        "the stack file of `{project}`, {}, is gone: put it back, name the file that has taken its place (with --adopt), or \
         `wharf remove {project}`",
        .source_file.display()
    )]
    Gone { project: ProjectName, source_file: PathBuf },
    #[error("the units of `{project}` are from several stack files: {}; name one of them", list(.sources))]
    SeveralSources { project: ProjectName, sources: Vec<PathBuf> },
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Selection(#[from] SelectionError),
}

/// What to load for some words. An existing file is a stack file, whatever its name; another word that could not be a
/// file's is the name of a project, which is loaded as it was generated: from the same files, and with the same profiles.
///
/// # Errors
/// A word is neither, or the units of its project do not say which file they are from.
pub fn named<'a>(words: &[PathBuf], environment: Lookup<'a>) -> Result<Vec<Request<'a>>, NameError> {
    let (names, files): (Vec<PathBuf>, Vec<PathBuf>) = words.iter().cloned().partition(|word| is_name(word));
    let mut found = requests(&files, environment);
    if names.is_empty() {
        return Ok(found);
    }
    let installed = projects_in(&Destination::system().documented_load_path())?;
    for word in names {
        let word = word.to_string_lossy();
        let project = installed.iter().find(|project| *project.name == *word);
        let unknown = || NameError::Unknown {
            word: word.to_string(),
            known: installed.iter().map(|project| project.name.clone()).collect(),
        };
        found.push(of_project(project.ok_or_else(unknown)?, environment)?);
    }
    Ok(found)
}

/// As [`named`], and units of the projects, where services are named: `shop web`, or `web` if only one project has it.
///
/// # Errors
/// As [`named`]; or several projects have the service.
pub fn named_with_units<'a>(
    words: &[PathBuf],
    environment: Lookup<'a>,
) -> Result<(Vec<Request<'a>>, Vec<UnitName>), NameError> {
    // A service may have its project's name: `shop shop`.
    let is_once = words.iter().collect::<BTreeSet<_>>().len() == words.len();
    let unknown = match named(words, environment) {
        Ok(requests) if is_once => return Ok((requests, Vec::new())),
        Ok(_) => None,
        Err(unknown @ NameError::Unknown { .. }) => Some(unknown),
        Err(other) => return Err(other),
    };
    let installed = projects_in(&Destination::system().documented_load_path())?;
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let selected = match select(&words, &installed) {
        Ok(selected) => selected,
        Err(error @ SelectionError::Ambiguous { .. }) => return Err(error.into()),
        Err(error) => return Err(unknown.unwrap_or(error.into())),
    };
    let of = |Selection { project, units }: &Selection| {
        let all = || project.units.iter().map(|unit| unit.name.clone()).collect();
        if units.is_empty() { all() } else { units.clone() }
    };
    let requests: Result<_, _> = selected.iter().map(|it| of_project(it.project, environment)).collect();
    Ok((requests?, selected.iter().flat_map(of).collect()))
}

/// A directory is no stack file, and often has the name of a project.
fn is_name(word: &Path) -> bool {
    !is_path(&word.to_string_lossy()) && (!word.exists() || word.is_dir())
}

/// What to load for an installed project: its files and profiles, as it was generated.
///
/// # Errors
/// Its units do not say which file they are from, or that is gone.
pub(super) fn of_project<'a>(project: &InstalledProject, environment: Lookup<'a>) -> Result<Request<'a>, NameError> {
    let target: Option<&InstalledUnit> = project.units.iter().find(|unit| unit.name.is(UnitKind::Target));
    let of_target = target.and_then(|target| target.mark.source.clone());
    let source = match (of_target, project.sources.as_slice()) {
        (Some(source), _) => source,
        (None, [source]) => source.clone(),
        (None, []) => return Err(NameError::NoSource(project.name.clone())),
        (None, sources) => {
            return Err(NameError::SeveralSources { project: project.name.clone(), sources: sources.to_vec() });
        }
    };
    if source.try_exists().is_ok_and(|exists| !exists) {
        return Err(NameError::Gone { project: project.name.clone(), source_file: source });
    }
    let mut request = Request::of_stack(&source, environment);
    if let Some(target) = target {
        if !target.mark.files.is_empty() {
            request = Request { files: target.mark.files.clone(), absent: Vec::new(), ..request };
        }
        request.profiles.clone_from(&target.mark.profiles);
    }
    Ok(request)
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn hints(word: &str, known: &[ProjectName]) -> String {
    let file = format!("{word}.toml");
    let file = if Path::new(&file).is_file() { format!("; the file here is {file}") } else { String::new() };
    let known = if known.is_empty() { String::new() } else { format!("; installed projects: {}", known.join(", ")) };
    file + &known
}
