//! `wharf generate`: plans → host, in one run that is locked if it writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::doctor;
use crate::name::UnitName;
use crate::plan::Plan;
use crate::systemd::manager::is_booted;
use crate::systemd::{Job, Manager, ManagerError, Scope};

use super::audit::{Acts, Audit};
use super::changes::Enablement;
use super::conflict::Conflict;
use super::destination::{Destination, Reach};
use super::directory::{Access, Action, Change, Changes, Durability, LoadPath, Snapshot, UnitDirectory};
use super::error::InstallError;
use super::jobs::{FailedJob, Jobs, Ran};
use super::needs::{self, Agenda, Progress, WantedImage};
use super::note::{Note, edited, networks_left, not_started, of_same_source, volumes_kept, volumes_left};
use super::precheck::{conflicts, other_source, taken_over};
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
    /// Take over a project that is installed from another stack file.
    pub adopt: bool,
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
    /// Units that `--now` stopped, or would stop, because their file goes or has gone.
    pub stopped: Vec<String>,
    /// Units that `--now` started, or would.
    pub started: Vec<String>,
    /// Units that ran and that `--now` restarted, or would.
    pub restarted: Vec<String>,
    pub failed_jobs: Vec<FailedJob>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectChanges {
    pub target: String,
    pub changes: Changes,
}

impl Generated {
    /// Whether something was, or would be, changed: a file, or what runs.
    pub fn changed(&self) -> bool {
        self.changes_files() || [&self.started, &self.restarted, &self.stopped].iter().any(|units| !units.is_empty())
    }

    /// Whether `--now` failed to bring what runs to what is declared.
    pub fn has_failed(&self) -> bool {
        !self.failed_jobs.is_empty() || self.notes.iter().any(|note| matches!(note, Note::WithoutEngine { .. }))
    }

    fn changes_files(&self) -> bool {
        self.unfinished || self.projects.iter().any(|project| !project.changes.is_empty())
    }

    fn changes(&self) -> Vec<&Changes> {
        self.projects.iter().map(|project| &project.changes).collect()
    }

    /// Stops units, and keeps how that ended.
    async fn stop(&mut self, jobs: &Jobs<'_>, units: impl Iterator<Item = &str>) -> Result<(), ManagerError> {
        let stops: Vec<(Job, &str)> = units.map(|unit| (Job::Stop, unit)).collect();
        let ran = jobs.run(&stops, &BTreeSet::new()).await?;
        self.stopped.extend(ran.done);
        self.failed_jobs.extend(ran.failed);
        Ok(())
    }

    /// Notes units that run without a unit file.
    fn note_left(&mut self, units: impl IntoIterator<Item = UnitName>) {
        let units: BTreeSet<UnitName> = units.into_iter().collect();
        self.notes.extend(units.into_iter().map(|unit| Note::StillRunning { unit }));
    }

    fn note_outdated(&mut self, surplus: Vec<String>, outdated: Vec<String>) {
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
            "restarted": self.restarted,
            "notes": self.notes.iter().map(Note::to_string).collect::<Vec<_>>(),
            "failed_jobs": self.failed_jobs.iter().map(|job| json!({"unit": job.unit(), "message": job.to_string()})).collect::<Vec<_>>(),
        })
    }
}

impl Generate {
    /// Whether it changes what runs of units that outlast a reboot.
    pub fn keeps_revisions(&self) -> bool {
        let is_kept = matches!(self.destination.reach, Reach::Running { scope: Scope::System, runtime: false });
        self.now && self.effect == Effect::Write && is_kept
    }

