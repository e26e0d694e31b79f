//! wharfd: what hangs is restarted, through systemd.
//!
//! systemd restarts a container that dies; one that hangs only becomes unhealthy at the engine. In: the engine's health events
//! of all containers under Wharf, and their state whenever events may have been missed. Out: systemd jobs.
//! Invariant: it acts only through systemd and reads no stack file; it keeps nothing that it could not learn again, so it may
//! die at any time. What to do is decided by [`policy`], a pure function of what happened and when.

pub mod policy;

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::StreamExt;

use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError, Health};
use crate::systemd::{Job, Manager, ManagerError, service};
use policy::Policy;

/// Watches until the bus is lost, which is when the process cannot act any more and systemd starts it anew.
///
/// # Errors
/// systemd does not answer.
pub async fn supervise(manager: &Manager) -> Result<(), ManagerError> {
    let mut policy = Policy::default();
    let mut pause = Backoff::default();
    service::ready("Connecting to the engine");
    loop {
        if let Ok(engine) = Engine::connect().await {
            pause = Backoff::default();
            service::status("Watching");
            let Lost::Engine(error) = watch(&engine, manager, &mut policy).await else {
                return Err(ManagerError::Lost);
            };
            eprintln!("<4>{error}; waiting for the engine");
            service::status("Waiting for the engine");
        }
        pause.wait().await;
    }
}

/// What ended a watch.
enum Lost {
    Engine(EngineError),
    Manager,
}

impl From<EngineError> for Lost {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

async fn watch(engine: &Engine, manager: &Manager, policy: &mut Policy) -> Lost {
    let mut changes = Box::pin(engine.all_health_changes());
    // The request for events goes out with the first poll: ask for the state only then, so that no change falls in between.
    let mut first = futures_util::future::poll_immediate(changes.next()).await;
    let unhealthy = match engine.unhealthy_units().await {
        Ok(units) => units,
        Err(error) => return error.into(),
    };
    for unit in unhealthy {
        policy.unhealthy(&unit, Instant::now());
    }
    loop {
        for unit in policy.take_due(Instant::now()) {
            if let Err(lost) = restart(engine, manager, &unit).await {
                return lost;
            }
        }
        let due = policy.next_due();
        let change = match first.take() {
            Some(change) => Some(change),
            None => tokio::select! {
                change = changes.next() => Some(change),
                () = until(due) => None,
            },
        };
        match change {
            None => (),
            Some(Some(Ok(change))) if change.health == Health::UNHEALTHY => {
                policy.unhealthy(&change.unit, Instant::now());
            }
            Some(Some(Ok(change))) => policy.healthy(&change.unit, Instant::now()),
            Some(Some(Err(error))) => return error.into(),
            Some(None) => return EngineError::Unreachable("the connection was closed".to_owned()).into(),
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Restarts a unit whose container is still unhealthy, unless somebody is at it already: it stops, or is stopped.
async fn restart(engine: &Engine, manager: &Manager, unit: &str) -> Result<(), Lost> {
    if !engine.unhealthy_units().await?.iter().any(|other| other == unit) {
        return Ok(());
    }
    let state = manager.unit(unit).await.map_err(|_| Lost::Manager)?;
    if !(state.active == "active" && state.sub == "running") {
        return Ok(());
    }
    eprintln!("<5>{unit}: the container is unhealthy: restarting the unit");
    // Alone: what depends on it goes on, as it does when systemd restarts a unit by itself.
    match manager.run(&[(Job::RestartAlone, unit)], &BTreeSet::new()).await {
        Ok(outcomes) => {
            for outcome in outcomes.iter().filter(|outcome| !outcome.result.is_success()) {
                eprintln!("<3>{unit}: the restart failed: {}", outcome.result);
            }
            Ok(())
        }
        Err(ManagerError::Lost | ManagerError::Unreachable { .. }) => Err(Lost::Manager),
        Err(error) => {
            eprintln!("<3>{unit}: cannot restart: {error}");
            Ok(())
        }
    }
}
