//! wharfd: what hangs is restarted, through systemd.
//!
//! systemd restarts a container that dies; one that hangs only becomes unhealthy at the engine. In: the engine's events of all
//! containers under Wharf, systemd's of their units, and the whole picture whenever some may have been missed. Out: systemd
//! jobs, and why, in the journal. Invariant: it acts only through systemd and reads no stack file; it keeps nothing that it
//! could not learn again, so it may die at any time. What to do is decided by [`policy`], a pure function.

pub mod audit;
pub mod policy;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use tokio::sync::mpsc::{UnboundedReceiver, channel, unbounded_channel};

use crate::engine::{ContainerChange, Engine, Health};
use crate::systemd::{Announcement, Job, Manager, ManagerError, service};
use crate::unit::Mark;
use policy::{Act, Decision, Policy, Standing};
use watch::Told;

/// Changes at the engine that may wait for their turn.
const CHANGES: usize = 64;

/// Watches until the bus is lost, which is when the process cannot act any more and systemd starts it anew.
///
/// # Errors
/// systemd does not answer.
pub async fn supervise(manager: Manager) -> Result<(), ManagerError> {
    let mut announced = taken_at_once(&manager).await?;
    let (to, mut told) = channel(CHANGES);
    tokio::spawn(watch::watch(to));
    let mut supervisor = Supervisor {
        manager,
        policy: Policy::default(),
        followers: BTreeMap::new(),
        containers: BTreeMap::new(),
        engine: None,
    };
    let mut jobs: FuturesUnordered<BoxFuture<'static, Ended>> = FuturesUnordered::new();
    service::ready("Connecting to the engine");
    loop {
        let now = Instant::now();
        for decision in supervisor.policy.take_due(now) {
            let followers = supervisor.followers.get(&decision.unit).cloned().unwrap_or_default();
            let container = supervisor.containers.get(&decision.unit).cloned();
            let probe = last_probe(supervisor.engine.clone().zip(container));
            jobs.push(act(supervisor.manager.clone(), decision, followers, probe).boxed());
        }
        let due = supervisor.policy.next_due(now);
        tokio::select! {
            event = told.recv() => match event {
                Some(event) => supervisor.hear(event).await,
                None => return Ok(()),
            },
            announcement = announced.recv() => match announcement {
                Some(announcement) => supervisor.heed(announcement).await,
                None => return Err(ManagerError::Lost),
            },
            Some(ended) = jobs.next() => {
                supervisor.policy.ended(&ended.unit);
                ended.result?;
                supervisor.look_at(&ended.unit).await;
            }
            () = until(due) => {}
        }
    }
}

/// What systemd announces, taken off the bus as it comes: see [`Manager::announcements`].
async fn taken_at_once(manager: &Manager) -> Result<UnboundedReceiver<Announcement>, ManagerError> {
    let mut announcements = Box::pin(manager.announcements().await?);
    let (to, taken) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(announcement) = announcements.next().await {
            if to.send(announcement).is_err() {
                return;
            }
        }
    });
    Ok(taken)
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

struct Supervisor {
    manager: Manager,
    policy: Policy,
    /// The units that are restarted with a unit.
    followers: BTreeMap<String, Vec<String>>,
    /// The ids of the units' containers.
    containers: BTreeMap<String, String>,
    /// As it was found last.
    engine: Option<Engine>,
}

impl Supervisor {
    async fn hear(&mut self, told: Told) {
        match told {
            Told::All(engine, all) => {
                self.engine = Some(engine);
                let runs = |unit: &str| all.iter().any(|container| container.unit == unit);
                let gone: Vec<String> = self.policy.units().filter(|unit| !runs(unit)).map(str::to_owned).collect();
                gone.iter().for_each(|unit| self.policy.unknown(unit));
                for container in all {
                    self.learn(&container.unit).await;
                    self.fares(container);
                }
                service::status("Watching");
            }
            Told::Change(container) => {
                if !self.followers.contains_key(&container.unit) {
                    self.learn(&container.unit).await;
                }
                self.fares(container);
            }
            Told::Away(error) => {
                eprintln!("<4>{error}; waiting for the engine");
                service::status("Waiting for the engine");
            }
        }
    }

