//! `wharf generate`: plans → host, in one run that is locked if it writes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::name::UnitName;
use crate::plan::Plan;
use crate::systemd::manager::is_booted;
use crate::systemd::{Job, Manager, ManagerError};

use super::audit::{Acts, Audit};
use super::changes::{Action, Change, Changes, Enablement};
use super::destination::{Destination, Reach};
use super::directory::{Access, Durability, UnitDirectory};
use super::error::InstallError;
use super::jobs::{self, FailedJob, Ran};
use super::load_path::LoadPath;
use super::precheck::conflicts;
use super::running;

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Write,
    /// Only say what would be done.
    Show,
}

/// What is to be done with some plans.
#[derive(Debug, Clone)]
pub struct Generate {
    pub destination: Destination,
    pub effect: Effect,
    pub enablement: Enablement,
    /// Start the targets, and bring running containers to what is written.
    pub now: bool,
    /// daemon-reload if something changed.
    pub reload: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    pub projects: Vec<ProjectChanges>,
    /// An earlier run had been interrupted.
    pub unfinished: bool,
    pub notes: Vec<Note>,
    /// Units that `--now` stopped, because their file goes.
    pub stopped: Vec<String>,
    /// Units that `--now` started or restarted.
    pub started: Vec<String>,
    pub failed_jobs: Vec<FailedJob>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChanges {
    pub target: String,
    pub changes: Changes,
}

/// Something an administrator should know, though all went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The running system has no systemd to tell.
    NotBooted,
    /// The unit file went, its processes did not.
    StillRunning { unit: String },
    /// An instance runs that is not, or no more, among the service's replicas.
    Surplus { unit: String },
    /// Units run as they were before the change.
    NotRestarted { units: Vec<String> },
    /// The journal has no entry of this run.
    Unrecorded { why: String },
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotBooted => f.write_str("units were written but not loaded: this system does not run systemd"),
            Self::StillRunning { unit } => {
                write!(f, "{unit} was removed but still runs; `systemctl stop {unit}`, or use --now next time")
            }
            Self::Surplus { unit } => {
                write!(f, "{unit} runs beyond the service's replicas; `systemctl stop {unit}`, or use --now next time")
            }
            Self::NotRestarted { units } => {
                write!(f, "changed, but running as before: {}; restart them, or use --now", units.join(", "))
            }
            Self::Unrecorded { why } => write!(f, "this change is not in the journal, nor in `wharf history`: {why}"),
        }
    }
}

impl Generated {
    /// Whether something was, or would be, changed: a file, or what runs.
    pub fn changed(&self) -> bool {
        self.changes_files() || !self.started.is_empty() || !self.stopped.is_empty()
    }

    fn changes_files(&self) -> bool {
        self.unfinished || self.projects.iter().any(|project| !project.changes.is_empty())
    }

    fn changes(&self) -> Vec<&Changes> {
        self.projects.iter().map(|project| &project.changes).collect()
    }

    fn note_running(&mut self, removed: Vec<String>, surplus: Vec<String>, outdated: Vec<String>) {
        self.notes.extend(removed.into_iter().map(|unit| Note::StillRunning { unit }));
        self.notes.extend(surplus.into_iter().map(|unit| Note::Surplus { unit }));
        if !outdated.is_empty() {
            self.notes.push(Note::NotRestarted { units: outdated });
        }
    }

    /// For programs: `{"changed": …, "projects": […]}`.
    pub fn to_json(&self) -> Value {
        let change = |change: &Change| json!({"name": change.name, "kind": change.action.kind()});
        let project = |project: &ProjectChanges| {
            let changes: Vec<Value> = project.changes.items.iter().map(change).collect();
            json!({"project": project.changes.project, "target": project.target, "changes": changes})
        };
        json!({
            "changed": self.changed(),
            "unfinished": self.unfinished,
            "projects": self.projects.iter().map(project).collect::<Vec<_>>(),
            "stopped": self.stopped,
            "started": self.started,
            "notes": self.notes.iter().map(Note::to_string).collect::<Vec<_>>(),
            "failed_jobs": self.failed_jobs.iter().map(|job| json!({"unit": job.unit(), "message": job.to_string()})).collect::<Vec<_>>(),
        })
    }
}

impl Generate {
    /// Compares, checks, and writes if so asked. Nothing is written if any unit of any plan is in conflict. `wait` is told if another
    /// run has to end first, which keeps only a run waiting that writes.
    ///
    /// # Errors
    /// Conflicts, a directory that cannot be written, or systemd's refusal. A run that fails after the first change is
    /// finished by the next one.
    pub async fn run(&self, plans: &[Plan], wait: &dyn Fn(&str)) -> Result<Generated, InstallError> {
        let manager = self.manager().await?;
        let load_path = self.load_path(manager.as_ref()).await?;
        let open = |access| UnitDirectory::of(&self.destination, access, Durability::Synced);
        let directory = match self.effect {
            Effect::Write => open(Access::Write)?.lock(wait)?,
            Effect::Show => open(Access::Read)?,
        };
        let mut generated = self.compare(plans, &directory, &load_path)?;
        if self.effect == Effect::Show {
            return Ok(generated);
        }
        if matches!(self.destination.reach, Reach::Running { .. }) && manager.is_none() && generated.changes_files() {
            generated.notes.push(Note::NotBooted);
        }
        match &manager {
            Some(manager) => self.write_to_running(plans, directory, &mut generated, manager).await?,
            None if generated.changes_files() => self.write(&generated, &directory, None).await?,
            None => {}
        }
        Ok(generated)
    }

