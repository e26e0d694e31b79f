//! `wharf remove`: a project leaves the host, also when its stack file is gone already.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::mark::Made;
use crate::name::{UnitKind, UnitName};
use crate::report::InstalledProject;
use crate::report::installed::{find_project, projects_in};
use crate::report::orphans::{add_projects, orphans};
use crate::spec::label;
use crate::systemd::manager::is_booted;
use crate::systemd::{Job, LoadState, LoadedUnit, Manager, ManagerError, Scope};

use super::audit::{Acts, Audit};
use super::destination::{Destination, STACK_DIRECTORY};
use super::directory::{Access, Changes, Durability, UnitDirectory};
use super::error::InstallError;
use super::jobs::{FailedJob, Jobs, Ran};

/// Projects that are to go.
pub struct Remove {
    projects: Vec<Leaving>,
    /// Also their volumes, with their data.
    volumes: bool,
    manager: Option<Manager>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    project: InstalledProject,
    /// Its units that run without a unit file.
    orphans: Vec<UnitName>,
}

/// What went, or would go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    pub project: String,
    /// Units that run.
    pub stopped: Vec<UnitName>,
    pub files: Vec<PathBuf>,
    /// Containers, networks and volumes.
    pub from_engine: Vec<String>,
    /// Volumes that stay, with their data.
    pub kept_volumes: Vec<String>,
    /// Of these, those that Wharf did not make.
    pub foreign_volumes: Vec<String>,
    pub failed_jobs: Vec<FailedJob>,
    /// The stack file, where it still lies in /etc/wharf: the generator makes the units again.
    pub still_declared: Option<PathBuf>,
    /// Why the journal has no entry of it.
    pub unrecorded: Option<String>,
}

impl Remove {
    /// Finds the projects by their names, or the paths of their stack files. Nothing is changed: a name that is wrong keeps all.
    ///
    /// # Errors
    /// No such project, or systemd does not answer.
    pub async fn find(stacks: &[String], volumes: bool) -> Result<Self, InstallError> {
        let generated = PathBuf::from("/run/systemd/generator");
        let everywhere: Vec<PathBuf> = directories().into_iter().chain([generated]).collect();
        let manager = if is_booted() { Some(Manager::connect(Scope::System).await?) } else { None };
        let orphans = match &manager {
            Some(manager) => orphans(manager).await?,
            None => Vec::new(),
        };
        let mut installed = projects_in(&everywhere)?;
        add_projects(&mut installed, &orphans);
        let mut projects: Vec<Leaving> = Vec::new();
        for stack in stacks {
            let project = find_project(stack, installed.clone())?;
            if projects.iter().any(|known| known.project.name == project.name) {
                continue;
            }
            let orphans = orphans.iter().filter(|orphan| orphan.project == project.name);
            let orphans = orphans.map(|orphan| orphan.unit.clone()).collect();
            projects.push(Leaving { project, orphans });
        }
        Ok(Self { projects, volumes, manager })
    }

    /// The projects that were found.
    pub fn projects(&self) -> &[Leaving] {
        &self.projects
    }

    /// What [`Remove::run`] would do, and nothing is done.
    ///
    /// # Errors
    /// systemd or the engine does not answer, or a directory cannot be read.
    pub async fn preview(&self, leaving: &Leaving) -> Result<Removed, InstallError> {
        let mut removed = leaving.removed();
        if let Some(manager) = &self.manager {
            let units = loaded(manager, &[leaving.units(), leaving.orphans.clone()].concat()).await?;
            removed.stopped = units.into_iter().filter(LoadedUnit::is_busy).map(|unit| unit.name).collect();
        }
        let engine = Engine::of_units().await?;
        let objects = engine.project_objects(&leaving.project.name, self.volumes).await?;
        removed.from_engine = objects.iter().map(ToString::to_string).collect();
        self.find_kept(&engine, leaving, &mut removed).await?;
        for directory in directories() {
            let directory = UnitDirectory::open(&directory, Access::Read, Durability::Synced)?;
            removed.files.extend(files(&directory, &Changes::removal(&leaving.project.name, &directory.read()?)));
        }
        Ok(removed)
    }

