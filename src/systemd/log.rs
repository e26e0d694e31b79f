//! A program's own log: each event of `tracing` is an entry of the journal.
//!
//! In: events. Their fields are written as they are named, so they are named as in systemd.journal-fields(7), without a prefix;
//! their levels are syslog's: error, warning, notice for `info!`, info for `debug!`. Out: entries, by the native protocol.
//! Invariant: a thread that logs never waits for journald. While journald takes nothing, entries wait in their order, up to a limit;
//! those beyond it are dropped and counted, and the count is logged.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socket_with};
use thiserror::Error;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::journal::{Priority, connect, field, send};

/// Bytes of entries that may wait for journald.
const LIMIT: usize = 1 << 20;

/// [`flush`] gives up after it.
const PATIENCE: Duration = Duration::from_secs(1);

static LOG: OnceLock<Arc<Log>> = OnceLock::new();

/// What is done with an entry where there is no journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// It is printed to stderr, with its level as sd-daemon(3) has it.
    Stderr,
    /// [`flush`] says that it is lost.
    None,
}

/// Why what was logged is not in the journal.
#[derive(Debug, Error)]
pub enum LogError {
    #[error("this program does not log")]
    NotStarted,
    #[error("the journal cannot be written: {0}")]
    Write(#[from] io::Error),
    #[error("the journal takes no entries")]
    Timeout,
}

/// From now on, what the library and the program log goes to the journal under this SYSLOG_IDENTIFIER.
///
/// # Errors
/// No socket can be made (file descriptors are used up).
pub fn start(identifier: &'static str, fallback: Fallback) -> Result<(), LogError> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    let socket = socket.map_err(io::Error::from)?;
    let state = Mutex::new(State::default());
    let log = LOG.get_or_init(|| Arc::new(Log { identifier, fallback, socket, state, idle: Condvar::new() }));
    // A second start changes nothing.
    let _started_before = tracing::subscriber::set_global_default(Journald(log.clone()));
    Ok(())
}

/// Waits until journald has taken what was logged, for at most a second.
///
/// # Errors
/// Something of what was logged since the last call is not in the journal.
pub fn flush() -> Result<(), LogError> {
    let log = LOG.get().ok_or(LogError::NotStarted)?;
    let wait = log.idle.wait_timeout_while(log.lock(), PATIENCE, |state| state.is_flushing);
    let (mut state, late) = wait.unwrap_or_else(PoisonError::into_inner);
    match state.error.take() {
        Some(error) => Err(io::Error::from(error).into()),
        None if late.timed_out() => Err(LogError::Timeout),
        None => Ok(()),
    }
}

struct Log {
    identifier: &'static str,
    fallback: Fallback,
    /// It blocks; who must not wait says so at each call.
    socket: OwnedFd,
    state: Mutex<State>,
    /// Nothing waits for journald any more.
    idle: Condvar,
}

#[derive(Default)]
struct State {
    is_connected: bool,
    waiting: VecDeque<Vec<u8>>,
    /// Of those that wait.
    bytes: usize,
    /// Entries that were more than may wait.
    lost: usize,
    /// A thread sends what waits.
    is_flushing: bool,
    /// Why an entry was not taken, since somebody has asked last.
    error: Option<Errno>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(self: &Arc<Self>, entry: Entry) {
        let mut state = self.lock();
        if !state.is_flushing {
            match self.try_send(&mut state, &entry.encoded) {
                Ok(()) => return,
                Err(Errno::AGAIN) => {
                    let log = self.clone();
                    state.is_flushing = std::thread::Builder::new().spawn(move || log.flush_all()).is_ok();
                }
                Err(error) => {
                    state.error = Some(error);
                    drop(state);
                    if self.fallback == Fallback::Stderr {
                        // There is no other place to write to.
                        let _nobody = writeln!(io::stderr(), "<{}>{}", entry.priority as u8, entry.message);
                    }
                    return;
                }
            }
        }
        state.queue(entry.encoded);
    }

    fn try_send(&self, state: &mut State, entry: &[u8]) -> Result<(), Errno> {
        if !state.is_connected {
            connect(&self.socket)?;
        }
        let sent = send(&self.socket, entry, SendFlags::DONTWAIT);
        state.is_connected = matches!(sent, Ok(()) | Err(Errno::AGAIN));
        sent
    }

    /// Sends what waits, then ends.
    fn flush_all(&self) {
        let mut state = self.lock();
        while let Some(entry) = self.next(&mut state) {
            drop(state);
            let sent = send(&self.socket, &entry, SendFlags::empty());
            state = self.lock();
            if let Err(error) = sent {
                state.error = Some(error);
                state.is_connected = connect(&self.socket).is_ok();
            }
        }
        state.is_flushing = false;
        self.idle.notify_all();
    }

