//! Carries out actions on units, each as a job of systemd that is awaited: org.freedesktop.systemd1(5).
//!
//! Invariant: what wharfd decides by itself is done to a unit only if it is active and no other job is under way for it.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::action::{Action, Cause};
use super::audit;
use crate::name::UnitName;
use crate::systemd::{Manager, ManagerError, Verb};

/// The result of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done {
        /// Who made the request, or the unit that it depends on. Not what a healthcheck printed: everybody sees this.
        detail: String,
        /// The units that were restarted after it.
        followers: Vec<UnitName>,
    },
    /// systemd could not; why.
    Failed(String),
    /// The unit was no longer running, or had a job: nothing was done.
    LeftAlone,
}

/// Carries out one action: `followers` are restarted after the unit, if they run. `probe`: what its healthcheck printed last.
///
/// # Errors
/// The bus is lost.
pub async fn execute(
    manager: &Manager,
    action: &Action,
    followers: &[UnitName],
    probe: impl Future<Output = String>,
) -> Result<Outcome, ManagerError> {
    let result = match &action.cause {
        Cause::Unhealthy { .. } => repair(manager, action, followers, probe).await,
        Cause::Requested(caller) => run_requested(manager, action, caller.to_string()).await,
        Cause::Dependency { of } => run_requested(manager, action, of.to_string()).await,
    };
    let outcome = match result {
        Err(error @ (ManagerError::Lost | ManagerError::Unreachable { .. })) => return Err(error),
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(outcome) => outcome,
    };
    if let Outcome::Failed(why) = &outcome {
        audit::failed(action, why);
    }
    Ok(outcome)
}

async fn run_requested(manager: &Manager, action: &Action, detail: String) -> Result<Outcome, ManagerError> {
    audit::starting(action);
    let failure = run(manager, action).await?;
    Ok(failure.map_or(Outcome::Done { detail, followers: Vec::new() }, Outcome::Failed))
}

async fn repair(
    manager: &Manager,
    action: &Action,
    followers: &[UnitName],
    probe: impl Future<Output = String>,
) -> Result<Outcome, ManagerError> {
    if !manager.is_steady(&action.unit).await? {
        return Ok(Outcome::LeftAlone);
    }
    audit::starting(action);
    // The container goes with the job: its probe is asked for at the same time, and does not delay the job.
    let probe = async { audit::probe_output(action, &probe.await) };
    let ((), failure) = tokio::join!(probe, run(manager, action));
    if let Some(why) = failure? {
        return Ok(Outcome::Failed(why));
    }
    let followers = if action.verb == Verb::Restart {
        restart_followers(manager, &action.unit, followers).await?
    } else {
        Vec::new()
    };
    Ok(Outcome::Done { detail: String::new(), followers })
}

/// Restarts those that run, side by side; returns which were.
async fn restart_followers(
    manager: &Manager,
    unit: &UnitName,
    followers: &[UnitName],
) -> Result<Vec<UnitName>, ManagerError> {
    let restarts = followers.iter().map(async |follower| {
        if !manager.is_steady(follower).await.unwrap_or(false) {
            return Ok(None);
        }
        let cause = Cause::Dependency { of: unit.clone() };
        let action = Action { unit: follower.clone(), verb: Verb::Restart, cause };
        // Its failure is not the unit's. It has no followers in turn: they would be followers of the unit.
        let outcome = Box::pin(execute(manager, &action, &[], async { String::new() })).await?;
        Ok(matches!(outcome, Outcome::Done { .. }).then_some(action.unit))
    });
    Ok(try_join_all(restarts).await?.into_iter().flatten().collect())
}

/// Why it failed, if it did.
async fn run(manager: &Manager, action: &Action) -> Result<Option<String>, ManagerError> {
    let ended = manager.run(&[(action.job(), action.unit.as_str())], &BTreeSet::new()).await?;
    let failed = ended.iter().find(|outcome| !outcome.result.is_success());
    Ok(failed.map(|outcome| format!("the job {}", outcome.result)))
}
