//! The engine's side of the picture: the health of all containers, whole after every gap, and each change.
//!
//! Invariant: a change is never told before the picture that it changes.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::Sender;

use crate::backoff::Backoff;
use crate::engine::{Engine, EngineChange, EngineError, Fares};

/// The events are asked for so long before the picture.
const HEAD_START: Duration = Duration::from_millis(100);

/// The picture is asked for again so long after the first.
const SECOND_PICTURE: Duration = Duration::from_secs(5);

/// What the engine tells.
pub enum Told {
    /// How all containers fare that run, by this engine.
    All(Engine, Vec<Fares>),
    Change(EngineChange),
    /// It cannot be reached, or its events have ended. It is being tried again.
    Away(EngineError),
}

/// Tells all that happens at the engine, until nobody listens.
pub async fn watch(to: Sender<Told>) {
    let mut pause = Backoff::default();
    while !to.is_closed() {
        let error = match Engine::connect().await {
            Ok(engine) => {
                let (error, was_there) = follow(&engine, &to).await;
                if was_there {
                    pause = Backoff::default();
                }
                error
            }
            Err(error) => error,
        };
        if to.send(Told::Away(error)).await.is_err() {
            return;
        }
        pause.wait().await;
    }
}

/// Until the events end; whether there has been a picture.
async fn follow(engine: &Engine, to: &Sender<Told>) -> (EngineError, bool) {
    let mut changes = Box::pin(engine.changes());
    // The request for events goes out as the stream is polled. No change shall fall between it and the picture, so the engine has
    // some time for it first; how long it really takes it does not say, so there is a second picture later.
    let mut first = tokio::time::timeout(HEAD_START, changes.next()).await.ok();
    let mut was_there = false;
    let mut picture = std::pin::pin!(tokio::time::sleep(SECOND_PICTURE));
    let mut is_due = true;
    loop {
        let told = if is_due {
            match engine.health_of_all().await {
                Ok(all) => Told::All(engine.clone(), all),
                Err(error) => return (error, was_there),
            }
        } else {
            let next = async {
                match first.take() {
                    Some(change) => change,
                    None => changes.next().await,
                }
            };
            tokio::select! {
                () = &mut picture, if !picture.is_elapsed() => {
                    is_due = true;
                    continue;
                }
                change = next => match change {
                    Some(Ok(change)) => Told::Change(change),
                    Some(Err(error)) => return (error, was_there),
                    None => return (closed(), was_there),
                },
            }
        };
        (is_due, was_there) = (false, true);
        if to.send(told).await.is_err() {
            return (closed(), true);
        }
    }
}

fn closed() -> EngineError {
    EngineError::Unreachable("the connection was closed".to_owned())
}
