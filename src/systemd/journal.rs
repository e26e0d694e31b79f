//! Writing to the journal by its native protocol.
//!
//! The protocol is described in systemd's "Native Journal Protocol". Messages are bytes, not text: what a container prints
//! reaches the journal as it was printed.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmmsg, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// While journald is away, the writer waits. (While it is only being restarted, systemd holds its sockets open.)
pub(super) const RETRY: Duration = Duration::from_millis(100);

/// A level of syslog(3), 0 (`emerg`) to 7 (`debug`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priority(u8);

impl Priority {
    pub const ERROR: Self = Self(3);
    pub const WARNING: Self = Self(4);
    pub const NOTICE: Self = Self(5);
    pub const INFO: Self = Self(6);

    /// The lowest one is that of every larger number.
    pub fn of(level: u8) -> Self {
        Self(level.min(7))
    }

    /// As `PRIORITY=` has it.
    pub fn level(self) -> &'static str {
        const LEVELS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
        LEVELS[usize::from(self.0.min(7))]
    }

    /// A line's own level and the rest of it, if it begins with one: `<4>disk is full` (sd-daemon(3)).
    pub fn of_line(line: &[u8]) -> Option<(Self, &[u8])> {
        match line {
            [b'<', digit @ b'0'..=b'7', b'>', rest @ ..] => Some((Self(digit - b'0'), rest)),
            _ => None,
        }
    }
}

/// journald's socket was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// A writer whose entries share some fields, and that waits for journald: for a container's output. Messages of the program itself
/// go through [`super::log`].
pub struct Journal {
    socket: UnixDatagram,
    is_connected: bool,
    /// The fields of every entry, encoded.
    common: Vec<u8>,
    /// The other fields of the entries that are to be sent, one after the other.
    waiting: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

/// So many entries are sent with one system call, and are then in this process alone.
const MOST_AT_ONCE: usize = 64;
const MOST_BYTES: usize = 64 << 10;

impl Journal {
    /// A writer with these fields in each entry.
    ///
    /// # Errors
    /// No socket can be made (file descriptors are used up).
    pub fn new(fields: &[(&str, &str)]) -> io::Result<Self> {
        let mut common = Vec::new();
        for (name, value) in fields {
            field(&mut common, name, value.as_bytes());
        }
        let socket = UnixDatagram::unbound()?;
        Ok(Self { socket, is_connected: false, common, waiting: Vec::new(), ends: Vec::new() })
    }

    /// An entry for the next [`Self::send`].
    pub fn add(&mut self, priority: Priority, message: &[u8], fields: &[(&str, &str)]) {
        field(&mut self.waiting, "PRIORITY", priority.level().as_bytes());
        for (name, value) in fields {
            field(&mut self.waiting, name, value.as_bytes());
        }
        field(&mut self.waiting, "MESSAGE", message);
        self.ends.push(self.waiting.len());
    }

    /// Whether so much waits that it should be sent now.
    pub fn is_full(&self) -> bool {
        self.ends.len() >= MOST_AT_ONCE || self.waiting.len() >= MOST_BYTES
    }

    /// Sends the entries. Returns when they are in journald's socket.
    ///
    /// # Errors
    /// journald's socket was closed since the last time. Entries that were still in it are lost, and those that were to be sent are
    /// forgotten.
    pub async fn send(&mut self) -> Result<(), Cut> {
        let mut sent = 0;
        let mut result = Ok(());
        while sent < self.ends.len() {
            match self.try_send(sent).await {
                Ok(more) => sent += more,
                Err(_) if self.is_connected => {
                    self.is_connected = false;
                    result = Err(Cut);
                    break;
                }
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
        self.ends.clear();
        self.waiting.clear();
        // The room for a long line is not kept for a container's whole life.
        self.waiting.shrink_to(MOST_BYTES);
        result
    }

    /// Sends entries from the one with this number on; how many.
    async fn try_send(&mut self, first: usize) -> io::Result<usize> {
        if !self.is_connected {
            connect(&self.socket, Path::new(SOCKET))?;
            self.is_connected = true;
        }
        let send = || Ok(self.send_some(first)?);
        self.socket.async_io(Interest::WRITABLE, send).await
    }

    fn send_some(&self, first: usize) -> Result<usize, Errno> {
        let begins = first.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut begin = begins;
        let parts = self.ends[first..].iter().map(|end| &self.waiting[std::mem::replace(&mut begin, *end)..*end]);
        let entries: Vec<_> = parts.map(|part| [IoSlice::new(&self.common), IoSlice::new(part)]).collect();
        let mut controls: Vec<_> = entries.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let messages = entries.iter().zip(&mut controls).map(|(entry, control)| MMsgHdr::new(entry, control));
        match sendmmsg(&self.socket, &mut messages.collect::<Vec<_>>(), SEND) {
            Err(Errno::MSGSIZE | Errno::NOBUFS) => {
                let entry = entries.first().map(|[common, part]| [&**common, &**part].concat()).unwrap_or_default();
                send_as_file(&self.socket, &entry).map(|()| 1)
            }
            other => other,
        }
    }
}

/// Only of a socket that is connected does the kernel say that journald's queue, which all programs fill, has room again.
pub(super) fn connect(socket: impl AsFd, path: &Path) -> Result<(), Errno> {
    rustix::net::connect(socket, &SocketAddrUnix::new(path)?)
}

/// Never waits, never raises SIGPIPE.
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// Sends one entry, without waiting; one that is too large for a datagram travels as a sealed memory file.
pub(super) fn send(socket: impl AsFd, entry: &[u8]) -> Result<(), Errno> {
    match rustix::net::send(&socket, entry, SEND) {
        Err(Errno::MSGSIZE | Errno::NOBUFS) => send_as_file(socket, entry),
        other => other.map(|_| ()),
    }
}

fn send_as_file(socket: impl AsFd, entry: &[u8]) -> Result<(), Errno> {
    let file = memfd_create("wharf-journal-entry", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(file);
    file.write_all(entry).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[], &mut control, SEND).map(|_| ())
}

pub(super) fn field(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value);
    entry.push(b'\n');
}