    async fn write_to_running(
        &self,
        plans: &[Plan],
        directory: UnitDirectory,
        generated: &mut Generated,
        manager: &Manager,
    ) -> Result<(), InstallError> {
        let mut audit = Audit::begin();
        let removed = running::removed(manager, &generated.changes()).await?;
        if self.now {
            // Before their files go: after that systemd would not know how to stop them.
            let ran = stop(manager, &removed).await?;
            generated.stopped = ran.done;
            generated.failed_jobs = ran.failed;
        }
        if generated.changes_files() {
            self.write(generated, &directory, Some(manager)).await?;
            // Before anything waits for jobs: who gives up waiting has changed the files all the same.
            for (plan, project) in plans.iter().zip(&generated.projects) {
                audit.generated(plan, &project.changes);
            }
        }
        drop(directory);
        let surplus = running::surplus(manager, plans).await?;
        if self.now {
            // Once no unit asks for them any more: else what requires them would go down with them.
            let ran = stop(manager, &surplus).await?;
            generated.stopped.extend(ran.done);
            generated.failed_jobs.extend(ran.failed);
            let outdated = running::outdated(manager, plans, &self.destination.on_disk).await?;
            let ran = start(manager, plans, &outdated).await?;
            let acts = Acts::of_run(&ran, &outdated, &generated.stopped);
            generated.started = ran.done.into_iter().filter(|unit| running::runs(unit)).collect();
            generated.failed_jobs.extend(ran.failed);
            for (plan, project) in plans.iter().zip(&generated.projects) {
                audit.applied(plan, &project.changes, &acts);
            }
        } else if generated.changes_files() {
            let outdated = running::outdated(manager, plans, &self.destination.on_disk).await?;
            generated.note_running(removed, surplus, outdated);
        }
        generated.notes.extend(audit.unrecorded.map(|why| Note::Unrecorded { why }));
        Ok(())
    }

    /// `None`: nobody to talk to, by choice or because systemd does not run here.
    async fn manager(&self) -> Result<Option<Manager>, InstallError> {
        match self.destination.reach {
            Reach::Running { scope, .. } if is_booted() => Ok(Some(Manager::connect(scope).await?)),
            _ => Ok(None),
        }
    }

    async fn load_path(&self, manager: Option<&Manager>) -> Result<LoadPath, InstallError> {
        let directories = match manager {
            Some(manager) => manager.unit_path().await?,
            None => self.destination.documented_load_path(),
        };
        LoadPath::read(directories, self.destination.root.as_deref())
    }

    fn compare(
        &self,
        plans: &[Plan],
        directory: &UnitDirectory,
        load_path: &LoadPath,
    ) -> Result<Generated, InstallError> {
        let snapshot = directory.read()?;
        let in_the_way: Vec<_> = plans.iter().flat_map(|plan| conflicts(plan, &snapshot, load_path)).collect();
        if !in_the_way.is_empty() {
            return Err(InstallError::Conflicts(in_the_way));
        }
        let seen_as: &Path = &self.destination.seen_as;
        let changes = |plan: &Plan| ProjectChanges {
            target: plan.target.clone().into(),
            changes: Changes::compute(plan, &snapshot, self.enablement, seen_as),
        };
        let unfinished = !snapshot.leftovers.is_empty();
        Ok(Generated { projects: plans.iter().map(changes).collect(), unfinished, ..Generated::default() })
    }

    async fn write(
        &self,
        generated: &Generated,
        directory: &UnitDirectory,
        manager: Option<&Manager>,
    ) -> Result<(), InstallError> {
        let changes = generated.changes();
        let unfinished = directory.apply(&changes)?;
        if let (Some(manager), Reach::Running { runtime, .. }) = (manager, self.destination.reach) {
            let enabled = units_to_enable(&changes);
            if !enabled.is_empty() {
                manager.enable(&enabled, runtime).await?;
            }
            if self.reload {
                manager.reload().await?;
            }
        }
        unfinished.finish()
    }
}

/// What `docker compose up -d` would do: new containers start, changed ones are replaced, others are left alone.
async fn start(manager: &Manager, plans: &[Plan], outdated: &[String]) -> Result<Ran, ManagerError> {
    let restarts = outdated.iter().map(|unit| (Job::Restart, unit.as_str()));
    let starts = plans.iter().map(|plan| (Job::Start, plan.target.as_str()));
    let jobs: Vec<(Job, &str)> = restarts.chain(starts).collect();
    let files = plans.iter().flat_map(|plan| &plan.files);
    let instances = plans.iter().flat_map(|plan| plan.instances.values().flatten());
    let files = files.filter(|file| file.is_unit()).map(|file| file.name.as_str());
    let units = files.chain(instances.map(UnitName::as_str)).map(str::to_owned).collect();
    jobs::run(manager, &jobs, &units).await
}

async fn stop(manager: &Manager, units: &[String]) -> Result<Ran, ManagerError> {
    let jobs: Vec<(Job, &str)> = units.iter().map(|unit| (Job::Stop, unit.as_str())).collect();
    jobs::run(manager, &jobs, &BTreeSet::new()).await
}

fn units_to_enable<'a>(changes: &[&'a Changes]) -> Vec<&'a str> {
    let items = changes.iter().flat_map(|changes| &changes.items);
    let links = items.filter(|change| matches!(change.action, Action::Enable { .. }));
    let units: BTreeSet<&str> = links.filter_map(|change| change.name.rsplit('/').next()).collect();
    units.into_iter().collect()
}
