//! What systemd knows of a unit: its properties (org.freedesktop.systemd1(5)), whole or as they change.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use zbus::{OwnedVariant, Structure, Variant};

/// What systemd knows of one unit; names as in org.freedesktop.systemd1(5). Zero and empty where a unit type lacks one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    pub name: String,
    /// `loaded`, `not-found`, `masked`…
    pub load: String,
    pub active: String,
    pub sub: String,
    pub status_text: String,
    /// Why a service failed: `exit-code`, `signal`, `timeout`… `success` if it did not.
    pub result: String,
    pub exec_main_status: i32,
    pub main_pid: u32,
    pub restarts: u32,
    pub active_since: Option<SystemTime>,
    /// When its last start began.
    pub start_begun: Option<SystemTime>,
    /// When the main process was executed; of a unit without one, when it became active.
    pub started: Option<SystemTime>,
    pub slice: String,
    pub requires: Vec<String>,
    pub need_daemon_reload: bool,
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
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "refreshing")
    }

    pub fn is_running(&self) -> bool {
        self.active != "inactive" && self.active != "failed"
    }

    /// Whether it is active and nothing is under way for it, neither a job nor an end.
    pub fn is_steady(&self) -> bool {
        is_steady(&self.active, &self.sub, self.job)
    }

    /// Whether its main process has run, and does not now: systemd forgets the status with the next start.
    pub fn has_ended(&self) -> bool {
        self.main_pid == 0 && self.started.is_some() && !self.result.is_empty() && self.active != "active"
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
        set(&mut self.active_since, changed.active_since);
        set(&mut self.start_begun, changed.start_begun);
        set(&mut self.started, changed.started);
        set(&mut self.job, changed.job);
        self.started = self.started.or(self.active_since);
    }
}

pub(super) fn is_steady(active: &str, sub: &str, job: u32) -> bool {
    active == "active" && sub == "running" && job == 0
}

/// What is new of a unit, or all of it; of a signal's hundred properties only those of [`UnitState`], as many may wait.
#[derive(Debug, Default)]
pub struct Changed {
    load: Option<String>,
    active: Option<String>,
    sub: Option<String>,
    status_text: Option<String>,
    result: Option<String>,
    slice: Option<String>,
    exec_main_status: Option<i32>,
    main_pid: Option<u32>,
    restarts: Option<u32>,
    requires: Option<Vec<String>>,
    need_daemon_reload: Option<bool>,
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
            load: take(all, "LoadState"),
            active: take(all, "ActiveState"),
            sub: take(all, "SubState"),
            status_text: take(all, "StatusText"),
            result: take(all, "Result"),
            slice: take(all, "Slice"),
            exec_main_status: take(all, "ExecMainStatus"),
            main_pid: take(all, "MainPID"),
            restarts: take(all, "NRestarts"),
            requires: take(all, "Requires"),
            need_daemon_reload: take(all, "NeedDaemonReload"),
            active_since: take(all, "ActiveEnterTimestamp").map(timestamp),
            start_begun: take(all, "InactiveExitTimestamp").map(timestamp),
            started: take(all, "ExecMainStartTimestamp").map(timestamp),
            job,
        }
    }
}

pub(crate) type Properties = HashMap<String, OwnedVariant>;

pub(crate) fn take<T: TryFrom<OwnedVariant>>(properties: &mut Properties, name: &str) -> Option<T> {
    T::try_from(properties.remove(name)?).ok()
}

/// Microseconds since 1970; zero: never.
fn timestamp(microseconds: u64) -> Option<SystemTime> {
    (microseconds > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds))
}