    /// Compares, checks, and writes if so asked. Nothing is written if any unit of any plan is in conflict. `wait` is told if another
    /// run has to end first, which keeps only a run waiting that writes. `begin` is called for each image that is pulled before a
    /// unit is restarted.
    ///
    /// # Errors
    /// Conflicts, a directory that cannot be written, systemd's refusal, or [`InstallError::Unready`]. A run that fails after the
    /// first change is finished by the next one.
    pub async fn run<P: Progress>(
        &self,
        plans: &[Plan],
        wait: &dyn Fn(&str),
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<Generated, InstallError> {
        let manager = self.manager().await?;
        let load_path = self.load_path(manager.as_ref()).await?;
        if let (Some(manager), Effect::Write, true) = (&manager, self.effect, self.now) {
            // Before the lock: a pull may take minutes, in which others may write.
            let compared = self.compare(plans, &self.open(Access::Read)?, &load_path)?;
            refuse_unfit_host(manager).await?;
            let agenda = self.agenda(plans, &compared.changes(), manager).await?;
            let missing = needs::provide(manager, plans, &agenda, begin).await?;
            if !missing.is_empty() {
                return Err(InstallError::Unready(missing));
            }
        }
        let directory = match self.effect {
            Effect::Write => self.open(Access::Write)?.lock(wait)?,
            Effect::Show => self.open(Access::Read)?,
        };
        let mut generated = self.compare(plans, &directory, &load_path)?;
        let changed_by_hand = edited(&generated.changes());
        let volumes = volumes_kept(&generated.changes());
        let left = volumes_left(plans, &generated.changes());
        generated.notes.extend(changed_by_hand.into_iter().chain(volumes).chain(left));
        if self.effect == Effect::Show {
            if let Some(manager) = &manager {
                self.show_running(plans, &mut generated, manager).await?;
            }
            return Ok(generated);
        }
        if matches!(self.destination.reach, Reach::Running { .. }) && manager.is_none() && generated.changes_files() {
            generated.notes.push(Note::NotBooted);
        }
        if let (Some(manager), true, false) = (&manager, generated.changes_files(), self.now) {
            refuse_unfit_host(manager).await?;
        }
        match &manager {
            Some(manager) => {
                let jobs = Jobs { manager, wait };
                self.write_to_running(plans, directory, &mut generated, &jobs).await?;
            }
            None if generated.changes_files() => self.write(&generated, &directory, None).await?,
            None => {}
        }
        Ok(generated)
    }

    fn open(&self, access: Access) -> Result<UnitDirectory, InstallError> {
        let Destination { root, on_disk, .. } = &self.destination;
        Ok(UnitDirectory::below(root.as_deref(), on_disk, access, Durability::Synced)?)
    }

    /// What runs without a unit file, and what `--now` would stop and start.
    async fn show_running(
        &self,
        plans: &[Plan],
        generated: &mut Generated,
        manager: &Manager,
    ) -> Result<(), InstallError> {
        if self.now {
            let Agenda { stopped, outdated, idle } = self.agenda(plans, &generated.changes(), manager).await?;
            generated.stopped = stopped;
            generated.restarted = outdated;
            generated.started = idle;
            generated.notes.extend(without_engine(plans, manager).await?);
        } else {
            generated.note_left(running::left(manager, plans).await?.into_iter().map(|orphan| orphan.unit));
        }
        Ok(())
    }

    /// What `--now` would do once these changes are made.
    async fn agenda(&self, plans: &[Plan], changes: &[&Changes], manager: &Manager) -> Result<Agenda, InstallError> {
        let left = running::left(manager, plans).await?.into_iter().map(|orphan| orphan.unit);
        let removed = running::removed(manager, changes).await?;
        let surplus = running::surplus(manager, plans).await?;
        Ok(Agenda {
            stopped: left.chain(removed).map(String::from).chain(surplus).collect(),
            outdated: running::outdated(manager, plans, changes, &self.destination.on_disk).await?,
            idle: running::idle(manager, plans).await?,
        })
    }

    async fn write_to_running(
        &self,
        plans: &[Plan],
        directory: UnitDirectory,
        generated: &mut Generated,
        jobs: &Jobs<'_>,
    ) -> Result<(), InstallError> {
        let manager = jobs.manager;
        let mut audit = Audit::begin();
        let removed = running::removed(manager, &generated.changes()).await?;
        let left = running::left(manager, plans).await?;
        let before = running::running(manager, plans).await?;
        if self.now {
            // Before their files go: after that systemd would not know how to stop them. What has lost its file already goes first:
            // it may use a network that is removed.
            let left = left.iter().map(|orphan| orphan.unit.as_str());
            generated.stop(jobs, left).await?;
            generated.stop(jobs, removed.iter().map(UnitName::as_str)).await?;
        }
        if generated.changes_files() {
            self.write(generated, &directory, Some(manager)).await?;
            // Before anything waits for jobs: who gives up waiting has changed the files all the same.
            for (plan, project) in plans.iter().zip(&generated.projects) {
                audit.generated(plan, &project.changes);
            }
        }
        drop(directory);
        generated.notes.extend(without_wharfd(plans, manager).await?);
        let surplus = running::surplus(manager, plans).await?;
        if self.now {
            // Once no unit asks for them any more: else what requires them would go down with them.
            generated.stop(jobs, surplus.iter().map(String::as_str)).await?;
            let outdated = running::outdated(manager, plans, &generated.changes(), &self.destination.on_disk).await?;
            let ran = start(jobs, plans, &outdated).await?;
            let acts = Acts::of_run(&ran, &before, &generated.stopped);
            let shown = |units: &[String]| units.iter().filter(|unit| running::runs(unit)).cloned().collect();
            generated.started = shown(&acts.started);
            generated.restarted = shown(&acts.restarted);
            generated.failed_jobs.extend(ran.failed);
            generated.notes.extend(without_engine(plans, manager).await?);
            for (plan, project) in plans.iter().zip(&generated.projects) {
                audit.applied(plan, &project.changes, &left, &acts);
            }
        } else {
            if let Reach::Running { scope, .. } = self.destination.reach {
                let new = not_started(plans, &generated.changes(), scope);
                generated.notes.extend(new);
            }
            self.note_without_file(plans, removed, generated, manager).await?;
            if generated.changes_files() {
                let outdated =
                    running::outdated(manager, plans, &generated.changes(), &self.destination.on_disk).await?;
                generated.note_outdated(surplus, outdated);
            }
        }
        generated.notes.extend(audit.unrecorded.map(|why| Note::Unrecorded { why }));
        Ok(())
    }

    /// Notes what runs without a unit file, whichever run removed it, and the networks that this run has left.
    async fn note_without_file(
        &self,
        plans: &[Plan],
        removed: Vec<UnitName>,
        generated: &mut Generated,
        manager: &Manager,
    ) -> Result<(), InstallError> {
        let left = running::left(manager, plans).await?.into_iter().map(|orphan| orphan.unit);
        if self.reload {
            generated.note_left(left);
            let networks = networks_left(&generated.changes(), &removed);
            generated.notes.extend(networks);
        } else {
            // systemd has not noticed yet that the files of `removed` have gone.
            generated.note_left(left.chain(removed));
        }
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
        Ok(LoadPath::read(directories, self.destination.root.as_deref())?)
    }

    fn compare(
        &self,
        plans: &[Plan],
        directory: &UnitDirectory,
        load_path: &LoadPath,
    ) -> Result<Generated, InstallError> {
        let snapshot = directory.read()?;
        let others = plans.iter().filter_map(|plan| Some((plan, other_source(plan, &snapshot, load_path)?)));
        let others: Vec<(&Plan, PathBuf)> = others.collect();
        let resisting = others.iter().filter(|_| !self.adopt);
        let taken_over = resisting.filter_map(|(plan, other)| taken_over(plan, other.clone(), &snapshot, load_path));
        let of_units = plans.iter().flat_map(|plan| conflicts(plan, &snapshot, load_path));
        let in_the_way: Vec<Conflict> = taken_over.chain(of_units).collect();
        if !in_the_way.is_empty() {
            return Err(InstallError::Conflicts(in_the_way));
        }
        let seen_as: &Path = &self.destination.seen_as;
        let changes = |plan: &Plan| ProjectChanges {
            target: plan.target.clone().into(),
            changes: Changes::compute(plan, &snapshot, self.enablement(plan, &snapshot), seen_as),
        };
        let unfinished = !snapshot.leftovers.is_empty();
        let mut notes: Vec<Note> = others.into_iter().map(|(plan, before)| moved(plan, before)).collect();
        if let Reach::Running { scope: Scope::System, .. } = self.destination.reach {
            notes.extend(of_same_source(plans, &snapshot));
        }
        Ok(Generated { projects: plans.iter().map(changes).collect(), unfinished, notes, ..Generated::default() })
    }

    /// A stack that the boot generator would start stays started at boot when it is installed.
    fn enablement(&self, plan: &Plan, snapshot: &Snapshot) -> Enablement {
        let is_installed = snapshot.entries.contains_key(plan.target.as_str());
        let by_generator = plan.autostart && self.destination.generates_at_boot(&plan.source);
        if by_generator && !is_installed { Enablement::Enable } else { self.enablement }
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
                running::stop_removed_timers(manager, &changes).await?;
                manager.reload().await?;
                running::forget_removed(manager, &changes).await?;
            }
        }
        Ok(unfinished.finish()?)
    }
}

