//! The stacks that a command line names.

use std::path::{Path, PathBuf};

use wharf::install::{requests, stacks_in};
use wharf::printable::printable;
use wharf::stack::Request;

use crate::cli;
use crate::exit::Failure;

/// What to load; every stack of the default directory if none is named.
pub fn named(stacks: &cli::Stacks, default: &Path) -> Result<Vec<Request<'static>>, Failure> {
    let mut named = if !stacks.files.is_empty() {
        vec![of_files(&stacks.files)]
    } else if stacks.stacks.is_empty() {
        requests(&stacks_in(default)?, &environment)
    } else {
        requests(&stacks.stacks, &environment)
    };
    for request in &mut named {
        request.profiles.clone_from(&stacks.profiles);
    }
    Ok(named)
}

/// Says that there is no stack in the default directory, and names the first one of the working directory.
pub fn none_in(directory: &Path) -> String {
    let none = format!("there is no stack file in {}", directory.display());
    match stacks_in(Path::new(".")).unwrap_or_default().first().and_then(|path| path.file_name()) {
        Some(file) => format!("{none}; name the one of this directory: {}", printable(&file.to_string_lossy())),
        None => none,
    }
}

/// What to load for a file that is to replace the stack file at `path`.
pub fn replacement(file: &Path, path: &Path, profiles: &[String]) -> Request<'static> {
    let profiles = profiles.to_vec();
    Request { replacement: Some(file.to_owned()), profiles, ..Request::of_stack(path, &environment) }
}

/// What to load for `wharf config`.
pub fn one(arguments: &cli::Config) -> Request<'static> {
    let mut request = match &arguments.stack {
        Some(stack) => Request::of_stack(stack, &environment),
        None => of_files(&arguments.files),
    };
    request.profiles.clone_from(&arguments.profiles);
    request
}

fn of_files(files: &[PathBuf]) -> Request<'static> {
    Request {
        files: files.to_vec(),
        replacement: None,
        absent: Vec::new(),
        profiles: Vec::new(),
        environment: &environment,
    }
}

pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
