//! What systemd knows of a unit: its properties (org.freedesktop.systemd1(5)), whole or as they change.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use zbus::{OwnedVariant, Structure, Variant};

use super::word::words;
use crate::name::{UnitKind, UnitName};

words! {
    /// Whether systemd could read the unit file: `LoadState`.
    LoadState {
        Loaded = "loaded",
        NotFound = "not-found",
        BadSetting = "bad-setting",
        Error = "error",
        Merged = "merged",
        Masked = "masked",
    }
}

words! {
    /// `ActiveState`, the same for all types of units.
    ActiveState {
        Active = "active",
        Reloading = "reloading",
        Inactive = "inactive",
        Failed = "failed",
        Activating = "activating",
        Deactivating = "deactivating",
        Maintenance = "maintenance",
        Refreshing = "refreshing",
    }
}

words! {
    /// `SubState`; the type of the unit says which there are. Those that matter here.
    SubState {
        Dead = "dead",
        Failed = "failed",
        Start = "start",
        Running = "running",
        Exited = "exited",
        AutoRestart = "auto-restart",
        AutoRestartQueued = "auto-restart-queued",
    }
}

words! {
    /// Why a service failed, or that it did not: `$SERVICE_RESULT` of systemd.exec(5).
    UnitResult {
        Success = "success",
        Protocol = "protocol",
        Timeout = "timeout",
        ExitCode = "exit-code",
        Signal = "signal",
        CoreDump = "core-dump",
        Watchdog = "watchdog",
        ExecCondition = "exec-condition",
        OomKill = "oom-kill",
        StartLimitHit = "start-limit-hit",
        Resources = "resources",
    }
}

impl ActiveState {
    /// Active, or on the way to it.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active | Self::Activating | Self::Reloading | Self::Refreshing)
    }

    /// Neither at rest nor failed.
    pub fn is_running(&self) -> bool {
        !matches!(self, Self::Inactive | Self::Failed)
    }
}

impl SubState {
    /// Failed, and between two attempts.
    pub fn is_auto_restart(&self) -> bool {
        matches!(self, Self::AutoRestart | Self::AutoRestartQueued)
    }
}

impl UnitResult {
    /// Whether it says that something failed.
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Unset | Self::Success)
    }

    /// Whether it says how a process ended: by its exit status, or a signal.
    pub fn is_of_process(&self) -> bool {
        matches!(self, Self::ExitCode | Self::Signal | Self::CoreDump)
    }
}

/// What systemd knows of one unit; names as in org.freedesktop.systemd1(5). Zero and empty where a unit type lacks one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    pub name: String,
    pub load: LoadState,
    pub active: ActiveState,
    pub sub: SubState,
    pub status_text: String,
    pub result: UnitResult,
    pub exec_main_status: i32,
    pub main_pid: u32,
    pub restarts: u32,
    pub active_since: Option<SystemTime>,
    /// When its last start began.
    pub start_begun: Option<SystemTime>,
    /// When the main process was executed; of a unit without one, when it became active.
    pub started: Option<SystemTime>,
    /// A slice by its name; `None`: it is in none, or systemd sent something else.
    pub slice: Option<UnitName>,
    pub requires: Vec<String>,
    pub need_daemon_reload: bool,
    /// Of its last start, as systemd.exec(5) says of `$INVOCATION_ID`.
    pub invocation: Option<[u8; 16]>,
    /// Its unit file; empty: it has none.
    pub fragment: String,
    /// The drop-ins that are applied to it.
    pub drop_ins: Vec<String>,
    /// Of a timer with `OnCalendar=`: when it elapses next.
    pub next_elapse: Option<SystemTime>,
    /// The job that is under way for it; 0: none.
    pub job: u32,
}

impl UnitState {
    pub(super) fn new(name: &str, properties: Changed) -> Self {
        let mut state = Self { name: name.to_owned(), ..Self::default() };
        state.apply(properties);
        state
    }

    pub fn is_active(&self) -> bool {
        self.active.is_active()
    }

    pub fn is_running(&self) -> bool {
        self.active.is_running()
    }

    /// Whether it is active and nothing is under way for it, neither a job nor an end.
    pub fn is_steady(&self) -> bool {
        is_steady(&self.active, &self.sub, self.job)
    }

    /// Whether its main process has run, and does not now: systemd forgets the status with the next start.
    pub fn has_ended(&self) -> bool {
        self.main_pid == 0
            && self.started.is_some()
            && self.result != UnitResult::Unset
            && self.active != ActiveState::Active
    }

    /// Whether a start or restart was requested since `before`. A restart by systemd itself (`RestartMode=direct`) leaves the unit
    /// activating meanwhile, so that no start begins.
    pub fn was_started_by_job(&self, before: &Self) -> bool {
        self.start_begun > before.start_begun
    }

