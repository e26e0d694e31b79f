//! The unit generator of systemd.generator(7): stacks in /etc/wharf → units in a directory of systemd's own.
//!
//! Invariant: no D-Bus, no engine, no network, no environment; a broken stack stops neither the others nor the boot. What every user
//! can write is not read as root's will.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::path::absolute;
use crate::plan::Plan;
use crate::report::installed::projects_in;
use crate::stack::Request;
use crate::writers::{Writable, Writer, writable_by_others};

use super::changes::Enablement;
use super::destination::{Destination, SYSTEM_LOAD_PATH};
use super::directory::{Access, Changes, DirectoryError, Durability, LoadPath, UnitDirectory};
use super::error::InstallError;
use super::precheck::{conflicts, other_source, taken_over};
use super::prepare::{prepare, stacks_in};

/// One run of the generator.
#[derive(Debug, Clone)]
pub struct Generator {
    /// Where the stacks lie.
    pub stacks: PathBuf,
    /// The first argument of a generator: its output of normal priority.
    pub normal_dir: PathBuf,
    /// systemd's other unit directories, highest priority first.
    pub load_path: Vec<PathBuf>,
}

/// A stack of which no unit was written, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenStack {
    pub stack: PathBuf,
    pub message: String,
    /// Errors beside the one in the message.
    pub further: usize,
}

impl fmt::Display for BrokenStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stack = self.stack.display();
        if !self.message.starts_with(&stack.to_string()) {
            write!(f, "{stack}: ")?;
        }
        f.write_str(&self.message)?;
        match self.further {
            0 => Ok(()),
            1 => write!(f, " (and 1 more error; `wharf check {stack}` shows it)"),
            further => write!(f, " (and {further} more errors; `wharf check {stack}` shows them)"),
        }
    }
}

impl Generator {
    /// The generator of this host, writing to its first argument.
    pub fn new(stacks: PathBuf, normal_dir: PathBuf) -> Self {
        // What generators wrote before this run is about to be replaced.
        let kept = SYSTEM_LOAD_PATH.iter().filter(|path| !path.starts_with("/run/systemd/generator"));
        Self { stacks, normal_dir, load_path: kept.map(PathBuf::from).collect() }
    }

    /// Translates every stack that `wharf generate` has not installed already.
    ///
    /// # Errors
    /// The stacks' directory, a unit directory or the output cannot be read or written at all.
    pub fn run(&self) -> Result<Vec<BrokenStack>, InstallError> {
        let stacks = stacks_in(&self.stacks).map_err(|error| DirectoryError::new("read", &self.stacks, error))?;
        if stacks.is_empty() {
            return Ok(Vec::new());
        }
        let load_path = LoadPath::read(self.load_path.clone(), None)?;
        // Not locked: systemd gives each run directories of its own.
        let directory = UnitDirectory::open(&self.normal_dir, Access::Write, Durability::Volatile)?;
        let one = |stack: &PathBuf| self.generate(stack, &load_path, &directory).err();
        Ok(stacks.iter().filter_map(one).collect())
    }

    fn generate(&self, stack: &Path, load_path: &LoadPath, directory: &UnitDirectory) -> Result<(), BrokenStack> {
        let destination = Destination::generator(&self.normal_dir);
        let request = Request::of_stack(stack, &|_| None);
        let prepared = match prepare(&[request], &destination) {
            Ok(prepared) => prepared,
            // It may need the environment of whoever ran `wharf generate`, which has done the work.
            Err(_) if self.is_installed(stack) => return Ok(()),
            Err(errors) => return Err(invalid(stack, &errors)),
        };
        // Root has handed a directory to a user or a group, but nothing to everybody.
        let found = writable_by_others(&prepared.inputs);
        if let Some(writable) = found.iter().find(|writable| writable.writer == Writer::Everybody) {
            // By now it may be another project than the one that was installed from it.
            return if self.is_installed(stack) { Ok(()) } else { Err(refused(stack, writable)) };
        }
        for plan in &prepared.plans {
            write(plan, load_path, directory).map_err(|error| failed(stack, &error))?;
        }
        Ok(())
    }

    fn is_installed(&self, stack: &Path) -> bool {
        let projects = projects_in(&self.load_path).unwrap_or_default();
        projects.iter().any(|project| project.comes_from(&absolute(stack)))
    }
}

fn write(plan: &Plan, load_path: &LoadPath, directory: &UnitDirectory) -> Result<(), InstallError> {
    let snapshot = directory.read()?;
    let other = other_source(plan, &snapshot, load_path);
    if let Some(conflict) = other.and_then(|other| taken_over(plan, other, &snapshot, load_path)) {
        return Err(InstallError::Conflicts(vec![conflict]));
    }
    if load_path.installed_in(&plan.project, plan.files.iter().map(|file| file.name.as_str())).is_some() {
        return Ok(());
    }
    let in_the_way = conflicts(plan, &snapshot, load_path);
    if !in_the_way.is_empty() {
        return Err(InstallError::Conflicts(in_the_way));
    }
    let enablement = if plan.autostart { Enablement::Enable } else { Enablement::Keep };
    let changes = Changes::compute(plan, &snapshot, enablement, directory.path());
    Ok(directory.apply(&[&changes])?.finish()?)
}

/// What is wrong with a stack, as one line.
pub(super) fn invalid(stack: &Path, diagnostics: &Diagnostics) -> BrokenStack {
    let mut errors: Vec<&Diagnostic> = diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    errors.sort_by_key(|error| error.place.as_ref().map(|place| place.span.start));
    let message = errors.first().map_or_else(String::new, |first| one_line(first));
    BrokenStack { stack: stack.to_owned(), message, further: errors.len().saturating_sub(1) }
}

fn refused(stack: &Path, Writable { path, writer, file }: &Writable) -> BrokenStack {
    let (what, means) = (path.display(), file.display());
    let message = if path == file {
        format!("{writer} can write {what}: `chmod o-w` it to have its units")
    } else {
        format!(
            "{writer} can write {what}, and so change {means}: keep that where only root can write, to have its units"
        )
    };
    BrokenStack { stack: stack.to_owned(), message, further: 0 }
}

fn failed(stack: &Path, error: &InstallError) -> BrokenStack {
    let text = error.to_string();
    let mut lines = text.lines();
    let message = lines.next().unwrap_or_default().to_owned();
    BrokenStack { stack: stack.to_owned(), message, further: lines.count() }
}

/// `file:line:column: what is wrong`
fn one_line(diagnostic: &Diagnostic) -> String {
    let message = diagnostic.message.lines().next().unwrap_or_default();
    match &diagnostic.place {
        Some(place) => format!("{place}: {message}"),
        None => message.to_owned(),
    }
}
