//! Waiting for others, the engine and the registry, without running into a timeout of systemd.

use std::time::{Duration, Instant};

use super::failure::{StartError, at};
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError};
use crate::systemd::service;

/// How long to wait for the engine, or the registry, before the start has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long the engine may take to say who it is.
const ENGINE_ANSWER: Duration = Duration::from_secs(10);

/// Waits for the engine, with growing pauses.
pub async fn connect() -> Result<Engine, StartError> {
    let begin = Instant::now();
    let mut pause = Backoff::default();
    loop {
        let attempt = patiently("Waiting for the engine", tokio::time::timeout(ENGINE_ANSWER, Engine::connect()));
        let error = match attempt.await {
            Ok(Ok(engine)) => return Ok(engine),
            Ok(Err(error)) => error,
            Err(_) => EngineError::Unreachable("no answer in time".to_owned()),
        };
        if !error.is_unreachable() || begin.elapsed() >= PATIENCE {
            return at("cannot reach the engine", Err(error));
        }
        service::busy(&format!("Waiting for the engine: {error}"));
        pause.wait().await;
    }
}

/// Keeps the start timeout away while `work` goes on without a sign of its own (a large layer being extracted).
pub async fn patiently<T>(status: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(service::EXTENSION / 2) => service::busy(status),
        }
    }
}