    fn next(&self, state: &mut State) -> Option<Vec<u8>> {
        if let Some(entry) = state.waiting.pop_front() {
            state.bytes -= entry.len();
            return Some(entry);
        }
        let lost = std::mem::take(&mut state.lost);
        let message = format!("{lost} messages are lost: the journal has not taken them");
        (lost > 0).then(|| Entry::new(self.identifier, Priority::Warning, message).encoded)
    }
}

impl State {
    fn queue(&mut self, entry: Vec<u8>) {
        if self.bytes + entry.len() > LIMIT {
            self.lost += 1;
        } else {
            self.bytes += entry.len();
            self.waiting.push_back(entry);
        }
    }
}

/// One entry of the journal.
struct Entry {
    priority: Priority,
    message: String,
    encoded: Vec<u8>,
}

impl Entry {
    fn new(identifier: &str, priority: Priority, message: String) -> Self {
        let mut entry = Self { priority, message, encoded: Vec::new() };
        field(&mut entry.encoded, "PRIORITY", (priority as u8).to_string().as_bytes());
        field(&mut entry.encoded, "SYSLOG_IDENTIFIER", identifier.as_bytes());
        entry.end();
        entry
    }

    fn of_event(identifier: &str, event: &Event<'_>) -> Self {
        let priority = priority(*event.metadata().level());
        let mut entry = Self { priority, message: String::new(), encoded: Vec::new() };
        field(&mut entry.encoded, "PRIORITY", (priority as u8).to_string().as_bytes());
        field(&mut entry.encoded, "SYSLOG_IDENTIFIER", identifier.as_bytes());
        event.record(&mut entry);
        entry.end();
        entry
    }

    fn end(&mut self) {
        field(&mut self.encoded, "MESSAGE", self.message.as_bytes());
    }
}

impl Visit for Entry {
    fn record_str(&mut self, of: &Field, value: &str) {
        match of.name() {
            "message" => self.message.push_str(value),
            name => field(&mut self.encoded, name, value.as_bytes()),
        }
    }

    fn record_debug(&mut self, of: &Field, value: &dyn Debug) {
        if of.name() == "message" {
            let _infallible = write!(self.message, "{value:?}");
        } else {
            field(&mut self.encoded, of.name(), format!("{value:?}").as_bytes());
        }
    }
}

fn priority(level: Level) -> Priority {
    match level {
        Level::ERROR => Priority::Error,
        Level::WARN => Priority::Warning,
        Level::INFO => Priority::Notice,
        _ => Priority::Info,
    }
}

/// Takes the events of this project; those of libraries are for their developers.
struct Journald(Arc<Log>);

impl Subscriber for Journald {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("wharf") && *metadata.level() <= Level::DEBUG
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        self.0.write(Entry::of_event(self.0.identifier, event));
    }

    // There are no spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the entries instead of sending them.
    struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Subscriber for Kept {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(Entry::of_event("wharfd", event).encoded);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn an_event_is_an_entry_with_its_fields_as_they_are_named() {
        let kept = Arc::default();
        tracing::subscriber::with_default(Kept(Arc::clone(&kept)), || {
            let (unit, nobody) = ("shop-web.service", None::<&str>);
            tracing::info!(
                MESSAGE_ID = "61",
                OBJECT_SYSTEMD_UNIT = unit,
                WHARF_ATTEMPT = 2,
                WHO = nobody,
                "{unit}: restarted"
            );
            tracing::error!("two\nlines");
        });
        let kept = kept.lock().unwrap();
        let first = "PRIORITY=5\nSYSLOG_IDENTIFIER=wharfd\nMESSAGE_ID=61\nOBJECT_SYSTEMD_UNIT=shop-web.service\nWHARF_ATTEMPT=2\n\
                     MESSAGE=shop-web.service: restarted\n";
        assert_eq!(String::from_utf8_lossy(&kept[0]), first);
        let second = b"PRIORITY=3\nSYSLOG_IDENTIFIER=wharfd\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n";
        assert_eq!(kept[1], second);
    }

    #[test]
    fn what_waits_is_limited_and_what_is_beyond_is_counted() {
        let mut state = State::default();
        for _ in 0..3 {
            state.queue(vec![0; LIMIT / 2]);
        }
        assert_eq!((state.waiting.len(), state.bytes, state.lost), (2, LIMIT, 1));
    }
}
