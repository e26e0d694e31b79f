//! `wharf remove`: a project leaves the host, also when its stack file is gone already.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::name::{UnitKind, UnitName};
use crate::report::installed::{find_project, projects_in};
use crate::report::orphans::{add_projects, orphans};
use crate::systemd::manager::is_booted;
use crate::systemd::{Job, LoadState, LoadedUnit, Manager, ManagerError, Scope};

use super::audit::{Acts, Audit};
use super::destination::{Destination, STACK_DIRECTORY};
use super::directory::{Access, Changes, Durability, UnitDirectory};
use super::error::InstallError;
use super::jobs::{FailedJob, Jobs, Ran};

/// Which project is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remove {
    /// The project's name, or the path of its stack file.
    pub stack: String,
    /// Also its volumes, with their data.
    pub volumes: bool,
}

/// What went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    pub project: String,
    pub files: Vec<PathBuf>,
    /// Containers, networks and volumes.
    pub from_engine: Vec<String>,
    pub failed_jobs: Vec<FailedJob>,
    /// The stack file, where it still lies in /etc/wharf: the generator makes the units again.
    pub still_declared: Option<PathBuf>,
    /// Why the journal has no entry of it.
    pub unrecorded: Option<String>,
}

impl Remove {
    /// Stops the project's units, removes what the engine still holds of it, then disables and deletes the units. `wait` is told if
    /// another run has to end first.
    ///
    /// # Errors
    /// No such project, systemd's or the engine's refusal, or a file that cannot be removed.
    pub async fn run(&self, wait: &dyn Fn(&str)) -> Result<Removed, InstallError> {
        let directories = [Destination::system().on_disk, Destination::runtime().on_disk];
        let generated = PathBuf::from("/run/systemd/generator");
        let everywhere: Vec<PathBuf> = directories.iter().cloned().chain([generated]).collect();
        let manager = if is_booted() { Some(Manager::connect(Scope::System).await?) } else { None };
        let orphans = match &manager {
            Some(manager) => orphans(manager).await?,
            None => Vec::new(),
        };
        let mut installed = projects_in(&everywhere)?;
        add_projects(&mut installed, &orphans);
        let project = find_project(&self.stack, installed)?;
        let orphans = orphans.into_iter().filter(|orphan| orphan.project == project.name).map(|orphan| orphan.unit);
        let orphans: Vec<UnitName> = orphans.collect();
        let units: Vec<UnitName> = project.units.iter().map(|unit| unit.name.clone()).collect();
        let still_declared = project.sources.iter().find(|source| is_declared(source)).cloned();
        let mut removed = Removed { project: project.name.to_string(), still_declared, ..Removed::default() };
        let mut audit = Audit::begin();
        let mut acts = Acts::default();
        if let Some(manager) = &manager {
            // Orphans first: systemd does not know any more that they have to be stopped before the networks that they use.
            for units in [&orphans, &units] {
                let ran = stop(&Jobs { manager, wait }, loaded(manager, units).await?).await?;
                acts.stopped.extend(ran.done);
                removed.failed_jobs.extend(ran.failed);
            }
        }
        // Before the files go: without them a second attempt would not find the project.
        removed.from_engine = Engine::of_units().await?.remove_project(&project.name, self.volumes).await?;
        for directory in &directories {
            removed.files.extend(delete(directory, &project.name, wait)?);
        }
        if let Some(manager) = &manager {
            audit.removed(&project, &removed.files, &acts);
            removed.unrecorded = audit.unrecorded;
            manager.reload().await?;
            let units: Vec<UnitName> = units.into_iter().chain(orphans).collect();
            removed.failed_jobs.extend(forget(&Jobs { manager, wait }, &units).await?);
        }
        Ok(removed)
    }
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
    Ok(changes.items.iter().map(|change| directory.path().join(&change.name)).collect())
}
