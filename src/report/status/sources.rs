//! Where the status comes from: unit files, systemd's properties, control groups, and wharfd.
//!
//! Invariant: this only reads; nothing but wharfd itself is started.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::StreamExt;

use super::limits::misplaced;
use super::model::{ProjectStatus, StackFindings, Status, StatusError, UnitStatus, Unknown};
use crate::mark::InstalledUnit;
use crate::name::{UnitKind, UnitName};
use crate::report::installed::{InstalledProject, projects_in};
use crate::report::missing_credential::missing_credential;
use crate::report::orphans::{Orphan, add_projects, deleted, orphans};
use crate::report::selection::{Selection, select};
use crate::supervisor1::{Activation, Snapshot, Supervisor, SupervisorError};
use crate::systemd::cgroup::Usage;
use crate::systemd::manager::is_booted;
use crate::systemd::{ActiveState, LoadState, Manager, ManagerError, Scope, UnitState};

/// So many units are asked for concurrently.
const AT_ONCE: usize = 8;

/// The connections through which the status is read.
pub struct Sources {
    /// `None`: this system does not run systemd.
    pub(super) manager: Option<Manager>,
    pub(super) supervisor: Result<Supervisor, SupervisorError>,
    host: Host,
}

/// What only the caller knows of this host.
pub struct Host {
    /// Where stack files are looked for.
    pub stack_directory: PathBuf,
    /// The unit directories, if there is no manager to ask.
    pub directories: Vec<PathBuf>,
    /// Looks at the stack files. `None`: only root can read all that they name.
    pub stack_files: Box<dyn Fn() -> Option<StackFindings>>,
}

impl Sources {
    /// Connects to the system bus.
    ///
    /// # Errors
    /// systemd runs and cannot be reached.
    pub async fn connect(host: Host) -> Result<Self, StatusError> {
        let manager = if is_booted() { Some(Manager::connect(Scope::System).await?) } else { None };
        let supervisor = match manager {
            Some(_) => Supervisor::connect().await,
            None => Err(SupervisorError::NotRunning),
        };
        Ok(Self { manager, supervisor, host })
    }

    /// The status of all projects, or of those and of the services that are named, see [`select`].
    ///
    /// # Errors
    /// No such project or service, or systemd does not answer. If wharfd does not answer, [`Status::unknown`] says so.
    pub async fn status(&self, wanted: &[String], activation: Activation) -> Result<Status, StatusError> {
        let directories = match &self.manager {
            Some(manager) => manager.unit_path().await?,
            None => self.host.directories.clone(),
        };
        let mut projects = projects_in(&directories)?;
        let orphans = match &self.manager {
            Some(manager) => orphans(manager).await?,
            None => Vec::new(),
        };
        add_projects(&mut projects, &orphans);
        let mut selections = match wanted {
            [] => projects.iter().map(|project| Selection { project, units: Vec::new() }).collect(),
            wanted => select(wanted, &projects)?,
        };
        selections.sort_unstable_by(|one, other| one.project.name.cmp(&other.project.name));
        let (snapshot, unknown) = self.snapshot(activation).await;
        let found = (self.host.stack_files)();
        let is_known = found.is_some();
        let StackFindings { broken, mut changed, inputs } = found.unwrap_or_default();
        let mut status = Status { unknown, broken: is_known.then_some(broken), inputs, ..Status::default() };
        for selection in selections {
            let mut project = selection.project.clone();
            project.units.sort_by_key(|unit| (rank(unit), unit.name.clone()));
            let targets = project.units.iter().map(|unit| &unit.name).filter(|unit| unit.is(UnitKind::Target));
            let targets: Vec<&UnitName> = targets.collect();
            let mut shown = match &self.manager {
                Some(manager) => {
                    let look = async |are_kept: bool| self.project_status(&project, are_kept).await;
                    manager.while_loaded(&targets, look).await?
                }
                None => self.project_status(&project, false).await?,
            };
            shown.units.extend(self.orphans_of(&project, &orphans).await?);
            shown.explain();
            shown.units.retain(|unit| selection.has(&unit.unit));
            shown.changed_source = changed.remove(&project.name);
            status.projects.push(shown);
            status.installed.append(&mut project.units);
        }
        if let Some(snapshot) = snapshot {
            status.add(snapshot);
        }
        status.add_last_outputs();
        Ok(status)
    }

