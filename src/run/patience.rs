//! Waits for the engine and the registry without running into a timeout of systemd.

use std::time::{Duration, Instant};

use super::error::{StartError, at};
use super::message;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError};
use crate::systemd::service;

/// After this time without the engine, or the registry, the start has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long the engine may take to answer the first request.
const ENGINE_ANSWER: Duration = Duration::from_secs(10);

/// Waits for the engine, with growing pauses.
pub async fn connect() -> Result<Engine, StartError> {
    let begin = Instant::now();
    let mut pause = Backoff::default();
    let mut is_told = false;
    loop {
        let attempt = patiently("Waiting for the engine", tokio::time::timeout(ENGINE_ANSWER, Engine::connect()));
        let error = match attempt.await {
            Ok(Ok(engine)) => return Ok(engine),
            Ok(Err(error)) => error,
            Err(_) => EngineError::Hangs,
        };
        if !error.is_unreachable() || begin.elapsed() >= PATIENCE {
            return at("cannot reach the engine", Err(error));
        }
        let status = format!("Waiting for the engine: {error}");
        service::busy(&status);
        if !std::mem::replace(&mut is_told, true) {
            message::warning(&status);
        }
        pause.wait().await;
    }
}

/// Extends the start timeout for as long as `work` takes: it may report no progress for minutes (extracting a large layer).
pub async fn patiently<T>(status: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(service::EXTENSION / 2) => service::busy(status),
        }
    }
}
