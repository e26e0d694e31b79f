//! `wharf status`: the state of the installed projects.
//!
//! In: the units on disk, systemd's properties, and what wharfd knows of the containers, if it can be reached. Out: typed rows,
//! shown as a tree ([`text`]) or as JSON, once or whenever something changes ([`watch`]). Invariant: without wharfd the units
//! are shown all the same, with empty columns where only wharfd has the answer.

pub mod text;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use futures_util::StreamExt;
use serde::Serialize;

use super::installed::{InstalledProject, LookupError, find_project, projects_in};
use crate::mark::InstalledUnit;
use crate::name::{UnitKind, UnitName};
use crate::spec::instance_name;
use crate::supervisor1::{Activation, KnownContainer, Snapshot, Supervisor, SupervisorError, Undeclared};
use crate::systemd::cgroup::Usage;
use crate::systemd::manager::is_booted;
use crate::systemd::{ActiveState, Manager, ManagerError, Scope, SubState, UnitResult, UnitState};

/// Units that systemd is asked for side by side.
const AT_ONCE: usize = 8;

/// The picture of a moment.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    pub projects: Vec<ProjectStatus>,
    /// The engine's containers that no stack of this host declares.
    pub undeclared: Option<Vec<Undeclared>>,
    pub engine_connected: Option<bool>,
    /// Why some of it is not known.
    #[serde(skip)]
    pub unknown: Option<Unknown>,
    /// The unit files that were found.
    #[serde(skip)]
    installed: Vec<InstalledUnit>,
}

/// Why a part of the picture is missing.
#[derive(Debug)]
pub enum Unknown {
    /// This system does not run systemd.
    Systemd,
    Supervisor(SupervisorError),
    /// The engine does not answer wharfd.
    Engine,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Systemd => f.write_str("this system does not run systemd; only what is on disk is shown"),
            Self::Supervisor(error) => write!(f, "{error}; only what systemd knows is shown"),
            Self::Engine => f.write_str("the engine does not answer; what was known of the containers last is shown"),
        }
    }
}

/// One project and its units: the target, then containers, then networks, volumes and what else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    pub project: String,
    pub units: Vec<UnitStatus>,
    /// What all instances of a template use, which share a slice.
    #[serde(skip)]
    pub shared: BTreeMap<String, Usage>,
}

/// One line of the tree; durations in seconds, memory in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnitStatus {
    pub unit: String,
    pub service: Option<String>,
    pub container: Option<String>,
    /// Of a template, `%i` (systemd.unit(5)).
    pub instance: Option<String>,
    /// `ActiveState` of systemd, or `unknown` where systemd cannot be asked.
    pub active: ActiveState,
    pub sub: SubState,
    pub status: String,
    /// systemd's word for why a service failed.
    pub result: UnitResult,
    pub exit_status: i32,
    pub restarts: u32,
    pub uptime_seconds: Option<u64>,
    pub cpu_seconds: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// Of a container, what wharfd knows of it.
    #[serde(flatten)]
    pub known: KnownContainer,
}

#[derive(Debug)]
pub enum StatusError {
    Lookup(LookupError),
    Manager(ManagerError),
    /// What was to be watched cannot be any more.
    Lost,
    /// There is nothing to watch, or to compare.
    NoSystemd,
    /// And nobody else can say what was asked.
    Supervisor(SupervisorError),
}

impl std::fmt::Display for StatusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lookup(error) => error.fmt(f),
            Self::Manager(error) => error.fmt(f),
            Self::Lost => f.write_str("the connection to the system bus ended"),
            Self::NoSystemd => f.write_str("this system does not run systemd"),
            Self::Supervisor(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StatusError {}

impl From<LookupError> for StatusError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}

impl From<ManagerError> for StatusError {
    fn from(error: ManagerError) -> Self {
        Self::Manager(error)
    }
}

impl From<SupervisorError> for StatusError {
    fn from(error: SupervisorError) -> Self {
        Self::Supervisor(error)
    }
}

