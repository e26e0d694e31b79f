//! Acts on units, each a job of systemd that is awaited: org.freedesktop.systemd1(5).
//!
//! Invariant: what wharfd decides by itself is done to a unit only if it is active and nothing else is under way for it.

use std::collections::BTreeSet;
use std::fmt;

use super::audit;
use super::policy::Act;
use crate::systemd::{Job, Manager, ManagerError};

/// Something to do to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub unit: String,
    pub act: Act,
    pub cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The container is unhealthy; it is the how manieth act in a row.
    Unhealthy { attempt: u32 },
    /// Somebody asked for it over D-Bus.
    Requested(Caller),
}

impl Cause {
    /// One word, for the journal and the bus.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unhealthy { .. } => "unhealthy",
            Self::Requested(_) => "requested",
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

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done {
        /// What the healthcheck said, or who asked.
        detail: String,
        /// The units that were restarted after it.
        followers: Vec<String>,
    },
    /// systemd could not; why.
    Failed(String),
    /// Somebody was at the unit meanwhile: it was left alone.
    LeftAlone,
}

/// Carries out one order: `followers` are restarted after the unit, if they run. `probe`: what its healthcheck said last.
///
/// # Errors
/// The bus is lost.
pub async fn carry_out(
    manager: &Manager,
    order: &Order,
    followers: &[String],
    probe: impl Future<Output = String>,
) -> Result<Outcome, ManagerError> {
    let unit = order.unit.as_str();
    let outcome = match &order.cause {
        Cause::Unhealthy { .. } => help(manager, order, followers, probe).await,
        Cause::Requested(caller) => {
            audit::begins(order).await;
            let job = match order.act {
                Act::Start => Job::Start,
                Act::Stop => Job::Stop,
                Act::Restart => Job::Restart,
            };
            let done = Outcome::Done { detail: caller.to_string(), followers: Vec::new() };
            run(manager, job, unit).await.map(|why| why.map_or(done, Outcome::Failed))
        }
    };
    let outcome = match outcome {
        Err(error @ (ManagerError::Lost | ManagerError::Unreachable { .. })) => return Err(error),
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(outcome) => outcome,
    };
    if let Outcome::Failed(why) = &outcome {
        audit::failed(order, why).await;
    }
    Ok(outcome)
}

async fn help(
    manager: &Manager,
    order: &Order,
    followers: &[String],
    probe: impl Future<Output = String>,
) -> Result<Outcome, ManagerError> {
    let unit = order.unit.as_str();
    if !manager.is_steady(unit).await? {
        return Ok(Outcome::LeftAlone);
    }
    audit::begins(order).await;
    // Restarted alone: what depends on it goes on, as it does when systemd restarts a unit by itself. Stopped as by
    // `systemctl stop`: what cannot do without it stops too.
    let job = if order.act == Act::Stop { Job::Stop } else { Job::RestartAlone };
    // The container goes with the job: what its probe said is asked for at the same time, and does not delay it.
    let said = async {
        let output = probe.await;
        audit::probed(order, &output).await;
        output
    };
    let (detail, failure) = tokio::join!(said, run(manager, job, unit));
    if let Some(why) = failure? {
        return Ok(Outcome::Failed(why));
    }
    let mut restarted = Vec::new();
    if order.act == Act::Restart {
        for follower in followers {
            if manager.is_steady(follower).await? {
                restarted.push(follower.clone());
            }
        }
        let jobs: Vec<_> = restarted.iter().map(|follower| (Job::RestartAlone, follower.as_str())).collect();
        for ended in manager.run(&jobs, &BTreeSet::new()).await?.iter().filter(|ended| !ended.result.is_success()) {
            let order = Order { unit: ended.unit.clone(), ..order.clone() };
            audit::failed(&order, &format!("the job {}", ended.result)).await;
        }
    }
    Ok(Outcome::Done { detail, followers: restarted })
}

/// Why it failed, if it did.
async fn run(manager: &Manager, job: Job, unit: &str) -> Result<Option<String>, ManagerError> {
    let ended = manager.run(&[(job, unit)], &BTreeSet::new()).await?;
    let failed = ended.iter().find(|outcome| !outcome.result.is_success());
    Ok(failed.map(|outcome| format!("the job {}", outcome.result)))
}