/// What is written there would not run, or not as it says.
async fn refuse_unfit_host(manager: &Manager) -> Result<(), InstallError> {
    let (version, engine) = tokio::join!(manager.version(), doctor::engine_of_units(manager));
    let obstacles = doctor::obstacles(&version?, engine.as_ref());
    if obstacles.is_empty() { Ok(()) } else { Err(InstallError::Unfit(obstacles)) }
}

/// A note if there are healthchecks and nothing that acts on their results.
async fn without_wharfd(plans: &[Plan], manager: &Manager) -> Result<Option<Note>, ManagerError> {
    let projects = plans.iter().filter(|plan| plan.has_healthcheck).map(|plan| plan.project.clone());
    let projects: Vec<String> = projects.collect();
    if projects.is_empty() || doctor::wharfd(manager).await?.acts() {
        return Ok(None);
    }
    Ok(Some(Note::NoWharfd { projects }))
}

/// A note if units are active whose containers have ended with the engine: they wait for it, and no job starts it for them.
async fn without_engine(plans: &[Plan], manager: &Manager) -> Result<Option<Note>, ManagerError> {
    if doctor::engine_of_units(manager).await.is_some() {
        return Ok(None);
    }
    let units = running::without_container(manager, plans).await?;
    Ok((!units.is_empty()).then_some(Note::WithoutEngine { units }))
}

