//! The container's health: told to systemd as the status line, and as readiness where the unit waits for it.

use std::time::Duration;

use futures_util::StreamExt;

use super::start::{StartError, patiently};
use super::{message, output::Pause};
use crate::engine::{Engine, EngineError, Health, HealthReport};
use crate::spec::Ready;
use crate::systemd::service;

/// Follows the health of a container.
pub struct HealthWatch<'a> {
    engine: &'a Engine,
    id: &'a str,
    /// Whether the unit becomes ready by it, and is not yet.
    awaited: bool,
    last: Option<HealthReport>,
}

/// The status line of a container that runs.
pub fn status_line(report: &HealthReport, id: &str) -> String {
    let container = message::short(id);
    match report.status {
        Health::HEALTHY => format!("Healthy, container {container}"),
        Health::UNHEALTHY => format!("Unhealthy: {} (container {container})", one_line(&report.output)),
        Health::STARTING => format!("Running, not yet healthy, container {container}"),
        Health::NONE | Health::EMPTY => format!("Running, container {container}"),
    }
}

fn one_line(output: &str) -> String {
    const MOST: usize = 200;
    let line = output.trim().replace(char::is_control, " ");
    let line = if line.is_empty() { "the probe printed nothing".to_owned() } else { line };
    line.chars().take(MOST).collect()
}

impl<'a> HealthWatch<'a> {
    pub fn new(engine: &'a Engine, id: &'a str, awaited: bool) -> Self {
        Self { engine, id, awaited, last: None }
    }

    /// Whether the unit still waits for the container to be healthy.
    pub fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Runs for as long as the container does. Returns only when the container cannot become ready any more.
    pub async fn run(&mut self) -> StartError {
        let mut pause = Pause::new();
        loop {
            match self.follow().await {
                Ok(Some(verdict)) => return verdict,
                // The container has no health check: there is nothing more to follow.
                Ok(None) => std::future::pending().await,
                Err(_engine_away) => pause.wait().await,
            }
        }
    }

    async fn follow(&mut self) -> Result<Option<StartError>, EngineError> {
        let mut changes = Box::pin(self.engine.health_changes(self.id));
        // The stream begins with its first poll: ask for the state only then, so that no change is missed in between.
        let mut first = futures_util::future::poll_immediate(changes.next()).await;
        loop {
            if let Some(verdict) = self.look().await? {
                return Ok(verdict.into());
            }
            if self.last.as_ref().is_some_and(|report| report.status == Health::NONE) {
                return Ok(None);
            }
            let change = match first.take() {
                Some(change) => change,
                None if self.awaited => self.next_while_awaited(&mut changes).await,
                None => changes.next().await,
            };
            change.unwrap_or_else(|| Err(EngineError::Unreachable("the connection was closed".to_owned())))?;
        }
    }

    /// The engine's first "healthy" is an event; it is looked for now and then all the same, should an event be lost.
    async fn next_while_awaited(
        &self,
        changes: &mut (impl futures_util::Stream<Item = Result<(), EngineError>> + Unpin),
    ) -> Option<Result<(), EngineError>> {
        let status = format!("Waiting until container {} is healthy", message::short(self.id));
        let next = patiently(&status, changes.next());
        tokio::time::timeout(Duration::from_secs(5), next).await.unwrap_or(Some(Ok(())))
    }

    /// Asks for the state, and tells systemd.
    async fn look(&mut self) -> Result<Option<StartError>, EngineError> {
        let Some(container) = self.engine.container(self.id).await? else { return Ok(None) };
        if !container.running || self.last.as_ref() == Some(&container.health) && !self.awaited {
            return Ok(None);
        }
        let report = container.health;
        let line = status_line(&report, self.id);
        let verdict = match report.status {
            Health::HEALTHY if self.awaited => {
                self.awaited = false;
                service::ready(&line);
                None
            }
            Health::UNHEALTHY if self.awaited => {
                Some(StartError::NeverReady(format!("the container is unhealthy: {}", one_line(&report.output))))
            }
            Health::NONE | Health::EMPTY if self.awaited => Some(StartError::NeverReady(
                "the unit waits for the container to be healthy, but neither the service nor the image has a healthcheck"
                    .to_owned(),
            )),
            _ if self.awaited => {
                service::busy(&line);
                None
            }
            _ => {
                service::status(&line);
                None
            }
        };
        self.tell_change(&report);
        self.last = Some(report);
        Ok(verdict)
    }

    fn tell_change(&self, report: &HealthReport) {
        let before = self.last.as_ref().map(|last| last.status);
        match report.status {
            Health::UNHEALTHY if before != Some(Health::UNHEALTHY) => {
                message::warning(&format!("the container is unhealthy: {}", one_line(&report.output)));
            }
            Health::HEALTHY if before == Some(Health::UNHEALTHY) => message::info("the container is healthy again"),
            _ => (),
        }
    }
}

/// Whether a unit's readiness waits for health.
pub fn is_awaited(ready: Ready) -> bool {
    ready == Ready::Healthy
}
