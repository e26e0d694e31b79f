//! `wharf remove`: a project leaves the host, also when its stack file is gone already.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::report::installed::{InstalledProject, find_project, projects_in};
use crate::systemd::manager::is_booted;
use crate::systemd::{Job, Manager, Scope};

use super::audit::{Acts, Audit};
use super::changes::Changes;
use super::destination::{Destination, STACK_DIRECTORY};
use super::directory::{Access, Durability, UnitDirectory};
use super::error::InstallError;
use super::jobs::{self, FailedJob, Ran};

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
        let project = find_project(&self.stack, projects_in(&everywhere)?)?;
        let still_declared = project.sources.iter().find(|source| is_declared(source)).cloned();
        let mut removed = Removed { project: project.name.to_string(), still_declared, ..Removed::default() };
        let manager = if is_booted() { Some(Manager::connect(Scope::System).await?) } else { None };
        let mut audit = Audit::begin();
        let mut acts = Acts::default();
        if let Some(manager) = &manager {
            let ran = stop(manager, &project).await?;
            acts.stopped = ran.done;
            removed.failed_jobs = ran.failed;
        }
        // Before the files go: without them a second attempt would not find the project.
        removed.from_engine = Engine::connect().await?.remove_project(&project.name, self.volumes).await?;
        for directory in &directories {
            removed.files.extend(delete(directory, &project.name, wait)?);
        }
        if let Some(manager) = &manager {
            audit.removed(&project, &removed.files, &acts);
            removed.unrecorded = audit.unrecorded;
            manager.reload().await?;
            for unit in &project.units {
                manager.forget_failure(&unit.name).await;
            }
        }
        Ok(removed)
    }
}

fn is_declared(source: &Path) -> bool {
    source.starts_with(STACK_DIRECTORY) && source.exists()
}

/// Everything of the project that runs, in one go: systemd puts the jobs in order.
async fn stop(manager: &Manager, project: &InstalledProject) -> Result<Ran, InstallError> {
    let patterns: Vec<String> = project.units.iter().map(|unit| unit.name.pattern()).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let running = manager.active_units(&patterns).await?;
    let jobs: Vec<(Job, &str)> = running.iter().map(|unit| (Job::Stop, unit.as_str())).collect();
    Ok(jobs::run(manager, &jobs, &BTreeSet::new()).await?)
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
