//! Stack files → plans: all of them, or every error of all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::plan::{Plan, plan};
use crate::spec::LARGEST_FILE;
use crate::stack::{self, Loaded, Lookup, Request, Stack};
use crate::writers::{Writable, writable_by_others};

use super::destination::Destination;

/// Plans that may be written together.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    pub plans: Vec<Plan>,
    /// All files that the plans depend on, as [`Loaded::inputs`].
    pub inputs: BTreeSet<PathBuf>,
    pub warnings: Diagnostics,
}

impl Prepared {
    /// A warning for each file, or directory of one, that somebody other than root can write: who writes what root generates from
    /// has the host. None if root is not the one who does.
    pub fn writable_by_others(&self) -> Diagnostics {
        let mut warnings = Diagnostics::default();
        if !rustix::process::geteuid().is_root() {
            return warnings;
        }
        for Writable { path, writer, file } in writable_by_others(&self.inputs) {
            let means = if path == file { String::new() } else { format!(", and so change {}", file.display()) };
            let message = format!("{writer} can write {}{means}", path.display());
            let help = "whoever can change a stack, or a file that it names, controls this host as root does; \
                        leave it writable only by root unless that is intended";
            warnings.push(Diagnostic::warning(message).help(help));
        }
        warnings
    }
}

/// Every `*.toml` of a directory, sorted; none if there is no such directory. `*.override.toml` are no stacks but parts of them, and
/// `wharfd.toml` is wharfd's.
///
/// # Errors
/// The directory cannot be read.
pub fn stacks_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut stacks = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_stack = stack::override_of(&path).is_some() && !stack::is_of_wharfd(&path);
        if !hidden && is_stack && path.extension().is_some_and(|extension| extension == "toml") {
            stacks.push(path);
        }
    }
    stacks.sort_unstable();
    Ok(stacks)
}

/// One request for each stack. The override file of a stack goes with it, also where it is named beside it (`*.toml`).
pub fn requests<'a>(stacks: &[PathBuf], environment: Lookup<'a>) -> Vec<Request<'a>> {
    let overrides: Vec<PathBuf> = stacks.iter().filter_map(|stack| stack::override_of(stack)).collect();
    let named = stacks.iter().filter(|stack| !overrides.contains(stack));
    named.map(|stack| Request::of_stack(stack, environment)).collect()
}

/// Loads and plans all stacks for one destination.
///
/// # Errors
/// All that is wrong with any of them, also between them: two with one project name, or that need one unit name.
pub fn prepare(requests: &[Request<'_>], destination: &Destination) -> Result<Prepared, Diagnostics> {
    let mut prepared = Prepared::default();
    let mut problems = Diagnostics::default();
    let mut taken = Taken::default();
    let mut profiles = BTreeSet::new();
    for request in requests {
        match load(request, destination, &mut prepared.warnings) {
            Ok((loaded, plan)) => {
                profiles.extend(loaded.profiles);
                prepared.inputs.extend(loaded.inputs);
                // One alone takes nothing from another.
                if requests.len() > 1 {
                    problems.append(taken.claim(&loaded.stack.place, &plan));
                }
                prepared.plans.push(plan);
                // The program's end frees it at once; here, each of its thousands of parts would be freed by itself.
                std::mem::forget(loaded.stack);
            }
            Err(errors) => problems.append(errors),
        }
    }
    if problems.has_errors() {
        prepared.warnings.append(problems);
        return Err(prepared.warnings);
    }
    prepared.warnings.append(unknown_profiles(requests, &profiles));
    Ok(prepared)
}

fn load(
    request: &Request<'_>,
    destination: &Destination,
    warnings: &mut Diagnostics,
) -> Result<(Loaded, Plan), Diagnostics> {
    let mut loaded = stack::load(request)?;
    warnings.append(std::mem::take(&mut loaded.warnings));
    if let Some(root) = &destination.root {
        see_from_inside(&mut loaded.stack, root);
    }
    let plan = plan(&loaded.stack, &destination.location())?;
    match plan.files.iter().find(|file| file.contents.len() as u64 > LARGEST_FILE) {
        None => Ok((loaded, plan)),
        Some(file) => {
            let message = format!("{} would be larger than {} MiB", file.name, LARGEST_FILE >> 20);
            let help = "shorten what the service has in `environment`, `labels`, `configs` or a file that it names";
            Err(Diagnostic::error(message).at(&loaded.stack.place).help(help).into())
        }
    }
}

/// Profiles that the user asked for and that no service of any stack has.
fn unknown_profiles(requests: &[Request<'_>], known: &BTreeSet<String>) -> Diagnostics {
    let wanted: BTreeSet<&String> = requests.iter().flat_map(|request| &request.profiles).collect();
    let mut warnings = Diagnostics::default();
    for profile in wanted.into_iter().filter(|profile| *profile != "*" && !known.contains(*profile)) {
        let others: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match others.as_slice() {
            [] => "no service has any: `profiles = [\"…\"]` gives it one".to_owned(),
            others => format!("these are there: {}", others.join(", ")),
        };
        warnings.push(Diagnostic::warning(format!("no service has the profile `{profile}`")).help(help));
    }
    warnings
}

/// A stack file below `--root` names its own place, its bind mounts, its secrets and what it builds, as they will be once that
/// root is `/`.
fn see_from_inside(stack: &mut Stack, root: &Path) {
    if !stack.source.starts_with(root) {
        return;
    }
    for path in stack.host_paths_mut() {
        if let Ok(rest) = path.strip_prefix(root) {
            *path = Path::new("/").join(rest);
        }
    }
}

/// Names that earlier stacks of the run use, and where those stand.
#[derive(Default)]
struct Taken {
    projects: BTreeMap<String, Place>,
    files: BTreeMap<String, Place>,
}

impl Taken {
    fn claim(&mut self, place: &Place, plan: &Plan) -> Diagnostics {
        if let Some(first) = self.projects.insert(plan.project.clone(), place.clone()) {
            let message = format!("the project `{}` is declared by two stack files", plan.project);
            let help = format!("the other one is {first}; give one of them another `name`");
            return Diagnostic::error(message).at(place).help(help).into();
        }
        let mut problems = Diagnostics::default();
        for file in &plan.files {
            if let Some(first) = self.files.insert(file.name.clone(), place.clone()) {
                let message = format!("two stacks need a file named `{}`", file.name);
                let help = format!("the other one is {first}; rename the service or the project");
                problems.push(Diagnostic::error(message).at(place).help(help));
            }
        }
        problems
    }
}