    /// Where stack files are looked for.
    pub(super) fn stack_directory(&self) -> &Path {
        &self.host.stack_directory
    }

    /// The connection to wharfd.
    ///
    /// # Errors
    /// There is none.
    pub fn supervisor(&self) -> Result<&Supervisor, StatusError> {
        self.supervisor.as_ref().map_err(|error| error.clone().into())
    }

    async fn snapshot(&self, activation: Activation) -> (Option<Snapshot>, Option<Unknown>) {
        if self.manager.is_none() {
            return (None, Some(Unknown::Systemd));
        }
        let snapshot = match &self.supervisor {
            Ok(supervisor) => supervisor.snapshot(activation).await,
            Err(error) => Err(error.clone()),
        };
        match snapshot {
            Ok(snapshot) => {
                let withheld = snapshot.withheld.clone().map(Unknown::Withheld);
                let known = snapshot.containers.values().any(|container| container.container_id.is_some());
                let unknown = if snapshot.engine_connected { withheld } else { Some(Unknown::Engine { known }) };
                (Some(snapshot), unknown)
            }
            Err(error) => (None, Some(Unknown::Supervisor(error))),
        }
    }

    /// `are_kept`: systemd has all its units in memory. Else those that it has not are shown as not running, and no more is asked.
    async fn project_status(&self, project: &InstalledProject, are_kept: bool) -> Result<ProjectStatus, ManagerError> {
        let mut status = ProjectStatus {
            project: project.name.clone(),
            missing_source: project.missing_source(&self.host.stack_directory).map(Path::to_owned),
            changed_source: None,
            units: Vec::new(),
            shared: BTreeMap::new(),
        };
        let wanted: Vec<&UnitName> = project.units.iter().flat_map(|unit| &unit.mark.wants).collect();
        let shown = project.units.iter().filter(|unit| !unit.name.is(UnitKind::Slice));
        let requests: Vec<_> = shown.map(|unit| self.unit_status(unit, &wanted, are_kept)).collect();
        let mut answers = futures_util::stream::iter(requests).buffered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            let (units, shared) = answer?;
            status.shared.extend(shared);
            status.units.extend(units);
        }
        Ok(status)
    }

    /// A row for each unit of the project that runs without a unit file.
    async fn orphans_of(
        &self,
        project: &InstalledProject,
        orphans: &[Orphan],
    ) -> Result<Vec<UnitStatus>, ManagerError> {
        let Some(manager) = &self.manager else { return Ok(Vec::new()) };
        let deleted = deleted(manager, project).await?;
        let mut rows = Vec::new();
        for orphan in orphans.iter().filter(|orphan| orphan.project == project.name).chain(&deleted) {
            let row = UnitStatus {
                service: orphan.service.clone(),
                instance: orphan.unit.instance().map(str::to_owned),
                // Its file was deleted by hand.
                edited: project.units.iter().any(|unit| unit.mark.wants.contains(&orphan.unit)),
                ..UnitStatus::new(orphan.unit.clone())
            };
            // systemd finds out when it reads its files again.
            let state = UnitState { load: LoadState::NotFound, ..manager.unit(&orphan.unit).await? };
            rows.push(filled(row, state, Usage::default()));
        }
        Ok(rows)
    }

    /// One row for a unit; for a template, one for each instance that is `wanted` or was started by hand, and what its instances
    /// use together.
    async fn unit_status(
        &self,
        unit: &InstalledUnit,
        wanted: &[&UnitName],
        are_kept: bool,
    ) -> Result<(Vec<UnitStatus>, Option<(UnitName, Usage)>), ManagerError> {
        let Some(manager) = &self.manager else {
            return Ok((vec![row(unit, unit.name.clone())], None));
        };
        let (mut rows, mut shared) = (Vec::new(), None);
        for name in instances(unit, wanted, manager).await? {
            let state = if are_kept { manager.unit(&name).await? } else { manager.unit_in_memory(&name).await? };
            let mut usage = usage(unit, &state);
            if unit.name.is_template() && usage != Usage::default() {
                shared = Some((unit.name.clone(), std::mem::take(&mut usage)));
            }
            rows.push(filled(row(unit, name), state, usage));
        }
        Ok((rows, shared))
    }
}

