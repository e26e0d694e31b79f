//! Acts on units, each a job of systemd that is awaited: org.freedesktop.systemd1(5).
//!
//! Invariant: what wharfd decides by itself is done to a unit only if it is active and nothing else is under way for it.

use std::collections::BTreeSet;
use std::fmt;

use futures_util::future::try_join_all;

use super::audit;
use crate::systemd::{Act, Job, Manager, ManagerError};

/// Something to do to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub unit: String,
    pub act: Act,
    pub cause: Cause,
}

impl Order {
    /// What wharfd restarts, it restarts alone: what depends on it goes on, as it does when systemd restarts a unit by itself. What
    /// somebody asks for is done as systemctl(1) does it; so is a stop: what cannot do without the unit stops, too.
    fn job(&self) -> Job {
        match (self.act, &self.cause) {
            (Act::Start, _) => Job::Start,
            (Act::Stop, _) => Job::Stop,
            (Act::Restart, Cause::Requested(_)) => Job::Restart,
            (Act::Restart, _) => Job::RestartAlone,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The container is unhealthy; it is the how manieth act in a row.
    Unhealthy { attempt: u32 },
    /// This unit, which it depends on, has been restarted.
    Dependency { of: String },
    /// Somebody asked for it over D-Bus.
    Requested(Caller),
}

impl Cause {
    /// One word, for the journal and the bus.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unhealthy { .. } => "unhealthy",
            Self::Dependency { .. } => "dependency",
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
    let done = match &order.cause {
        Cause::Unhealthy { .. } => help(manager, order, followers, probe).await,
        Cause::Requested(caller) => obey(manager, order, caller.to_string()).await,
        Cause::Dependency { of } => obey(manager, order, of.clone()).await,
    };
    let outcome = match done {
        Err(error @ (ManagerError::Lost | ManagerError::Unreachable { .. })) => return Err(error),
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(outcome) => outcome,
    };
    if let Outcome::Failed(why) = &outcome {
        audit::failed(order, why).await;
    }
    Ok(outcome)
}

async fn obey(manager: &Manager, order: &Order, detail: String) -> Result<Outcome, ManagerError> {
    audit::begins(order).await;
    let failure = run(manager, order).await?;
    Ok(failure.map_or(Outcome::Done { detail, followers: Vec::new() }, Outcome::Failed))
}

async fn help(
    manager: &Manager,
    order: &Order,
    followers: &[String],
    probe: impl Future<Output = String>,
) -> Result<Outcome, ManagerError> {
    if !manager.is_steady(&order.unit).await? {
        return Ok(Outcome::LeftAlone);
    }
    audit::begins(order).await;
    // The container goes with the job: what its probe said is asked for at the same time, and does not delay it.
    let said = async {
        let output = probe.await;
        audit::probed(order, &output).await;
        output
    };
    let (detail, failure) = tokio::join!(said, run(manager, order));
    if let Some(why) = failure? {
        return Ok(Outcome::Failed(why));
    }
    let followers = if order.act == Act::Restart { follow(manager, &order.unit, followers).await? } else { Vec::new() };
    Ok(Outcome::Done { detail, followers })
}

/// Restarts those that run, side by side; which were.
async fn follow(manager: &Manager, unit: &str, followers: &[String]) -> Result<Vec<String>, ManagerError> {
    let restarts = followers.iter().map(async |follower| {
        if !manager.is_steady(follower).await.unwrap_or(false) {
            return Ok(None);
        }
        let cause = Cause::Dependency { of: unit.to_owned() };
        let order = Order { unit: follower.clone(), act: Act::Restart, cause };
        // What becomes of it is its own affair. It has no followers in turn: they would be followers of the unit.
        let outcome = Box::pin(carry_out(manager, &order, &[], async { String::new() })).await?;
        Ok(matches!(outcome, Outcome::Done { .. }).then_some(order.unit))
    });
    Ok(try_join_all(restarts).await?.into_iter().flatten().collect())
}

/// Why it failed, if it did.
async fn run(manager: &Manager, order: &Order) -> Result<Option<String>, ManagerError> {
    let ended = manager.run(&[(order.job(), order.unit.as_str())], &BTreeSet::new()).await?;
    let failed = ended.iter().find(|outcome| !outcome.result.is_success());
    Ok(failed.map(|outcome| format!("the job {}", outcome.result)))
}
