//! A program's own log: each event of `tracing` is an entry of the journal.
//!
//! In: events. Their fields are written as they are named, so they are named as in systemd.journal-fields(7), without a prefix;
//! their levels are syslog's: error, warning, notice for `info!`, info for `debug!`. Out: entries, by the native protocol.
//! Invariant: a thread that logs never waits for journald. While journald takes nothing or is away, entries wait in their order, up
//! to a limit; those beyond it are dropped and counted, and the count is logged.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use thiserror::Error;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::printable::Line;

use super::journal::{Priority, RETRY, SOCKET, connect, field, send};

/// Bytes of entries that may wait for journald.
const LIMIT: usize = 1 << 20;

/// A message as it is printed to stderr, where a line break would end it.
type Text = Line<4096>;

/// [`flush`] gives up after it.
const PATIENCE: Duration = Duration::from_secs(1);

static LOG: OnceLock<Arc<Log>> = OnceLock::new();

/// What is done with an entry where there is no journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// It is printed to stderr, with its level as sd-daemon(3) has it.
    Stderr,
    /// It waits for the journal, and [`flush`] reports that it is not there.
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
    let log = Arc::new(Log::new(identifier, fallback, PathBuf::from(SOCKET))?);
    let log = LOG.get_or_init(|| log).clone();
    // A second start changes nothing.
    let _started_before = tracing::subscriber::set_global_default(Events(move |event: &Event<'_>| {
        log.write(Entry::of_event(log.identifier, event));
    }));
    Ok(())
}

/// Waits until journald has taken what was logged, for at most a second.
///
/// # Errors
/// Something of what was logged since the last call is not in the journal.
pub fn flush() -> Result<(), LogError> {
    LOG.get().ok_or(LogError::NotStarted)?.flush()
}

struct Log {
    identifier: &'static str,
    fallback: Fallback,
    socket: OwnedFd,
    /// Where journald listens.
    journal: PathBuf,
    state: Mutex<State>,
    /// No thread waits for journald any more.
    idle: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    /// Of those that wait.
    bytes: usize,
    /// Entries that are dropped: more than may wait, or refused by stderr, too.
    lost: usize,
    /// A thread waits for journald to take more.
    is_flushing: bool,
    /// Why an entry is only on stderr, since the last call of [`flush`].
    error: Option<Errno>,
}