    /// Takes over what has changed.
    pub fn apply(&mut self, changed: Changed) {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        set(&mut self.load, changed.load);
        set(&mut self.active, changed.active);
        set(&mut self.sub, changed.sub);
        set(&mut self.status_text, changed.status_text);
        set(&mut self.result, changed.result);
        set(&mut self.slice, changed.slice);
        set(&mut self.exec_main_status, changed.exec_main_status);
        set(&mut self.main_pid, changed.main_pid);
        set(&mut self.restarts, changed.restarts);
        set(&mut self.requires, changed.requires);
        set(&mut self.need_daemon_reload, changed.need_daemon_reload);
        set(&mut self.drop_ins, changed.drop_ins);
        set(&mut self.invocation, changed.invocation);
        set(&mut self.fragment, changed.fragment);
        set(&mut self.next_elapse, changed.next_elapse);
        set(&mut self.active_since, changed.active_since);
        set(&mut self.start_begun, changed.start_begun);
        set(&mut self.started, changed.started);
        set(&mut self.job, changed.job);
        self.started = self.started.or(self.active_since);
    }
}

pub(super) fn is_steady(active: &ActiveState, sub: &SubState, job: u32) -> bool {
    *active == ActiveState::Active && *sub == SubState::Running && job == 0
}

/// What is new of a unit, or all of it; of a signal's hundred properties only those of [`UnitState`], as many may wait.
#[derive(Debug, Default)]
pub struct Changed {
    load: Option<LoadState>,
    active: Option<ActiveState>,
    sub: Option<SubState>,
    status_text: Option<String>,
    result: Option<UnitResult>,
    slice: Option<Option<UnitName>>,
    exec_main_status: Option<i32>,
    main_pid: Option<u32>,
    restarts: Option<u32>,
    requires: Option<Vec<String>>,
    need_daemon_reload: Option<bool>,
    drop_ins: Option<Vec<String>>,
    invocation: Option<Option<[u8; 16]>>,
    fragment: Option<String>,
    next_elapse: Option<Option<SystemTime>>,
    active_since: Option<Option<SystemTime>>,
    start_begun: Option<Option<SystemTime>>,
    started: Option<Option<SystemTime>>,
    job: Option<u32>,
}

impl From<Properties> for Changed {
    fn from(mut properties: Properties) -> Self {
        // (id, path)
        let job = take::<OwnedVariant>(&mut properties, "Job").map(Structure::try_from).and_then(Result::ok);
        let job = job.and_then(|job| match job.fields().first() {
            Some(Variant::U32(id)) => Some(*id),
            _ => None,
        });
        let all = &mut properties;
        Self {
            load: take_word(all, "LoadState"),
            active: take_word(all, "ActiveState"),
            sub: take_word(all, "SubState"),
            status_text: take(all, "StatusText"),
            result: take_word(all, "Result"),
            slice: take::<String>(all, "Slice").map(|name| slice(&name)),
            exec_main_status: take(all, "ExecMainStatus"),
            main_pid: take(all, "MainPID"),
            restarts: take(all, "NRestarts"),
            requires: take(all, "Requires"),
            need_daemon_reload: take(all, "NeedDaemonReload"),
            drop_ins: take(all, "DropInPaths"),
            invocation: take::<Vec<u8>>(all, "InvocationID").map(|id| id.try_into().ok()),
            fragment: take(all, "FragmentPath"),
            next_elapse: take(all, "NextElapseUSecRealtime").map(timestamp),
            active_since: take(all, "ActiveEnterTimestamp").map(timestamp),
            start_begun: take(all, "InactiveExitTimestamp").map(timestamp),
            started: take(all, "ExecMainStartTimestamp").map(timestamp),
            job,
        }
    }
}

/// No path is made of anything but a unit's name.
fn slice(name: &str) -> Option<UnitName> {
    UnitName::parse(name).ok().filter(|unit| unit.is(UnitKind::Slice))
}

pub(crate) type Properties = HashMap<String, OwnedVariant>;

pub(crate) fn take<T: TryFrom<OwnedVariant>>(properties: &mut Properties, name: &str) -> Option<T> {
    T::try_from(properties.remove(name)?).ok()
}

pub(crate) fn take_word<T: for<'a> From<&'a str>>(properties: &mut Properties, name: &str) -> Option<T> {
    take::<String>(properties, name).map(|word| T::from(&word))
}

/// Microseconds since 1970; zero and `USEC_INFINITY`: never.
fn timestamp(microseconds: u64) -> Option<SystemTime> {
    (1..u64::MAX).contains(&microseconds).then(|| SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_the_name_of_a_slice() {
        assert_eq!(slice("wharf-shop.slice").as_deref(), Some("wharf-shop.slice"));
        for other in ["", "/dev/shm/x.slice", "../x.slice", "x", "x.service", "a/../b.slice"] {
            assert_eq!(slice(other), None, "{other}");
        }
    }

    #[test]
    fn a_word_of_a_newer_systemd_is_kept() {
        for word in ["active", "", "hibernating"] {
            assert_eq!(ActiveState::from(word).as_str(), word);
        }
        assert_eq!(ActiveState::from("active"), ActiveState::Active);
        assert_eq!(UnitResult::default(), UnitResult::from(""));
        assert_eq!(serde_json::to_string(&UnitResult::from("new-way")).unwrap(), "\"new-way\"");
    }
}