fn rank(unit: &InstalledUnit) -> u8 {
    match (unit.name.kind(), &unit.mark.service) {
        (UnitKind::Target, _) => 0,
        (_, Some(_)) => 1,
        (_, None) => 2,
    }
}

/// The units that a unit file defines: itself, or the instances of a template by their number.
async fn instances(
    unit: &InstalledUnit,
    wanted: &[&UnitName],
    manager: &Manager,
) -> Result<Vec<UnitName>, ManagerError> {
    if !unit.name.is_template() {
        return Ok(vec![unit.name.clone()]);
    }
    let running = manager.active_units(&[&unit.name.pattern()]).await?;
    let names = running.into_iter().chain(wanted.iter().copied().cloned());
    let numbered = names.filter_map(|name| {
        let number = unit.name.instance_in(&name)?.parse().unwrap_or(u32::MAX);
        Some((number, name))
    });
    let instances: BTreeSet<(u32, UnitName)> = numbered.collect();
    Ok(instances.into_iter().map(|(_, name)| name).collect())
}

/// A container's slice belongs to it, or to all containers of its service. Other units share one, which says nothing of them.
fn usage(unit: &InstalledUnit, state: &UnitState) -> Usage {
    let has_own_slice = unit.mark.service.is_some() && state.is_running();
    state.slice.as_ref().filter(|_| has_own_slice).map(Usage::of_slice).unwrap_or_default()
}

fn row(unit: &InstalledUnit, name: UnitName) -> UnitStatus {
    let instance = name.instance().map(str::to_owned);
    let container = unit.mark.container.as_ref();
    UnitStatus {
        service: unit.mark.service.clone(),
        container: match &instance {
            Some(instance) => container.and_then(|container| container.of_instance(instance).ok()),
            None => container.cloned(),
        },
        instance,
        edited: unit.is_edited,
        ..UnitStatus::new(name)
    }
}

fn filled(row: UnitStatus, state: UnitState, usage: Usage) -> UnitStatus {
    let since = state.active_since.filter(|_| state.active == ActiveState::Active);
    let is_container = row.container.is_some();
    UnitStatus {
        misplaced_limits: if is_container { misplaced(&state.drop_ins, state.slice.as_ref()) } else { Vec::new() },
        requires: state.requires.iter().filter_map(|unit| UnitName::parse(unit).ok()).collect(),
        next_elapse: state.next_elapse,
        started: state.started,
        failure_reason: missing_credential(&state),
        start_begun: state.start_begun,
        load: state.load,
        sub: state.sub,
        // The status text of a unit that stopped is outdated, unless it failed.
        status: if state.active == ActiveState::Inactive { String::new() } else { state.status_text },
        active: state.active,
        result: state.result,
        exit_status: state.exec_main_status,
        restarts: state.restarts,
        uptime_seconds: since
            .and_then(|since| SystemTime::now().duration_since(since).ok())
            .map(|uptime| uptime.as_secs()),
        cpu_seconds: usage.cpu.map(|cpu| cpu.as_secs()),
        memory_bytes: usage.memory,
        slice: state.slice,
        ..row
    }
}