/// Whom to ask.
pub struct Sources {
    /// `None`: this system does not run systemd.
    manager: Option<Manager>,
    supervisor: Result<Supervisor, SupervisorError>,
    /// Where units lie if there is no manager to say.
    directories: Vec<PathBuf>,
}

impl Sources {
    /// Connects to the system bus. `directories`: where units lie if there is no systemd to say.
    ///
    /// # Errors
    /// systemd runs and cannot be reached.
    pub async fn connect(directories: Vec<PathBuf>) -> Result<Self, StatusError> {
        let manager = if is_booted() { Some(Manager::connect(Scope::System).await?) } else { None };
        let supervisor = match manager {
            Some(_) => Supervisor::connect().await,
            None => Err(SupervisorError::NotRunning),
        };
        Ok(Self { manager, supervisor, directories })
    }

    /// How all projects fare, or the one that is named.
    ///
    /// # Errors
    /// No such project, or systemd does not answer. That wharfd does not is told in the picture.
    pub async fn status(&self, wanted: Option<&str>, activation: Activation) -> Result<Status, StatusError> {
        let directories = match &self.manager {
            Some(manager) => manager.unit_path().await?,
            None => self.directories.clone(),
        };
        let mut projects = projects_in(&directories)?;
        if let Some(wanted) = wanted {
            projects = vec![find_project(wanted, projects)?];
        }
        let (picture, unknown) = self.picture(activation).await;
        let now = SystemTime::now();
        let mut status = Status { unknown, ..Status::default() };
        for mut project in projects {
            status.projects.push(project_status(&mut project, self.manager.as_ref(), now).await?);
            status.installed.append(&mut project.units);
        }
        if let Some(picture) = picture {
            status.add(picture);
        }
        Ok(status)
    }

    /// The way to wharfd.
    ///
    /// # Errors
    /// There is none.
    pub fn supervisor(&self) -> Result<&Supervisor, StatusError> {
        self.supervisor.as_ref().map_err(|error| error.clone().into())
    }

    async fn picture(&self, activation: Activation) -> (Option<Snapshot>, Option<Unknown>) {
        let refused = |error| (None, Some(Unknown::Supervisor(error)));
        match &self.supervisor {
            _ if self.manager.is_none() => (None, Some(Unknown::Systemd)),
            Ok(supervisor) => match supervisor.snapshot(activation).await {
                Ok(picture) => {
                    let unknown = (!picture.engine_connected).then_some(Unknown::Engine);
                    (Some(picture), unknown)
                }
                Err(error) => refused(error),
            },
            Err(error) => refused(error.clone()),
        }
    }
}

impl Status {
    fn add(&mut self, mut picture: Snapshot) {
        for unit in self.projects.iter_mut().flat_map(|project| &mut project.units) {
            if let Some(known) = picture.containers.remove(&unit.unit) {
                unit.known = known;
            }
        }
        self.undeclared = Some(picture.undeclared);
        self.engine_connected = Some(picture.engine_connected);
    }

    /// Whether nothing is otherwise but clocks and what is used.
    fn is_like(&self, other: &Self) -> bool {
        let unknown = |status: &Self| status.unknown.as_ref().map(ToString::to_string);
        let units = |status: &Self| -> Vec<UnitStatus> {
            let units = status.projects.iter().flat_map(|project| &project.units).cloned();
            let timeless =
                |unit: UnitStatus| UnitStatus { uptime_seconds: None, cpu_seconds: None, memory_bytes: None, ..unit };
            units.map(timeless).collect()
        };
        units(self) == units(other)
            && self.undeclared == other.undeclared
            && self.engine_connected == other.engine_connected
            && unknown(self) == unknown(other)
    }
}

async fn project_status(
    project: &mut InstalledProject,
    manager: Option<&Manager>,
    now: SystemTime,
) -> Result<ProjectStatus, ManagerError> {
    project.units.sort_by_key(|unit| (rank(unit), unit.name.clone()));
    let mut status = ProjectStatus { project: project.name.clone(), ..ProjectStatus::default() };
    let wanted: Vec<&UnitName> = project.units.iter().flat_map(|unit| &unit.mark.wants).collect();
    let shown = project.units.iter().filter(|unit| !unit.name.is(UnitKind::Slice));
    let asked: Vec<_> = shown.map(|unit| unit_status(unit, &wanted, manager, now)).collect();
    let mut answers = futures_util::stream::iter(asked).buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        let (units, shared) = answer?;
        status.shared.extend(shared);
        status.units.extend(units);
    }
    Ok(status)
}

