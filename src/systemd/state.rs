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

    /// Takes over what has changed.
    pub fn apply(&mut self, Changed(mut properties): Changed) {
        fn set<T: TryFrom<OwnedVariant>>(properties: &mut Properties, name: &str, field: &mut T) {
            if let Some(value) = take(properties, name) {
                *field = value;
            }
        }
        let all = &mut properties;
        set(all, "LoadState", &mut self.load);
        set(all, "ActiveState", &mut self.active);
        set(all, "SubState", &mut self.sub);
        set(all, "StatusText", &mut self.status_text);
        set(all, "Result", &mut self.result);
        set(all, "Slice", &mut self.slice);
        set(all, "ExecMainStatus", &mut self.exec_main_status);
        set(all, "MainPID", &mut self.main_pid);
        set(all, "NRestarts", &mut self.restarts);
        set(all, "Requires", &mut self.requires);
        set(all, "NeedDaemonReload", &mut self.need_daemon_reload);
        if let Some(time) = take(all, "ActiveEnterTimestamp") {
            self.active_since = timestamp(time);
            self.started = self.started.or(self.active_since);
        }
        if let Some(time) = take(all, "InactiveExitTimestamp") {
            self.start_begun = timestamp(time);
        }
        if let Some(time) = take(all, "ExecMainStartTimestamp") {
            self.started = timestamp(time).or(self.active_since);
        }
        // (id, path)
        let job = all.get("Job").and_then(|job| job.downcast_ref::<Structure<'_>>().ok());
        if let Some(Variant::U32(id)) = job.as_ref().and_then(|job| job.fields().first()) {
            self.job = *id;
        }
    }
}

pub(super) fn is_steady(active: &str, sub: &str, job: u32) -> bool {
    active == "active" && sub == "running" && job == 0
}

/// Properties of a unit that are new, or all of them.
#[derive(Debug)]
pub struct Changed(pub(super) Properties);

pub(super) type Properties = HashMap<String, OwnedVariant>;

pub(super) fn take<T: TryFrom<OwnedVariant>>(properties: &mut Properties, name: &str) -> Option<T> {
    T::try_from(properties.remove(name)?).ok()
}

/// Microseconds since 1970; zero: never.
fn timestamp(microseconds: u64) -> Option<SystemTime> {
    (microseconds > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds))
}