    fn fares(&mut self, ContainerChange { unit, id, health }: ContainerChange) {
        let now = Instant::now();
        match health {
            Some(Health::HEALTHY) => self.policy.healthy(&unit, now),
            Some(Health::UNHEALTHY) => self.policy.unhealthy(&unit, now),
            _ => self.policy.unknown(&unit),
        }
        self.containers.insert(unit, id);
    }

    async fn heed(&mut self, announcement: Announcement) {
        match announcement {
            Announcement::Service { unit, is_running } => {
                if self.followers.contains_key(&unit) {
                    self.policy.stands(&unit, standing(is_running));
                }
            }
            Announcement::Reloaded => {
                let units: Vec<String> = self.followers.keys().cloned().collect();
                for unit in units {
                    self.learn(&unit).await;
                }
            }
        }
    }

    /// What the unit's file says, and how it stands.
    async fn learn(&mut self, unit: &str) {
        let fragment = self.manager.fragment(unit).await;
        let text = fragment.ok().flatten().and_then(|path| std::fs::read_to_string(path).ok());
        match text.as_deref().and_then(Mark::of_unit) {
            Some(mark) => {
                self.policy.wants(unit, mark.on_unhealthy);
                self.followers.insert(unit.to_owned(), mark.restarts_with);
                self.look_at(unit).await;
            }
            // Not, or no longer, a unit of Wharf's: not wharfd's to restart.
            None => {
                self.followers.remove(unit);
                self.policy.forget(unit);
            }
        }
    }

    async fn look_at(&mut self, unit: &str) {
        if self.followers.contains_key(unit) {
            // Of what systemd does not know, hands off. That the bus is gone shows at the announcements.
            let is_running = self.manager.is_running(unit).await.unwrap_or(false);
            self.policy.stands(unit, standing(is_running));
        }
    }
}

fn standing(is_running: bool) -> Standing {
    if is_running { Standing::Running } else { Standing::Other }
}

/// A decision that was carried out, or found to be void.
struct Ended {
    unit: String,
    /// An error: the bus is lost.
    result: Result<(), ManagerError>,
}

/// What the healthcheck of a container said last; empty if that cannot be learned any more.
async fn last_probe(container: Option<(Engine, String)>) -> String {
    let Some((engine, id)) = container else { return String::new() };
    engine.container(&id).await.ok().flatten().map(|container| container.health.output).unwrap_or_default()
}

/// Carries out one decision: `followers` are restarted after the unit, if they run.
async fn act(
    manager: Manager,
    decision: Decision,
    followers: Vec<String>,
    probe: impl Future<Output = String>,
) -> Ended {
    let result = match carry_out(&manager, &decision, &followers, probe).await {
        Err(error @ (ManagerError::Lost | ManagerError::Unreachable { .. })) => Err(error),
        Err(error) => {
            audit::failed(&decision.unit, decision.act, &error.to_string()).await;
            Ok(())
        }
        Ok(()) => Ok(()),
    };
    Ended { unit: decision.unit, result }
}

async fn carry_out(
    manager: &Manager,
    decision: &Decision,
    followers: &[String],
    probe: impl Future<Output = String>,
) -> Result<(), ManagerError> {
    let unit = decision.unit.as_str();
    // Somebody may be at it since it was last heard of: then it is left alone.
    if !manager.is_running(unit).await? {
        return Ok(());
    }
    audit::begins(decision).await;
    let job = match decision.act {
        // Alone: what depends on it goes on, as it does when systemd restarts a unit by itself.
        Act::Restart => Job::RestartAlone,
        // As `systemctl stop`: what cannot do without it stops too.
        Act::Stop => Job::Stop,
    };
    // The container goes with the job: what its probe said is asked for at the same time, and does not delay it.
    let said = async { audit::probed(unit, &probe.await).await };
    let (jobs, none) = ([(job, unit)], BTreeSet::new());
    let ((), outcomes) = tokio::join!(said, manager.run(&jobs, &none));
    for outcome in outcomes? {
        audit::ended(&outcome.unit, decision.act, &outcome.result).await;
        if decision.act == Act::Stop || !outcome.result.is_success() {
            return Ok(());
        }
    }
    let mut running = Vec::new();
    for follower in followers {
        if manager.is_running(follower).await? {
            running.push((Job::RestartAlone, follower.as_str()));
        }
    }
    for outcome in manager.run(&running, &none).await? {
        audit::ended(&outcome.unit, decision.act, &outcome.result).await;
    }
    Ok(())
}