/// One row for a unit, of a template one for each instance that is `wanted`, or was started by hand; and what those use together.
async fn unit_status(
    unit: &InstalledUnit,
    wanted: &[&UnitName],
    manager: Option<&Manager>,
    now: SystemTime,
) -> Result<(Vec<UnitStatus>, Option<(String, Usage)>), ManagerError> {
    let Some(manager) = manager else {
        let row = row(unit, &unit.name, None);
        return Ok((vec![UnitStatus { active: ActiveState::Other("unknown".into()), ..row }], None));
    };
    let (mut rows, mut shared) = (Vec::new(), None);
    for (name, instance) in instances(unit, wanted, manager).await? {
        let state = manager.unit(&name).await?;
        let mut usage = usage(unit, &state);
        if instance.is_some() && usage != Usage::default() {
            shared = Some((unit.name.to_string(), std::mem::take(&mut usage)));
        }
        rows.push(filled(row(unit, &name, instance), state, usage, now));
    }
    Ok((rows, shared))
}

fn rank(unit: &InstalledUnit) -> u8 {
    match (unit.name.is(UnitKind::Target), &unit.mark.service) {
        (true, _) => 0,
        (false, Some(_)) => 1,
        (false, None) => 2,
    }
}

/// The units that a unit file stands for, each with its instance (systemd.unit(5), `%i`).
async fn instances(
    unit: &InstalledUnit,
    wanted: &[&UnitName],
    manager: &Manager,
) -> Result<Vec<(String, Option<String>)>, ManagerError> {
    if !unit.is_template() {
        return Ok(vec![(unit.name.to_string(), None)]);
    }
    let instance_of = |name: &str| {
        let instance = unit.instance_of(name)?;
        Some((instance.parse::<u32>().unwrap_or(u32::MAX), name.to_owned(), Some(instance)))
    };
    let running = manager.active_units(&[&unit.instances()]).await?;
    let names = running.iter().map(String::as_str).chain(wanted.iter().map(|name| name.as_str()));
    let instances: BTreeSet<_> = names.filter_map(|name| instance_of(name)).collect();
    Ok(instances.into_iter().map(|(_, name, instance)| (name, instance)).collect())
}

/// A container's slice is its own, or of all containers of its service; other units share one.
fn usage(unit: &InstalledUnit, state: &UnitState) -> Usage {
    let has_own_slice = unit.mark.service.is_some() && state.is_running() && !state.slice.is_empty();
    if has_own_slice { Usage::of_slice(&state.slice) } else { Usage::default() }
}

fn row(unit: &InstalledUnit, name: &str, instance: Option<String>) -> UnitStatus {
    let container = unit.mark.container.clone().map(String::from);
    UnitStatus {
        unit: name.to_owned(),
        service: unit.mark.service.clone().map(String::from),
        container: match &instance {
            Some(instance) => container.map(|container| instance_name(&container, instance)),
            None => container,
        },
        instance,
        ..UnitStatus::default()
    }
}

fn filled(row: UnitStatus, state: UnitState, usage: Usage, now: SystemTime) -> UnitStatus {
    let since = state.active_since.filter(|_| state.active == ActiveState::Active);
    UnitStatus {
        sub: state.sub,
        // What a unit said last before it stopped is of no more interest, unless it failed.
        status: if state.active == ActiveState::Inactive { String::new() } else { state.status_text },
        active: state.active,
        result: state.result,
        exit_status: state.exec_main_status,
        restarts: state.restarts,
        uptime_seconds: since.and_then(|since| now.duration_since(since).ok()).map(|uptime| uptime.as_secs()),
        cpu_seconds: usage.cpu.map(|cpu| cpu.as_secs()),
        memory_bytes: usage.memory,
        ..row
    }
}
