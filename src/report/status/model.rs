//! What `wharf status` shows, as data: the projects, their units, and what is missing from the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;
use thiserror::Error;

use super::last_output::last_outputs;
use crate::mark::InstalledUnit;
use crate::name::{ContainerName, ProjectName, ServiceName, UnitKind, UnitName};
use crate::report::installed::LookupError;
use crate::report::selection::SelectionError;
use crate::supervisor1::{Health, KnownContainer, Snapshot, SupervisorError, Undeclared, rfc3339};
use crate::systemd::cgroup::{Usage, has_processes};
use crate::systemd::{ActiveState, LoadState, ManagerError, SubState, UnitResult};

/// The status at one moment.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    pub projects: Vec<ProjectStatus>,
    /// The engine's containers that no stack of this host declares.
    pub undeclared: Option<Vec<Undeclared>>,
    pub engine_connected: Option<bool>,
    /// Stack files of which no unit can be made. `None`: only root can read all that they name.
    pub broken: Option<Vec<BrokenStack>>,
    /// Why some of it is not known.
    #[serde(skip)]
    pub unknown: Option<Unknown>,
    /// The files from which stacks are made, as far as they are known.
    #[serde(skip)]
    pub(super) inputs: BTreeSet<PathBuf>,
    /// The unit files that were found.
    #[serde(skip)]
    pub(super) installed: Vec<InstalledUnit>,
}

/// A stack file that is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenStack {
    pub file: PathBuf,
    /// The first error, with its place.
    pub message: String,
    /// What it says depends on variables of whoever asks.
    #[serde(skip)]
    pub has_variables: bool,
}

impl fmt::Display for BrokenStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.message, with_variables(self.has_variables))
    }
}

fn with_variables(has_variables: bool) -> &'static str {
    if has_variables { " (with the variables of this shell)" } else { "" }
}

/// What the stack files of a host say, beside the installed units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackFindings {
    /// Invalid ones, of the host's directory of stack files and of installed projects, by path.
    pub broken: Vec<BrokenStack>,
    /// Those that say something else than the installed units, by project.
    pub changed: BTreeMap<ProjectName, ChangedSource>,
    /// All files that were looked at.
    pub inputs: BTreeSet<PathBuf>,
}

/// A stack file that says something else than the units that were made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedSource {
    pub file: PathBuf,
    /// The command that brings the units to what the file says.
    pub command: String,
    /// What it says depends on variables of whoever asks.
    #[serde(skip)]
    pub has_variables: bool,
}

impl fmt::Display for ChangedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, command, has_variables } = self;
        let with = with_variables(*has_variables);
        write!(f, "its units are not what {} says now{with}: `{command}`", file.display())
    }
}

/// A limit that does not hold for the container: it is set on the unit of its supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MisplacedLimit {
    pub directive: String,
    /// The drop-in in which it stands.
    pub file: PathBuf,
    /// The unit where it would hold.
    pub slice: Option<UnitName>,
}

/// Why a part of the status is missing.
#[derive(Debug, Clone, Error)]
pub enum Unknown {
    #[error("this system does not run systemd; only what is on disk is shown")]
    Systemd,
    #[error("{0}; only what systemd knows is shown")]
    Supervisor(SupervisorError),
    /// wharfd gets no answer from the engine. `known`: it did before.
    #[error("the engine does not answer, so the state of containers could not be asked; {}", shown(*.known))]
    Engine { known: bool },
    /// wharfd does not tell the caller everything; why.
    #[error("the output of healthchecks and containers that no stack declares are not shown: {0}")]
    Withheld(String),
}

fn shown(known: bool) -> &'static str {
    if known { "the last known state is shown" } else { "only what systemd knows is shown" }
}

/// One project and its units: the target, then containers, then networks, volumes and others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    pub project: ProjectName,
    /// Its stack file, if that was among those of this host and has gone.
    pub missing_source: Option<PathBuf>,
    /// Its stack file, if that says something else than the units; `None` also if the caller is not root.
    pub changed_source: Option<ChangedSource>,
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
    /// Somebody changed the unit file by hand: the next `wharf generate` writes it again.
    pub edited: bool,
    /// Of a timer: when it elapses next.
    #[serde(serialize_with = "rfc3339")]
    pub next_elapse: Option<SystemTime>,
    /// Of a timer: the last run of its job in this boot, whoever started it. `None`: systemd knows of none.
    pub last_run: Option<LastRun>,
    /// Why the unit failed, where its main process was not executed and `status` cannot say it.
    pub failure_reason: Option<String>,
    /// Of a container whose unit failed, or crashes again and again: its last line on standard error, or else on standard output. `None` also if the caller may not
    /// read the journal.
    pub last_output: Option<String>,
    /// The unit whose failure kept this one from being started.
    pub failed_dependency: Option<UnitName>,
    pub misplaced_limits: Vec<MisplacedLimit>,
    /// While the engine does not answer: whether the container of a running unit has processes. `None`: the engine was asked, or the
    /// kernel does not say.
    pub has_processes: Option<bool>,
    #[serde(skip)]
    pub(super) slice: Option<UnitName>,
    #[serde(skip)]
    pub(super) requires: Vec<UnitName>,
    /// When its last start was requested; restarts by systemd itself are part of it.
    #[serde(skip)]
    pub(super) start_begun: Option<SystemTime>,
    /// When the main process of a service was executed last.
    #[serde(skip)]
    pub(super) started: Option<SystemTime>,
    /// What wharfd knows of the unit's container.
    #[serde(flatten)]
    pub known: KnownContainer,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastRun {
    #[serde(serialize_with = "rfc3339")]
    pub started: Option<SystemTime>,
    /// `None`: it has not ended.
    pub result: Option<UnitResult>,
    /// Of the main process, or the number of its signal.
    pub exit_status: i32,
}

