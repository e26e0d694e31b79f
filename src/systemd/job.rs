//! What systemd is asked to do to units, and how that ended: org.freedesktop.systemd1(5).

use std::fmt;

/// What somebody wants done to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    Restart,
}

impl Verb {
    /// As systemctl(1) names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    /// What [`Verb::as_str`] says.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Start, Self::Stop, Self::Restart].into_iter().find(|act| act.as_str() == word)
    }

    pub fn doing(self) -> &'static str {
        match self {
            Self::Start => "starting",
            Self::Stop => "stopping",
            Self::Restart => "restarting",
        }
    }
}

/// What to do to a unit; every job replaces what is queued for it, as `systemctl` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Start,
    Stop,
    Restart,
    /// Stops the unit and nothing that requires it (job mode `ignore-dependencies`).
    StopAlone,
    /// Restarts the unit and nothing that requires it (job mode `ignore-dependencies`).
    RestartAlone,
}

/// How a job ended: the result of the signal JobRemoved, org.freedesktop.systemd1(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobResult {
    Done,
    Canceled,
    Timeout,
    Failed,
    /// A unit that this one requires could not be started.
    Dependency,
    Skipped,
    Other(String),
}

impl JobResult {
    pub(super) fn new(result: &str) -> Self {
        match result {
            "done" => Self::Done,
            "canceled" => Self::Canceled,
            "timeout" => Self::Timeout,
            "failed" => Self::Failed,
            "dependency" => Self::Dependency,
            "skipped" => Self::Skipped,
            other => Self::Other(other.to_owned()),
        }
    }

    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

impl fmt::Display for JobResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Canceled => "canceled by another job",
            Self::Timeout => "timed out",
            Self::Failed => "failed",
            Self::Dependency => "dependency failed",
            Self::Skipped => "skipped",
            Self::Other(other) => other,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    pub unit: String,
    pub result: JobResult,
}