    /// Stops a project's units, removes what the engine still holds of it, then disables and deletes the units. `wait` is told if
    /// another run has to end first.
    ///
    /// # Errors
    /// systemd's or the engine's refusal, or a file that cannot be removed.
    pub async fn run(&self, leaving: &Leaving, wait: &dyn Fn(&str)) -> Result<Removed, InstallError> {
        let Leaving { project, orphans } = leaving;
        let units = leaving.units();
        let mut removed = leaving.removed();
        let mut audit = Audit::begin();
        let mut acts = Acts::default();
        if let Some(manager) = &self.manager {
            // Orphans first: systemd does not know any more that they have to be stopped before the networks that they use.
            for units in [orphans, &units] {
                let ran = stop(&Jobs { manager, wait }, loaded(manager, units).await?).await?;
                acts.stopped.extend(ran.done);
                removed.failed_jobs.extend(ran.failed);
            }
        }
        // Before the files go: without them a second attempt would not find the project.
        let engine = Engine::of_units().await?;
        for object in engine.project_objects(&project.name, self.volumes).await? {
            engine.remove_object(&object).await?;
            removed.from_engine.push(object.to_string());
        }
        self.find_kept(&engine, leaving, &mut removed).await?;
        for directory in directories() {
            removed.files.extend(delete(&directory, &project.name, wait)?);
        }
        if let Some(manager) = &self.manager {
            audit.removed(project, &removed.files, &acts);
            removed.unrecorded = audit.unrecorded;
            manager.reload().await?;
            let units: Vec<UnitName> = [units, orphans.clone()].concat();
            removed.failed_jobs.extend(forget(&Jobs { manager, wait }, &units).await?);
        }
        Ok(removed)
    }
}

impl Remove {
    /// The volumes that stay: without --volumes all, with it those of the stack that somebody else made.
    async fn find_kept(&self, engine: &Engine, leaving: &Leaving, removed: &mut Removed) -> Result<(), InstallError> {
        let project = &leaving.project;
        let own = if self.volumes { Vec::new() } else { engine.project_volumes(&project.name).await? };
        let made = project.units.iter().filter_map(|unit| unit.mark.made.as_ref());
        let volumes = made.filter_map(|made| if let Made::Volume(volume) = made { Some(volume) } else { None });
        for volume in volumes {
            let labels = engine.volume_labels(volume).await?;
            if labels.is_some_and(|labels| labels.get(label::PROJECT).is_none_or(|of| *of != *project.name)) {
                removed.foreign_volumes.push(volume.clone());
            }
        }
        removed.kept_volumes = own;
        removed.kept_volumes.extend_from_slice(&removed.foreign_volumes);
        Ok(())
    }
}

impl Leaving {
    fn units(&self) -> Vec<UnitName> {
        self.project.units.iter().map(|unit| unit.name.clone()).collect()
    }

    fn removed(&self) -> Removed {
        let still_declared = self.project.sources.iter().find(|source| is_declared(source)).cloned();
        Removed { project: self.project.name.to_string(), still_declared, ..Removed::default() }
    }
}

/// Where Wharf writes units.
fn directories() -> [PathBuf; 2] {
    [Destination::system().on_disk, Destination::runtime().on_disk]
}

fn is_declared(source: &Path) -> bool {
    source.starts_with(STACK_DIRECTORY) && source.exists()
}

/// Everything of the project that runs or has a job, in one go: systemd puts the jobs in order. The target is first: a job that starts
/// it would else go on once those are cancelled for which it waits.
async fn stop(jobs: &Jobs<'_>, units: Vec<LoadedUnit>) -> Result<Ran, ManagerError> {
    let mut busy: Vec<UnitName> = units.into_iter().filter(LoadedUnit::is_busy).map(|unit| unit.name).collect();
    busy.sort_by_key(|unit| !unit.is(UnitKind::Target));
    let stops: Vec<(Job, &str)> = busy.iter().map(|unit| (Job::Stop, unit.as_str())).collect();
    jobs.run(&stops, &BTreeSet::new()).await
}

/// Once the files are gone: stops what was started meanwhile and has no unit file now, and makes systemd forget what failed. The jobs
/// that failed.
async fn forget(jobs: &Jobs<'_>, units: &[UnitName]) -> Result<Vec<FailedJob>, ManagerError> {
    let manager = jobs.manager;
    let loaded_units = loaded(manager, units).await?.into_iter();
    let ran = stop(jobs, loaded_units.filter(|unit| unit.load == LoadState::NotFound).collect()).await?;
    for unit in loaded(manager, units).await? {
        manager.forget_failure(&unit.name).await;
    }
    Ok(ran.failed)
}

/// What systemd has in memory of these units; of a template, its instances.
async fn loaded(manager: &Manager, units: &[UnitName]) -> Result<Vec<LoadedUnit>, ManagerError> {
    let patterns: Vec<String> = units.iter().map(UnitName::pattern).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    manager.loaded_units(&patterns).await
}

fn delete(directory: &Path, project: &str, wait: &dyn Fn(&str)) -> Result<Vec<PathBuf>, InstallError> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let directory = UnitDirectory::open(directory, Access::Write, Durability::Synced)?.lock(wait)?;
    let changes = Changes::removal(project, &directory.read()?);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    directory.apply(&[&changes])?.finish()?;
    Ok(files(&directory, &changes).collect())
}

fn files(directory: &UnitDirectory, changes: &Changes) -> impl Iterator<Item = PathBuf> {
    changes.items.iter().map(|change| directory.path().join(&change.name))
}
