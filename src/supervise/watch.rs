//! The engine's side of the picture: the health of all containers, whole after every gap, and each change.
//!
//! Invariant: a change is never told before the picture that it changes.

use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc::Sender;

use crate::backoff::Backoff;
use crate::engine::{Engine, EngineChange, EngineError, Fares};

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
    // The request for events goes out with the first poll: ask for the state only then, so that no change falls in between.
    let first = changes.next().now_or_never();
    let all = match engine.health_of_all().await {
        Ok(all) => all,
        Err(error) => return (error, false),
    };
    if to.send(Told::All(engine.clone(), all)).await.is_err() {
        return (closed(), true);
    }
    let mut next = first;
    loop {
        let change = match next.take() {
            Some(change) => change,
            None => changes.next().await,
        };
        match change {
            Some(Ok(change)) => {
                if to.send(Told::Change(change)).await.is_err() {
                    return (closed(), true);
                }
            }
            Some(Err(error)) => return (error, true),
            None => return (closed(), true),
        }
    }
}

fn closed() -> EngineError {
    EngineError::Unreachable("the connection was closed".to_owned())
}
