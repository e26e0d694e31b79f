//! The interfaces of wharfd: its objects on the bus, its metrics.
//!
//! In: facts, as they change. Out: properties, signals, metrics; and what callers ask for, checked, to the supervising thread.
//! Invariant: a thread of its own, which keeps nothing but the last facts: however many questions come, they wait for each
//! other, and no restart waits for them.

mod bus;
mod caller;
mod container;
mod host;
mod metrics;
mod project;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use tokio::sync::mpsc::{Sender, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::action::{Caller, Reason};
use super::facts::{Facts, Restart};
use crate::engine::{FileChanges, ListedContainer};
use crate::name::UnitName;
use crate::systemd::Verb;

/// A change, for those who watch.
#[derive(Debug)]
pub enum Update {
    /// Of a container that is new, or has changed.
    Facts(Arc<Facts>),
    /// This unit is no longer on this host.
    Gone(UnitName),
    /// The containers that no stack declares.
    Undeclared(Vec<ListedContainer>),
    Engine {
        is_connected: bool,
    },
    Restarted {
        unit: UnitName,
        restart: Restart,
    },
    Stopped {
        unit: UnitName,
        reason: Reason,
        detail: String,
    },
    Failed {
        unit: UnitName,
        verb: Verb,
        reason: Reason,
        why: String,
    },
    /// To a caller, who then finds what was published before it in the properties.
    Response {
        response: Response,
        reply: oneshot::Sender<Response>,
    },
    /// Everything is known.
    Ready,
    /// Is anybody there?
    Ping,
}

/// Something that an authorised caller asks for.
#[derive(Debug)]
pub struct Request {
    pub unit: UnitName,
    pub operation: Operation,
    pub reply: oneshot::Sender<Response>,
}

#[derive(Debug)]
pub enum Operation {
    Run(Verb, Caller),
    /// What the registry has under the image's name now.
    CheckImage,
    /// What changed in the container's file system since it was made.
    FileChanges,
}

/// An error is a sentence for the caller.
pub type Response = Result<Payload, String>;

#[derive(Debug)]
pub enum Payload {
    Done,
    Digest(String),
    Changes(FileChanges),
}

/// The last facts.
#[derive(Debug, Default)]
struct Snapshot {
    containers: BTreeMap<UnitName, Arc<Facts>>,
    undeclared: Vec<ListedContainer>,
    engine_is_connected: bool,
}

type Shared = Arc<RwLock<Snapshot>>;

/// The supervising thread's end.
pub struct Api {
    updates: UnboundedSender<Update>,
    has_answered: Arc<AtomicBool>,
}

impl Api {
    /// Starts the thread. It ends with the connection to the bus, and with it the receiver.
    pub fn start(requests: Sender<Request>) -> (Self, oneshot::Receiver<()>) {
        let (updates, taken) = unbounded_channel();
        let has_answered = Arc::new(AtomicBool::new(true));
        let answers = has_answered.clone();
        let (lives, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = match runtime {
                Ok(runtime) => {
                    runtime.block_on(bus::serve(taken, requests, answers)).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = served {
                tracing::error!("the D-Bus interface: {error}");
            }
            drop(lives);
        });
        (Self { updates, has_answered }, ended)
    }

    pub fn publish(&self, update: Update) {
        // If the thread has ended, the process will, too.
        let _ended = self.updates.send(update);
    }

    /// Whether the thread has answered the last ping; sends the next one.
    pub fn is_alive(&self) -> bool {
        let has_answered = self.has_answered.swap(false, Ordering::Relaxed);
        self.publish(Update::Ping);
        has_answered
    }
}

/// Microseconds since 1970, as systemd has them; 0: never.
fn microseconds(time: Option<SystemTime>) -> u64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_micros()).ok()).unwrap_or(0)
}