impl LastRun {
    /// The last run of a service; `None`: it has not run in this boot, or systemd has forgotten it.
    fn of(service: &UnitStatus) -> Option<Self> {
        let has_ended = !service.active.is_running() || service.sub.is_auto_restart();
        Some(Self {
            started: Some(service.started?),
            result: has_ended.then(|| service.result.clone()),
            exit_status: service.exit_status,
        })
    }
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
            edited: false,
            next_elapse: None,
            last_run: None,
            failure_reason: None,
            last_output: None,
            failed_dependency: None,
            misplaced_limits: Vec::new(),
            has_processes: None,
            slice: None,
            requires: Vec::new(),
            start_begun: None,
            started: None,
            known: KnownContainer::default(),
        }
    }
}

impl UnitStatus {
    /// It failed, or waits for the next attempt after it has.
    pub fn has_failed(&self) -> bool {
        self.active == ActiveState::Failed || (self.sub.is_auto_restart() && self.result.is_failure())
    }

    /// Its container is frozen.
    pub fn is_paused(&self) -> bool {
        self.known.drift.iter().flatten().any(|drift| drift.aspect == "paused")
    }

    /// An administrator should look at it first.
    pub fn needs_attention(&self) -> bool {
        self.has_failed()
            || self.failed_dependency.is_some()
            || self.known.health == Some(Health::Unhealthy)
            || self.known.crash_loop
            || self.has_lost_container()
    }

    /// It is active, but the processes of its container have ended, and the engine does not answer.
    pub fn has_lost_container(&self) -> bool {
        self.has_processes == Some(false)
    }

    /// Looks for the processes of its container, as the engine cannot be asked. If there are none, its health is not what it was.
    fn look_for_processes(&mut self) {
        let is_running =
            self.container.is_some() && self.active == ActiveState::Active && self.sub == SubState::Running;
        let slice = self.slice.as_ref().filter(|_| is_running);
        self.has_processes = slice.and_then(|slice| has_processes(slice, self.known.container_id.as_deref()));
        if self.has_lost_container() {
            self.known.health = self.known.health.take().filter(|health| *health == Health::None);
        }
    }
}

impl ProjectStatus {
    /// Finds for each unit that rests the failure that keeps it from being started, and for each timer the last run of its job.
    pub(super) fn explain(&mut self) {
        let found: Vec<Option<UnitName>> = self.units.iter().map(|unit| self.failure_below(unit)).collect();
        let runs: Vec<Option<LastRun>> = self.units.iter().map(|unit| self.last_run(unit)).collect();
        for (unit, (failed, run)) in self.units.iter_mut().zip(found.into_iter().zip(runs)) {
            unit.failed_dependency = failed;
            unit.last_run = run;
        }
    }

    fn last_run(&self, timer: &UnitStatus) -> Option<LastRun> {
        let is_job = |unit: &&UnitStatus| unit.unit.is(UnitKind::Service) && unit.unit.stem() == timer.unit.stem();
        timer.unit.is(UnitKind::Timer).then(|| self.units.iter().find(is_job))?.and_then(LastRun::of)
    }

    fn failure_below(&self, unit: &UnitStatus) -> Option<UnitName> {
        let mut looked_at = BTreeSet::new();
        let mut open: Vec<&UnitStatus> = vec![unit];
        while let Some(unit) = open.pop() {
            if unit.active != ActiveState::Inactive {
                continue;
            }
            let required = self.units.iter().filter(|other| unit.requires.contains(&other.unit));
            for other in required.filter(|other| looked_at.insert(other.unit.clone())) {
                if other.has_failed() {
                    return Some(other.unit.clone());
                }
                open.push(other);
            }
        }
        None
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
            if !snapshot.engine_connected {
                unit.look_for_processes();
            }
        }
        self.undeclared = snapshot.undeclared;
        self.engine_connected = Some(snapshot.engine_connected);
    }

    /// Adds what the containers of units printed last that failed, or crash again and again.
    pub(super) fn add_last_outputs(&mut self) {
        let units = self.projects.iter_mut().flat_map(|project| &mut project.units);
        let is_wanted =
            |unit: &&mut UnitStatus| unit.container.is_some() && (unit.has_failed() || unit.known.crash_loop);
        let mut wanted: Vec<_> = units.filter(is_wanted).collect();
        let since =
            wanted.iter().map(|unit| (unit.unit.to_string(), unit.start_begun.unwrap_or(SystemTime::UNIX_EPOCH)));
        let mut lines = last_outputs(&since.collect());
        for unit in &mut wanted {
            unit.last_output = lines.remove(unit.unit.as_str());
        }
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
        let sources = |status: &Self| -> Vec<_> {
            status.projects.iter().map(|it| (it.missing_source.clone(), it.changed_source.clone())).collect()
        };
        units(self) == units(other)
            && sources(self) == sources(other)
            && self.undeclared == other.undeclared
            && self.broken == other.broken
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
    Selection(#[from] SelectionError),
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
