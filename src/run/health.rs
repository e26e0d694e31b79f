//! Reports the container's health to systemd: as the status line, and as readiness if the unit waits for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use tokio::time::timeout;

use super::error::StartError;
use super::handover::Handover;
use super::message;
use super::patience::patiently;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError, Health};
use crate::name::short_id;
use crate::printable::one_line;
use crate::systemd::service;

/// Follows the health of a container.
pub struct HealthWatch<'a> {
    engine: &'a Engine,
    id: &'a str,
    /// Whether the unit still waits for the container to be healthy.
    awaited: bool,
    last: Health,
    since: i64,
    /// It has been healthy for long enough that its restarts do not count any more.
    recovered: bool,
}

/// Healthy for so long, a container does not crash because of how it was started.
const RECOVERED: Duration = Duration::from_secs(60);

/// Seconds of the epoch.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed())
}

/// The status line of a container that runs.
pub fn status_line(health: Health, id: &str) -> String {
    let container = short_id(id);
    match health {
        Health::HEALTHY => format!("Healthy, container {container}"),
        Health::UNHEALTHY => format!("Unhealthy, container {container}"),
        Health::STARTING => format!("Running, not yet healthy, container {container}"),
        Health::NONE | Health::EMPTY => format!("Running, container {container}"),
    }
}

/// The output of a probe as one line.
fn shown(output: &str) -> String {
    const LONGEST: usize = 200;
    let line = one_line(output, LONGEST);
    if line.is_empty() { "the probe printed nothing".to_owned() } else { line }
}

impl<'a> HealthWatch<'a> {
    pub fn new(engine: &'a Engine, handover: &'a Handover) -> Self {
        let Handover { id, awaited, health, health_since, .. } = handover;
        Self { engine, id, awaited: *awaited, last: *health, since: *health_since, recovered: false }
    }

    /// Whether the unit still waits for the container to be healthy.
    pub fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Asks for the current health: changes while nobody followed may no longer be available as events. Returns the reason if the
    /// container cannot become ready.
    pub async fn catch_up(&mut self) -> Option<StartError> {
        self.since = now();
        let container = self.engine.container(self.id).await.ok()??;
        self.change(container.health.status).await
    }

    /// Follows for as long as the container runs. Returns only if the container can no longer become ready.
    pub async fn run(&mut self) -> StartError {
        if matches!(self.last, Health::NONE | Health::EMPTY) {
            // Without a health check there is nothing to follow.
            return std::future::pending().await;
        }
        let mut pause = Backoff::default();
        loop {
            let followed = self.follow().await;
            if let Ok(error) = followed {
                return error;
            }
            pause.wait().await;
            if let Some(error) = self.catch_up().await {
                return error;
            }
        }
    }

    async fn follow(&mut self) -> Result<StartError, EngineError> {
        let mut changes = Box::pin(self.engine.health_changes(self.id, self.since));
        loop {
            let next = if self.awaited {
                let status = format!("Waiting until container {} is healthy", short_id(self.id));
                patiently(&status, changes.next()).await
            } else if self.last == Health::HEALTHY && !self.recovered {
                match timeout(RECOVERED, changes.next()).await {
                    Ok(next) => next,
                    Err(_) => {
                        self.recovered = true;
                        service::forget_restarts();
                        continue;
                    }
                }
            } else {
                changes.next().await
            };
            let closed = || EngineError::Unreachable("the connection was closed".into());
            let health = next.unwrap_or_else(|| Err(closed()))?;
            if let Some(error) = self.change(health).await {
                return Ok(error);
            }
        }
    }

    /// Reports a change to systemd. Returns the reason if the unit can no longer become ready.
    async fn change(&mut self, health: Health) -> Option<StartError> {
        let before = std::mem::replace(&mut self.last, health);
        if health == Health::UNHEALTHY {
            let output = self.probe_output().await;
            // The journal is for root and those who may read it; the status line everybody sees.
            if before != health || self.awaited {
                message::warning(&format!("the container is unhealthy: {output}"));
            }
            if self.awaited {
                return Some(StartError::NeverReady(
                    "the container is unhealthy: the journal has what its probe printed".to_owned(),
                ));
            }
            service::status(&status_line(health, self.id));
            return None;
        }
        let line = status_line(health, self.id);
        if health == Health::HEALTHY && self.awaited {
            self.awaited = false;
            service::ready(&line);
        } else if before != health {
            service::status(&line);
        }
        if health == Health::HEALTHY && before == Health::UNHEALTHY {
            message::info("the container is healthy again");
        }
        None
    }

    async fn probe_output(&self) -> String {
        let inspected = self.engine.container(self.id).await.ok().flatten();
        shown(&inspected.map(|container| container.health.output).unwrap_or_default())
    }
}