fn moved(plan: &Plan, before: PathBuf) -> Note {
    Note::OtherSource { project: plan.project.clone(), before, now: plan.source.clone() }
}

/// What `docker compose up -d` would do: new containers start, changed ones are replaced, others are left alone.
async fn start(jobs: &Jobs<'_>, plans: &[Plan], outdated: &[String]) -> Result<Ran, ManagerError> {
    let restarts = outdated.iter().map(|unit| (Job::Restart, unit.as_str()));
    let starts = plans.iter().map(|plan| (Job::Start, plan.target.as_str()));
    let asked: Vec<(Job, &str)> = restarts.chain(starts).collect();
    let files = plans.iter().flat_map(|plan| &plan.files);
    let instances = plans.iter().flat_map(|plan| plan.instances.values().flatten());
    let files = files.filter(|file| file.is_unit()).map(|file| file.name.as_str());
    let units = files.chain(instances.map(UnitName::as_str)).map(str::to_owned).collect();
    jobs.run(&asked, &units).await
}

fn units_to_enable<'a>(changes: &[&'a Changes]) -> Vec<&'a str> {
    let items = changes.iter().flat_map(|changes| &changes.items);
    let links = items.filter(|change| matches!(change.action, Action::Enable { .. }));
    let units: BTreeSet<&str> = links.filter_map(|change| change.name.rsplit('/').next()).collect();
    units.into_iter().collect()
}
