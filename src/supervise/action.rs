//! What wharfd does to a unit, and why. Data alone.

use std::fmt;

use crate::name::UnitName;
use crate::systemd::{Job, Verb};

/// Something to do to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub unit: UnitName,
    pub verb: Verb,
    pub cause: Cause,
}

impl Action {
    /// What wharfd restarts, it restarts alone: what depends on it goes on, as it does when systemd restarts a unit by itself. What
    /// a caller requests is done as systemctl(1) does it; so is a stop: what cannot do without the unit stops, too.
    pub fn job(&self) -> Job {
        match (self.verb, &self.cause) {
            (Verb::Start, _) => Job::Start,
            (Verb::Stop, _) => Job::Stop,
            (Verb::Restart, Cause::Requested(_)) => Job::Restart,
            (Verb::Restart, _) => Job::RestartAlone,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The container is unhealthy. `attempt` counts consecutive attempts, from 1.
    Unhealthy { attempt: u32 },
    /// This unit, which it depends on, has been restarted.
    Dependency { of: UnitName },
    /// Somebody requested it over D-Bus.
    Requested(Caller),
}

impl Cause {
    pub fn reason(&self) -> Reason {
        match self {
            Self::Unhealthy { .. } => Reason::Unhealthy,
            Self::Dependency { .. } => Reason::Dependency,
            Self::Requested(_) => Reason::Requested,
        }
    }
}

/// A [`Cause`] in one word, for the journal and the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Unhealthy,
    Dependency,
    Requested,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Dependency => "dependency",
            Self::Requested => "requested",
        }
    }
}

/// A process that called wharfd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    pub uid: u32,
    pub pid: u32,
    /// The name of the program, proc_pid_comm(5); it may choose it itself.
    pub comm: String,
    /// The unit that it runs in, e.g. `session-3.scope`.
    pub unit: String,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {} ({}, process {}", self.uid, self.comm, self.pid)?;
        if self.unit.is_empty() { f.write_str(")") } else { write!(f, " of {})", self.unit) }
    }
}
