//! Watches the engine: a snapshot of all containers that run after every gap, and each event.
//!
//! Invariant: an event never comes before the snapshot that it changes.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::Sender;

use crate::backoff::Backoff;
use crate::engine::{ContainerEvent, Engine, EngineError, EngineEvent};

/// The events are asked for so long before the snapshot.
const HEAD_START: Duration = Duration::from_millis(100);

/// The snapshot is asked for again so long after the first.
const SECOND_SNAPSHOT: Duration = Duration::from_secs(5);

/// An engine that has sent nothing for so long is asked whether it still answers. One that hangs closes no connection.
const SILENCE: Duration = Duration::from_secs(30);

/// How long it may take to answer then.
const ANSWER: Duration = Duration::from_secs(20);

/// Something from the engine.
pub enum EngineUpdate {
    /// All containers that run and have a unit, by this engine.
    Snapshot(Box<Engine>, Vec<ContainerEvent>),
    Event(EngineEvent),
    /// It cannot be reached, or its events have ended. It is tried again.
    Disconnected(EngineError),
}

/// Sends all that happens at the engine, until nobody listens.
pub async fn watch(to: Sender<EngineUpdate>) {
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
        if to.send(EngineUpdate::Disconnected(error)).await.is_err() {
            return;
        }
        pause.wait().await;
    }
}

/// Until the events end, or the engine hangs; whether there has been a snapshot.
async fn follow(engine: &Engine, to: &Sender<EngineUpdate>) -> (EngineError, bool) {
    let mut events = Box::pin(engine.events());
    // The request for events goes out as the stream is polled. No event shall fall between it and the snapshot, so the engine has
    // some time for it first; how long it really takes it does not say, so there is a second snapshot later.
    let mut first = tokio::time::timeout(HEAD_START, events.next()).await.ok();
    let mut was_there = false;
    let mut second_snapshot = std::pin::pin!(tokio::time::sleep(SECOND_SNAPSHOT));
    let mut is_due = true;
    loop {
        let update = if is_due {
            match engine.running_containers().await {
                Ok(all) => EngineUpdate::Snapshot(Box::new(engine.clone()), all),
                Err(error) => return (error, was_there),
            }
        } else {
            let next = async {
                match first.take() {
                    Some(event) => event,
                    None => events.next().await,
                }
            };
            tokio::select! {
                () = &mut second_snapshot, if !second_snapshot.is_elapsed() => {
                    is_due = true;
                    continue;
                }
                event = next => match event {
                    Some(Ok(event)) => EngineUpdate::Event(event),
                    Some(Err(error)) => return (error, was_there),
                    None => return (closed(), was_there),
                },
                () = tokio::time::sleep(SILENCE) => match engine.ping(ANSWER).await {
                    Ok(()) => continue,
                    Err(error) => return (error, was_there),
                },
            }
        };
        (is_due, was_there) = (false, true);
        if to.send(update).await.is_err() {
            return (closed(), true);
        }
    }
}

fn closed() -> EngineError {
    EngineError::Unreachable("the connection was closed".into())
}
