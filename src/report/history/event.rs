//! What `wharf history` shows, as data: what happened, to which unit or project, why, and who did it.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::name::{ProjectName, ServiceName, UnitName};

/// Something that happened to a unit, or to a project as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// RFC 3339 in UTC, with microseconds, by the journal's clock. For a restart, when it began.
    #[serde(serialize_with = "rfc3339")]
    pub time: SystemTime,
    pub project: ProjectName,
    /// `None`: the project.
    pub unit: Option<UnitName>,
    /// `None` also if the unit is not installed any more.
    pub service: Option<ServiceName>,
    pub event: Kind,
    pub reason: Option<Reason>,
    /// Further details; of any length, and maybe of several lines.
    pub detail: Option<String>,
    /// `None`: the journal does not say, or systemd itself did it, as the unit says.
    pub by: Option<Actor>,
    /// The exit status of the main process; `None` also if a signal ended it.
    pub exit_status: Option<i32>,
    /// Of a start that failed: how many attempts did, if there were several. The rest is about the last one.
    pub attempts: Option<u32>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Generated,
    Removed,
    /// What a project runs is another revision.
    Updated,
    /// What it runs is again what ran before.
    RolledBack,
    /// The unit is active.
    Started,
    /// The unit ended by itself, with success.
    Finished,
    Stopped,
    Restarted,
    Reloaded,
    Failed,
    /// Requested; the outcome is not in the journal (yet).
    Starting,
    Stopping,
    Restarting,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Removed => "removed",
            Self::Updated => "updated",
            Self::RolledBack => "rolled-back",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Restarted => "restarted",
            Self::Reloaded => "reloaded",
            Self::Failed => "failed",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
        }
    }
}

/// Why it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The healthcheck failed.
    Unhealthy,
    /// Somebody asked for it, and it is known who.
    Requested,
    /// The unit ran with an older definition, or is not in the stack any more.
    Changed,
    /// `wharf update` or `wharf rollback` replaced it, or put it back.
    Updated,
    /// The project was removed.
    Removed,
    /// The main process failed; systemd restarted the unit.
    Crashed,
    /// wharf-run could not go on: the engine was away, or a container ended whose namespace it shares; systemd restarted the unit.
    Unavailable,
    /// The main process ended with success; systemd restarted the unit.
    Ended,
    /// Too many starts in too short a time: StartLimitBurst= in systemd.unit(5).
    StartLimit,
    /// What the unit requires failed, or was restarted (`restart = true`).
    Dependency,
    /// `Result` of org.freedesktop.systemd1(5): `exit-code`, `signal`, `timeout`, `oom-kill`…
    Other(String),
}

impl Reason {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Requested => "requested",
            Self::Changed => "changed",
            Self::Updated => "updated",
            Self::Removed => "removed",
            Self::Crashed => "crashed",
            Self::Unavailable => "unavailable",
            Self::Ended => "ended",
            Self::StartLimit => "start-limit",
            Self::Dependency => "dependency",
            Self::Other(result) => result,
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Who did it: a process, as the journal or wharfd saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Actor {
    pub uid: Option<u32>,
    pub pid: Option<u32>,
    pub comm: Option<String>,
    /// The unit in which it ran, e.g. that of a login session.
    pub unit: Option<String>,
    /// The user who had logged in, if known, also behind sudo(8); else the user of the process.
    pub user: Option<String>,
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_micros(*time))
}