impl Log {
    fn new(identifier: &'static str, fallback: Fallback, journal: PathBuf) -> Result<Self, LogError> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        let socket = socket.map_err(io::Error::from)?;
        Ok(Self { identifier, fallback, socket, journal, state: Mutex::default(), idle: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(self: &Arc<Self>, entry: Entry) {
        let mut state = self.lock();
        if !state.is_flushing {
            match self.catch_up(&mut state).and_then(|()| self.send(&entry.encoded)) {
                Ok(()) => return,
                Err(Errno::AGAIN) => {
                    let log = self.clone();
                    state.is_flushing = std::thread::Builder::new().spawn(move || log.flush_all()).is_ok();
                }
                Err(error) if self.fallback == Fallback::Stderr => {
                    state.error = Some(error);
                    drop(state);
                    if writeln!(io::stderr(), "<{}>{}", entry.priority.level(), Text::from(entry.message.as_str()))
                        .is_err()
                    {
                        self.lock().lost += 1;
                    }
                    return;
                }
                Err(_) => {}
            }
        }
        state.queue(entry.encoded);
    }

    /// Sends what waits, and then how much is lost. What cannot be sent goes on waiting.
    fn catch_up(&self, state: &mut State) -> Result<(), Errno> {
        while let Some(entry) = state.waiting.front() {
            self.send(entry)?;
            state.bytes -= entry.len();
            state.waiting.pop_front();
        }
        if state.lost > 0 {
            let message = format!("messages lost because the journal did not take them: {}", state.lost);
            self.send(&Entry::new(self.identifier, Priority::WARNING, message).encoded)?;
            state.lost = 0;
        }
        Ok(())
    }

    /// Sends one entry, without waiting. The socket of a journald that is back is another one, and is connected to.
    fn send(&self, entry: &[u8]) -> Result<(), Errno> {
        match send(&self.socket, entry) {
            Err(error) if error != Errno::AGAIN => {
                connect(&self.socket, &self.journal)?;
                send(&self.socket, entry)
            }
            sent => sent,
        }
    }

    /// Sends what waits as journald takes it, then ends.
    fn flush_all(&self) {
        let mut state = self.lock();
        while let Err(error) = self.catch_up(&mut state) {
            drop(state);
            if error == Errno::AGAIN {
                // An error (a signal) only means that it is tried again too soon.
                let _has_room = poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None);
            } else {
                std::thread::sleep(RETRY);
            }
            state = self.lock();
        }
        state.is_flushing = false;
        self.idle.notify_all();
    }

    /// See [`flush`].
    fn flush(&self) -> Result<(), LogError> {
        let wait = self.idle.wait_timeout_while(self.lock(), PATIENCE, |state| state.is_flushing);
        let (mut state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        let error = state.error.take();
        if state.is_flushing {
            return Err(error.map_or(LogError::Timeout, |error| io::Error::from(error).into()));
        }
        let caught_up = self.catch_up(&mut state);
        Ok(error.map_or(caught_up, Err).map_err(io::Error::from)?)
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
        field(&mut entry.encoded, "PRIORITY", priority.level().as_bytes());
        field(&mut entry.encoded, "SYSLOG_IDENTIFIER", identifier.as_bytes());
        entry.end();
        entry
    }

    fn of_event(identifier: &str, event: &Event<'_>) -> Self {
        let priority = priority(*event.metadata().level());
        let mut entry = Self { priority, message: String::new(), encoded: Vec::new() };
        field(&mut entry.encoded, "PRIORITY", priority.level().as_bytes());
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
        Level::ERROR => Priority::ERROR,
        Level::WARN => Priority::WARNING,
        Level::INFO => Priority::NOTICE,
        _ => Priority::INFO,
    }
}

/// Hands the events of this project to a function; those of libraries are for their developers.
struct Events<W>(W);

impl<W: Fn(&Event<'_>) + 'static> Subscriber for Events<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("wharf") && *metadata.level() <= Level::DEBUG
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        (self.0)(event);
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
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn an_event_is_an_entry_with_its_fields_as_they_are_named() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = kept.clone();
        let events = Events(move |event: &Event<'_>| {
            keep.lock().unwrap().push(Entry::of_event("wharfd", event).encoded);
        });
        tracing::subscriber::with_default(events, || {
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

    /// The next entry's MESSAGE.
    fn message(journal: &UnixDatagram) -> String {
        let mut entry = vec![0; 1 << 16];
        let length = journal.recv(&mut entry).unwrap();
        let entry = String::from_utf8(entry[..length].to_vec()).unwrap();
        entry.lines().find_map(|line| line.strip_prefix("MESSAGE=")).unwrap().to_owned()
    }

    #[test]
    fn while_the_journal_is_away_entries_wait_and_those_that_may_not_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let log = Arc::new(Log::new("wharfd", Fallback::None, path.clone()).unwrap());
        let write = |text: String| log.write(Entry::new("wharfd", Priority::INFO, text));

        // It takes so many, then no more, and is gone.
        let journal = UnixDatagram::bind(&path).unwrap();
        let taken = (0..).take_while(|n| {
            write(n.to_string());
            !log.lock().is_flushing
        });
        let first_waiting = taken.count();
        drop(journal);
        std::fs::remove_file(&path).unwrap();
        let filler = "x".repeat(1 << 15);
        (0..LIMIT >> 15).for_each(|_| write(filler.clone()));
        write("last".to_owned());
        assert!(log.lock().bytes <= LIMIT);
        assert_eq!(log.lock().lost, 1);

        // It is back.
        let journal = UnixDatagram::bind(&path).unwrap();
        assert_eq!(message(&journal), first_waiting.to_string());
        (1..LIMIT >> 15).for_each(|_| assert_eq!(message(&journal), filler));
        assert_eq!(message(&journal), "last");
        assert_eq!(message(&journal), "messages lost because the journal did not take them: 1");
        drop(log.idle.wait_while(log.lock(), |state| state.is_flushing).unwrap());
        assert!(log.flush().is_ok());
        journal.set_nonblocking(true).unwrap();
        assert_eq!(journal.recv(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
