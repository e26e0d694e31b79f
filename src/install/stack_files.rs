//! What the stack files of this host say now: which are invalid, and which say something else than the installed units.
//!
//! In: the files of a directory, and those that installed units name. Out: facts for `wharf status` and `wharf diff`. Invariant: this
//! only reads, and plans a stack again only when a file that it is made from has changed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::diagnostic::Diagnostics;
use crate::mark::is_edited;
use crate::name::{UnitKind, without_hashes};
use crate::path::absolute;
use crate::plan::Plan;
use crate::report::InstalledProject;
use crate::report::installed::projects_in;
use crate::report::status::{BrokenStack, ChangedSource, StackFindings};
use crate::stack::lock::lock_of;
use crate::stack::{Lookup, Request};
use crate::updates::is_unfinished;

use super::changes::Enablement;
use super::destination::{Destination, Reach};
use super::directory::{Access, Action, Change, Changes, Durability, Snapshot, UnitDirectory};
use super::generator::invalid;
use super::named::of_project;
use super::prepare::{prepare, stacks_in};

/// The stack files of this host, and what was planned from them so far.
pub struct StackFiles {
    directory: PathBuf,
    environment: Lookup<'static>,
    planned: RefCell<BTreeMap<PathBuf, Planned>>,
}

/// The plan of a stack, and what it depends on.
struct Planned {
    files: Vec<PathBuf>,
    profiles: Vec<String>,
    destination: Destination,
    inputs: Vec<(PathBuf, Option<Stamp>)>,
    plan: Plan,
    /// Variables were looked up for it that are not of its files alone.
    has_variables: bool,
}

/// Inode, size, and the time of the last change of its status, in nanoseconds: no change leaves all of them as they were.
type Stamp = (u64, u64, i64, i64);

impl StackFiles {
    /// Those of a directory, and those of installed projects. `environment`: as for `wharf generate`.
    pub fn new(directory: &Path, environment: Lookup<'static>) -> Self {
        Self { directory: directory.to_owned(), environment, planned: RefCell::default() }
    }

    /// Loads and plans them, each as it was generated, and compares the plans with what is installed. What cannot be read says nothing.
    pub fn look(&self) -> StackFindings {
        let mut found = StackFindings::default();
        let installed = projects_in(&Destination::system().documented_load_path()).unwrap_or_default();
        let here = stacks_in(&self.directory).unwrap_or_default();
        let is_new = |stack: &&PathBuf| !installed.iter().any(|project| project.comes_from(&absolute(stack)));
        for stack in here.iter().filter(is_new) {
            let request = Request::of_stack(stack, self.environment);
            found.inputs.extend(request.files.iter().map(|file| absolute(file)));
            found.broken.extend(self.planned(stack, request, Destination::system()).err());
        }
        let mut snapshots = Snapshots::default();
        installed.iter().for_each(|project| self.look_at(project, &mut snapshots, &mut found));
        let planned = self.planned.borrow();
        let inputs = planned.values().flat_map(|known| &known.inputs);
        found.inputs.extend(inputs.map(|(input, _)| input.clone()));
        drop(planned);
        found.broken.sort_unstable_by(|one, other| one.file.cmp(&other.file));
        found
    }

    /// Adds what the stack file of an installed project says now, if that is not what its units say.
    fn look_at(&self, project: &InstalledProject, snapshots: &mut Snapshots, found: &mut StackFindings) {
        let Some(destination) = destination_of(project) else { return };
        let is_at_boot = destination.reach == Reach::Offline;
        let environment: Lookup<'_> = if is_at_boot { &|_| None } else { self.environment };
        let Ok(request) = of_project(project, environment) else { return };
        let Some(source) = request.files.first().cloned() else { return };
        found.inputs.extend(request.files.iter().map(|file| absolute(file)));
        let directory = destination.on_disk.clone();
        let has_variables = match self.planned(&source, request, destination) {
            Ok(has_variables) => has_variables,
            Err(broken) => {
                let has_variables = broken.has_variables && !is_at_boot && !source.starts_with(&self.directory);
                return found.broken.push(BrokenStack { has_variables, ..broken });
            }
        };
        let planned = self.planned.borrow();
        let Some(Planned { plan, .. }) = planned.get(&source) else { return };
        let changes = snapshots.of(&directory).map(|snapshot| difference(plan, snapshot)).unwrap_or_default();
        if changes.is_empty() {
            return;
        }
        let name = &project.name;
        let lock = Some(lock_of(&source)).filter(|lock| only_digests(&changes) && lock.exists());
        let command = match (&lock, is_at_boot) {
            // It puts back what ran before.
            (Some(_), _) if is_unfinished(name) => format!("wharf update {name}"),
            (_, true) => "systemctl daemon-reload".to_owned(),
            (_, false) => format!("wharf generate --now {name}"),
        };
        let file = lock.unwrap_or(source);
        found.changed.insert(name.clone(), ChangedSource { file, command, has_variables });
    }

