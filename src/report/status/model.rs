//! What `wharf status` shows, as data: the projects, their units, and what is missing from the answer.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use crate::mark::InstalledUnit;
use crate::name::{ContainerName, ProjectName, ServiceName, UnitKind, UnitName};
use crate::report::installed::LookupError;
use crate::supervisor1::{KnownContainer, Snapshot, SupervisorError, Undeclared};
use crate::systemd::cgroup::Usage;
use crate::systemd::{ActiveState, LoadState, ManagerError, SubState, UnitResult};

/// The status at one moment.
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
    pub(super) installed: Vec<InstalledUnit>,
}

/// Why a part of the status is missing.
#[derive(Debug, Clone, Error)]
pub enum Unknown {
    #[error("this system does not run systemd; only what is on disk is shown")]
    Systemd,
    #[error("{0}; only what systemd knows is shown")]
    Supervisor(SupervisorError),
    /// wharfd gets no answer from the engine.
    #[error("the engine does not answer; the last known state of the containers is shown")]
    Engine,
    /// wharfd does not tell the caller everything; why.
    #[error("the output of healthchecks and containers that no stack declares are not shown: {0}")]
    Withheld(String),
}

/// One project and its units: the target, then containers, then networks, volumes and others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    pub project: ProjectName,
    pub units: Vec<UnitStatus>,
    /// By template: what its instances use together, as they share a slice.
    #[serde(skip)]
    pub shared: BTreeMap<UnitName, Usage>,
}

/// One row of the tree; durations in seconds, memory in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitStatus {
    pub unit: UnitName,
    pub service: Option<ServiceName>,
    pub container: Option<ContainerName>,
    /// Of a template, `%i` (systemd.unit(5)).
    pub instance: Option<String>,
    /// `LoadState` of systemd: `not-found` of a unit that runs without a unit file. `unknown` where systemd cannot be asked.
    pub load: LoadState,
    /// `ActiveState` of systemd, or `unknown` where systemd cannot be asked.
    pub active: ActiveState,
    pub sub: SubState,
    pub status: String,
    /// Why a service failed.
    pub result: UnitResult,
    pub exit_status: i32,
    pub restarts: u32,
    pub uptime_seconds: Option<u64>,
    pub cpu_seconds: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// What wharfd knows of the unit's container.
    #[serde(flatten)]
    pub known: KnownContainer,
}

impl UnitStatus {
    /// A unit of which nothing else is known.
    pub fn new(unit: UnitName) -> Self {
        Self {
            unit,
            service: None,
            container: None,
            instance: None,
            load: LoadState::Other("unknown".into()),
            active: ActiveState::Other("unknown".into()),
            sub: SubState::default(),
            status: String::new(),
            result: UnitResult::default(),
            exit_status: 0,
            restarts: 0,
            uptime_seconds: None,
            cpu_seconds: None,
            memory_bytes: None,
            known: KnownContainer::default(),
        }
    }
}

impl Status {
    /// Whether the status shows this unit, or its template.
    pub(super) fn shows(&self, unit: &UnitName) -> bool {
        let installed = self.installed.iter().map(|installed| &installed.name);
        let mut installed = installed.filter(|installed| !installed.is(UnitKind::Slice));
        let mut rows = self.projects.iter().flat_map(|project| &project.units);
        rows.any(|row| row.unit == *unit)
            || installed.any(|installed| installed == unit || installed.instance_in(unit).is_some())
    }

    /// Adds what wharfd knows.
    pub(super) fn add(&mut self, mut snapshot: Snapshot) {
        for unit in self.projects.iter_mut().flat_map(|project| &mut project.units) {
            if let Some(known) = snapshot.containers.remove(unit.unit.as_str()) {
                unit.known = known;
            }
        }
        self.undeclared = snapshot.undeclared;
        self.engine_connected = Some(snapshot.engine_connected);
    }

    /// Whether nothing differs but times and resource usage.
    pub(super) fn is_like(&self, other: &Self) -> bool {
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

/// Why there is no status.
#[derive(Debug, Error)]
pub enum StatusError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// While watching.
    #[error("the connection to the system bus ended")]
    ConnectionLost,
    /// There is nothing to watch, or to compare.
    #[error("this system does not run systemd")]
    NoSystemd,
    /// Only wharfd could have answered.
    #[error(transparent)]
    Supervisor(#[from] SupervisorError),
}
