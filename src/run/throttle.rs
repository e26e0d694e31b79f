//! Holds a container's output back while the journal has not taken what it wrote before.
//!
//! Output reaches the journal by the engine's log, which keeps some megabytes and forgets the rest. So wharf-run is attached to
//! the container, too, and takes from that stream only as much as it has relayed: once the engine holds a megabyte for it, the
//! container waits at its next write, as a program waits at a full pipe. While wharf-run itself is away (it was killed), systemd
//! keeps the connection, and the container waits for the next one.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::SystemTime;

use listenfd::ListenFd;
use rustix::net::{AddressFamily, RecvFlags, Shutdown, SocketType, recv, shutdown};
use tokio::io::Interest;
use tokio::net::UnixStream as Stream;

use super::message;
use crate::engine::{Engine, EngineError};
use crate::systemd::service;

/// Bytes that are relayed before as many are taken, so that it needs few system calls. Far less than the engine holds.
const STEP: i64 = 128 << 10;

/// More than the engine and sockets hold.
const ALL_HELD: i64 = 2 << 20;

/// Room for the longest part of output that the engine sends at once (32 KiB), and its header.
const ROOM: usize = 40 << 10;

/// Attaches to a container, and lets systemd keep the connection for the next wharf-run. (While another one holds the container
/// back, the engine does not answer.)
///
/// # Errors
/// The engine cannot be asked, or has no such container.
pub async fn hold(engine: &Engine, id: &str) -> Result<UnixStream, EngineError> {
    let stream = engine.attach(id).await?;
    service::keep(stream.as_fd());
    Ok(stream)
}

/// The brake on one container's output.
pub struct Throttle {
    stream: RefCell<Option<Rc<Stream>>>,
    tty: bool,
    /// Bytes of output that were relayed and not taken.
    owed: Cell<i64>,
    /// The engine's stamp: what is older was written before the stream began.
    since: RefCell<String>,
    /// Bytes that were relayed since the count was known to be right.
    uncertain: Cell<i64>,
}

impl Throttle {
    /// `stream`: from [`hold`], perhaps of an earlier wharf-run; `None`: there is no brake until [`Self::renew`].
    pub fn new(stream: Option<UnixStream>, tty: bool, adopted: bool) -> Self {
        let throttle = Self {
            stream: RefCell::default(),
            tty,
            owed: Cell::default(),
            since: RefCell::default(),
            uncertain: Cell::new(if adopted { STEP } else { 0 }),
        };
        throttle.take(stream);
        throttle
    }

    fn take(&self, stream: Option<UnixStream>) {
        self.stream.replace(stream.and_then(|stream| Stream::from_std(stream).ok()).map(Rc::new));
    }

    /// Attaches again if the engine closed the connection. Without one, the container is not held back.
    pub async fn renew(&self, engine: &Engine, id: &str) {
        // Only who reads sees that it is closed.
        self.all_relayed();
        self.uncertain.set(STEP);
        if self.stream.borrow().is_some() {
            return;
        }
        match hold(engine, id).await {
            Ok(stream) => {
                self.owed.set(0);
                self.since.replace(stamp_of_now());
                self.take(Some(stream));
            }
            Err(error) => message::warning(&format!("output may be lost if the container writes fast: {error}")),
        }
    }

    /// Whether output with this stamp of the engine was written since the stream began. If the clock has been set back since
    /// then, stamps do not say; what is counted too much, [`Self::all_relayed`] forgets.
    pub fn is_counted(&self, stamp: &str) -> bool {
        let since = self.since.borrow();
        stamp > since.as_str() || *since > stamp_of_now()
    }

    /// So many bytes of output are in the journal.
    pub fn relayed(&self, bytes: usize) {
        self.owed.set(self.owed.get().saturating_add_unsigned(bytes as u64));
        self.uncertain.set(self.uncertain.get().saturating_add_unsigned(bytes as u64));
        if self.owed.get() >= STEP {
            self.take_owed();
        }
    }

    /// Whether [`Self::all_relayed`] could mean something new.
    pub fn is_uncertain(&self) -> bool {
        self.uncertain.get() >= STEP && self.stream.borrow().is_some()
    }

    /// Nothing has come for a while: everything is relayed, whatever the count says.
    pub fn all_relayed(&self) {
        self.owed.set(ALL_HELD);
        self.take_owed();
        self.owed.set(0);
        self.uncertain.set(0);
    }

    /// The container has ended: takes the rest, so that the engine need not wait for it.
    pub async fn release(&self) {
        let current = || self.stream.borrow().clone();
        while let Some(stream) = current() {
            // An error here means that the runtime is shutting down.
            let _readable = stream.readable().await;
            self.owed.set(ALL_HELD);
            self.take_owed();
        }
    }

