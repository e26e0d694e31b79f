//! The stacks that a command line names.

use std::path::{Path, PathBuf};

use wharf::install::{self, requests, stacks_in};
use wharf::name::UnitName;
use wharf::printable::printable;
use wharf::regular_file::read_text;
use wharf::stack::Request;
use wharf::stack::lock::LockSource;

use crate::cli;
use crate::exit::Failure;

/// What to load; every stack of the default directory if none is named.
pub fn named(stacks: &cli::Stacks, default: &Path) -> Result<Vec<Request<'static>>, Failure> {
    let named = if !stacks.files.is_empty() {
        vec![of_files(&stacks.files)]
    } else if stacks.stacks.is_empty() {
        requests(&stacks_in(default)?, &environment)
    } else {
        install::named(&stacks.stacks, &environment)?
    };
    Ok(named.into_iter().map(|request| with_profiles(request, &stacks.profiles)).collect())
}

/// As [`named`], and the units of the services that are named. No unit: all of the stacks.
pub fn named_with_units(
    stacks: &cli::Stacks,
    default: &Path,
) -> Result<(Vec<Request<'static>>, Vec<UnitName>), Failure> {
    if stacks.stacks.is_empty() {
        return Ok((named(stacks, default)?, Vec::new()));
    }
    let (requests, units) = install::named_with_units(&stacks.stacks, &environment)?;
    Ok((requests.into_iter().map(|request| with_profiles(request, &stacks.profiles)).collect(), units))
}

/// Profiles of the command line take the place of those with which an installed project was generated.
fn with_profiles(request: Request<'static>, profiles: &[String]) -> Request<'static> {
    if profiles.is_empty() { request } else { Request { profiles: profiles.to_vec(), ..request } }
}

/// The stack files of the working directory: TOML files with services, as programs of many kinds have TOML files.
pub fn here() -> Vec<PathBuf> {
    let has_services = |path: &PathBuf| read_text(path, LARGEST).is_ok_and(|text| text.contains("[services"));
    stacks_in(Path::new(".")).unwrap_or_default().into_iter().filter(has_services).collect()
}

/// Bytes of a file that is looked at.
const LARGEST: u64 = 1 << 20;

/// Says that there is no stack in the default directory.
///
/// # Errors
/// The working directory has one, which must be meant.
pub fn none_in(directory: &Path) -> Result<String, Failure> {
    let none = format!("there is no stack file in {}", directory.display());
    let here = here();
    let names = here.iter().filter_map(|path| path.file_name()).map(|name| printable(&name.to_string_lossy()));
    let names: Vec<String> = names.collect();
    let which = match names.as_slice() {
        [] => return Ok(none),
        [one] => format!("the one of this directory: {one}"),
        several => format!("one of this directory: {}", several.join(", ")),
    };
    Err(Failure::Failed(format!("{none}, so nothing was done; name {which}")))
}

/// What to load for a file that is to replace the stack file at `path`.
pub fn replacement(file: &Path, path: &Path, profiles: &[String]) -> Request<'static> {
    let profiles = profiles.to_vec();
    Request { replacement: Some(file.to_owned()), profiles, ..Request::of_stack(path, &environment) }
}

/// What to load for `wharf config`.
pub fn one(arguments: &cli::Config) -> Result<Request<'static>, Failure> {
    let named = match &arguments.stack {
        // Alone, also an override file is a stack.
        Some(stack) if stack.is_file() => Request::of_stack(stack, &environment),
        Some(stack) => install::named(std::slice::from_ref(stack), &environment)?.remove(0),
        None => of_files(&arguments.files),
    };
    Ok(with_profiles(named, &arguments.profiles))
}

fn of_files(files: &[PathBuf]) -> Request<'static> {
    Request {
        files: files.to_vec(),
        replacement: None,
        absent: Vec::new(),
        lock: LockSource::File,
        profiles: Vec::new(),
        environment: &environment,
    }
}

pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
