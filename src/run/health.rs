//! Reports the container's health to systemd: as the status line, and as readiness if the unit waits for it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{Stream, StreamExt};
use tokio::time::sleep;

use super::error::StartError;
use super::handover::Handover;
use super::message;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError, Health, HealthReport, Probe};
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
    probe: Probe,
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

/// The status line of a container whose probe cannot be run: it has no output of its own.
fn line_without_probe(health: Health, why: &dyn fmt::Display) -> String {
    let state = if health == Health::UNHEALTHY { "Unhealthy" } else { "Running, not yet healthy" };
    format!("{state}: {CANNOT_RUN}: {why}")
}

const CANNOT_RUN: &str = "the healthcheck cannot be run";

/// The output of a probe as one line.
fn shown(output: &str) -> String {
    const LONGEST: usize = 200;
    let line = one_line(output, LONGEST);
    if line.is_empty() { "the probe printed nothing".to_owned() } else { line }
}

impl<'a> HealthWatch<'a> {
    pub fn new(engine: &'a Engine, handover: &'a Handover) -> Self {
        let Handover { id, awaited, health, health_since, .. } = handover;
        let (awaited, last, since) = (*awaited, *health, *health_since);
        Self { engine, id, awaited, last, probe: Probe::None, since, recovered: false }
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
            let closed = || EngineError::Unreachable("the connection was closed".into());
            let health = self.next_change(&mut changes).await.unwrap_or_else(|| Err(closed()))?;
            if let Some(error) = self.change(health).await {
                return Ok(error);
            }
        }
    }

    /// The next change. Until a probe could be run, it looks at each: the engine reports nothing before the last of the retries, or the
    /// end of the start period. While the unit waits, its start timeout is extended.
    async fn next_change<C: Stream + Unpin>(&mut self, changes: &mut C) -> Option<C::Item> {
        let mut pause = Backoff::default();
        loop {
            let is_looking = self.last == Health::STARTING && self.probe != Probe::Ran;
            let may_recover = self.last == Health::HEALTHY && !self.recovered;
            tokio::select! {
                next = changes.next() => return next,
                () = pause.wait(), if is_looking => self.look().await,
                () = sleep(service::EXTENSION / 2), if self.awaited && !is_looking => service::busy(&self.line()),
                () = sleep(RECOVERED), if may_recover => {
                    self.recovered = true;
                    service::forget_restarts();
                }
            }
        }
    }

    /// Looks at the last probe.
    async fn look(&mut self) {
        if let Ok(Some(container)) = self.engine.container(self.id).await {
            self.note(&container.health);
        }
        if self.awaited {
            service::busy(&self.line());
        }
    }

    /// Reports a probe that cannot be run, and one that can after others could not.
    fn note(&mut self, report: &HealthReport) {
        let before = std::mem::replace(&mut self.probe, report.probe.clone());
        if before == self.probe {
            return;
        }
        if let Probe::CannotRun { why, command } = &self.probe {
            message::warning(&format!("{CANNOT_RUN}: {why}; its command: {command}"));
        }
        if matches!((before, &self.probe), (Probe::CannotRun { .. }, _) | (_, Probe::CannotRun { .. })) {
            service::status(&self.line());
        }
    }

    /// The status line.
    fn line(&self) -> String {
        match &self.probe {
            Probe::CannotRun { why, .. } if self.last != Health::HEALTHY => line_without_probe(self.last, why),
            _ => status_line(self.last, self.id),
        }
    }

    /// Reports a change to systemd. Returns the reason if the unit can no longer become ready.
    async fn change(&mut self, health: Health) -> Option<StartError> {
        let before = std::mem::replace(&mut self.last, health);
        if health == Health::UNHEALTHY {
            return self.unhealthy(before).await;
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

    async fn unhealthy(&mut self, before: Health) -> Option<StartError> {
        let container = self.engine.container(self.id).await.ok().flatten();
        let output = shown(container.as_ref().map_or("", |container| &container.health.output));
        if let Some(container) = &container {
            self.note(&container.health);
        }
        // The journal is for root and those who may read it; the status line everybody sees.
        if before != Health::UNHEALTHY || self.awaited {
            message::warning(&format!("the container is unhealthy: {output}"));
        }
        if self.awaited {
            let why = match &self.probe {
                Probe::CannotRun { why, .. } => format!("{CANNOT_RUN}: {why}"),
                Probe::None | Probe::Ran => "the journal has what its probe printed".to_owned(),
            };
            return Some(StartError::NeverReady(format!("the container is unhealthy: {why}")));
        }
        service::status(&self.line());
        None
    }
}