    fn take_owed(&self) {
        let Some(stream) = self.stream.borrow().clone() else { return };
        let mut buffer = Vec::new();
        while self.owed.get() > 0 {
            // Room for nothing, most of the time: it would stay in the memory of each container's wharf-run.
            if buffer.is_empty() && is_quiet(&stream) {
                break;
            }
            buffer.resize(ROOM, 0);
            match self.take_some(&stream, &mut buffer) {
                Ok(taken) => self.owed.set(self.owed.get().saturating_sub_unsigned(taken as u64)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.stream.take();
                    break;
                }
            }
        }
    }

    /// Takes whole parts alone, each at once: whenever this process is killed, the next one finds the beginning of a part.
    fn take_some(&self, stream: &Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let looked_at = || Ok(recv(stream, &mut *buffer, RecvFlags::PEEK).map(|(_, length)| length)?);
        let length = stream.try_io(Interest::READABLE, looked_at)?;
        let owed = usize::try_from(self.owed.get()).unwrap_or_default();
        let (whole, output) = match length {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if self.tty => (length.min(owed), length.min(owed)),
            _ => whole_parts(&buffer[..length], owed).ok_or(io::ErrorKind::InvalidData)?,
        };
        if whole == 0 {
            let is_longer_than_any = length == buffer.len();
            let kind = if is_longer_than_any { io::ErrorKind::InvalidData } else { io::ErrorKind::WouldBlock };
            return Err(kind.into());
        }
        stream.try_read(&mut buffer[..whole])?;
        Ok(output)
    }
}

/// Whether nothing has come, not even the end.
fn is_quiet(stream: &Stream) -> bool {
    let looked_at = || Ok(recv(stream, &mut [0; 1][..], RecvFlags::PEEK).map(|_| ())?);
    stream.try_io(Interest::READABLE, looked_at).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// The length of the first parts that are there as a whole, and how much of it is output: no more parts than have `most` of it.
/// `None`: no part begins here.
///
/// A part has a header: stream, three zeros, length (Engine API, ContainerAttach, "Stream format").
fn whole_parts(bytes: &[u8], most: usize) -> Option<(usize, usize)> {
    let (mut end, mut output) = (0, 0);
    while output < most {
        let Some((header, rest)) = bytes[end..].split_first_chunk() else { break };
        let [1..=2, 0, 0, 0, a, b, c, d] = *header else { return None };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if rest.len() < length {
            break;
        }
        end += header.len() + length;
        output += length;
    }
    Some((end, output))
}

/// As the engine stamps lines.
fn stamp_of_now() -> String {
    humantime::format_rfc3339_nanos(SystemTime::now()).to_string()
}

/// The stream that systemd kept while wharf-run was started again.
pub fn kept() -> Option<UnixStream> {
    let (family, kind) = (AddressFamily::UNIX.as_raw(), SocketType::STREAM.as_raw());
    let kept = ListenFd::from_env().take_custom(0, family.into(), i32::try_from(kind).ok()?, "a stream");
    kept.ok().flatten()
}

/// The stream that the process before this one, which executed this program, had as its standard input.
///
/// # Errors
/// There is no file descriptor left.
pub fn handed_over() -> io::Result<UnixStream> {
    let stream: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(stream.into())
}

/// The container is gone: closes the stream of [`handed_over`] for all who have it, so that neither systemd nor the engine keeps it.
/// systemd 262 would else keep a unit without a unit file in memory for it.
pub fn close() {
    let _not_connected = shutdown(io::stdin(), Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_clock_was_set_back_all_output_is_counted() {
        let throttle = Throttle::new(None, false, false);
        let old = "2020-01-01T00:00:00.000000000Z";
        throttle.since.replace("2021-01-01T00:00:00.000000000Z".to_owned());
        assert!(!throttle.is_counted(old) && throttle.is_counted(&stamp_of_now()));
        throttle.since.replace("9999-01-01T00:00:00.000000000Z".to_owned());
        assert!(throttle.is_counted(old) && throttle.is_counted(&stamp_of_now()));
    }

    #[test]
    fn only_whole_parts_are_taken_and_no_more_than_are_owed() {
        let stream = b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\x02de\x01\0";
        assert_eq!(whole_parts(stream, 100), Some((21, 5)));
        assert_eq!(whole_parts(stream, 3), Some((11, 3)));
        assert_eq!(whole_parts(stream, 4), Some((21, 5)));
        assert_eq!(whole_parts(&stream[..20], 100), Some((11, 3)));
        assert_eq!(whole_parts(&stream[..10], 100), Some((0, 0)));
        assert_eq!(whole_parts(&stream[1..], 100), None);
        assert_eq!(whole_parts(b"\x01\0\0\0\xff\xff\xff\xffabc", 100), Some((0, 0)));
    }
}