    /// Plans a stack, unless nothing has changed since the last time; whether it was given variables.
    fn planned(&self, stack: &Path, request: Request<'_>, destination: Destination) -> Result<bool, BrokenStack> {
        let mut planned = self.planned.borrow_mut();
        if let Some(known) = planned.get(stack).filter(|known| known.holds_for(&request, &destination)) {
            return Ok(known.has_variables);
        }
        planned.remove(stack);
        let has_variables = AtomicBool::new(false);
        let new = Planned::new(request, destination, &has_variables).map_err(|errors| {
            let broken = invalid(stack, &errors);
            let has_variables = has_variables.load(Ordering::Relaxed);
            BrokenStack { message: broken.to_string(), file: broken.stack, has_variables }
        })?;
        let has_variables = new.has_variables;
        planned.insert(stack.to_owned(), new);
        Ok(has_variables)
    }
}

impl Planned {
    /// `has_variables` is set if it asks for any.
    fn new(request: Request<'_>, destination: Destination, has_variables: &AtomicBool) -> Result<Self, Diagnostics> {
        let environment = |name: &str| {
            has_variables.fetch_or(!name.starts_with("COMPOSE_"), Ordering::Relaxed);
            (request.environment)(name)
        };
        let recorded = Request { environment: &environment, ..request.clone() };
        let mut prepared = prepare(&[recorded], &destination)?;
        let Some(plan) = prepared.plans.pop() else { return Err(prepared.warnings) };
        let inputs =
            prepared.inputs.into_iter().map(|input| (stamp(&input), input)).map(|(stamp, input)| (input, stamp));
        Ok(Self {
            files: request.files,
            profiles: request.profiles,
            destination,
            inputs: inputs.collect(),
            plan,
            has_variables: has_variables.load(Ordering::Relaxed),
        })
    }

    fn holds_for(&self, request: &Request<'_>, destination: &Destination) -> bool {
        self.files == request.files
            && self.profiles == request.profiles
            && self.destination == *destination
            && self.inputs.iter().all(|(input, known)| stamp(input) == *known)
    }
}

/// `None`: there is no such file.
fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some((data.ino(), data.size(), data.ctime(), data.ctime_nsec()))
}

/// Unit directories, each read once.
#[derive(Default)]
struct Snapshots(BTreeMap<PathBuf, Option<Snapshot>>);

impl Snapshots {
    fn of(&mut self, directory: &Path) -> Option<&Snapshot> {
        let read = |path: &PathBuf| UnitDirectory::open(path, Access::Read, Durability::Volatile)?.read();
        self.0.entry(directory.to_owned()).or_insert_with_key(|path| read(path).ok()).as_ref()
    }
}

/// Where a project's units were written to; `None`: nowhere that `wharf generate` or the generator writes to by itself.
fn destination_of(project: &InstalledProject) -> Option<Destination> {
    let target = project.units.iter().find(|unit| unit.name.is(UnitKind::Target));
    let directory = &target.or_else(|| project.units.first())?.directory;
    let generator = || directory.starts_with("/run/systemd/generator").then(|| Destination::generator(directory));
    let of_generate = [Destination::system(), Destination::runtime()];
    of_generate.into_iter().find(|destination| destination.on_disk == *directory).or_else(generator)
}

/// What of the plan is not installed, leaving aside what was changed by hand.
fn difference(plan: &Plan, snapshot: &Snapshot) -> Vec<Change> {
    let by_hand = |change: &Change| match &change.action {
        Action::Update { old, .. } => is_edited(old),
        Action::Mode { .. } => true,
        _ => snapshot.entries.get(&change.name).is_some_and(|entry| entry.masks()),
    };
    let changes = Changes::compute(plan, snapshot, Enablement::Keep, &snapshot.path);
    changes.items.into_iter().filter(|change| !by_hand(change)).collect()
}

/// Whether nothing changes but digests of images, and hashes that follow from them: what a lock says.
fn only_digests(changes: &[Change]) -> bool {
    changes.iter().all(|change| match &change.action {
        Action::Update { old, new, .. } => without_hashes(old) == without_hashes(new),
        _ => false,
    })
}
