//! Writing to the journal by its native protocol.
//!
//! The protocol is described in systemd's "Native Journal Protocol". Messages are bytes, not text: what a container prints
//! reaches the journal as it was printed.

use std::fs::File;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// While journald is away, the writer waits. (While it is only being restarted, systemd holds its sockets open.)
pub(super) const RETRY: Duration = Duration::from_millis(100);

/// syslog(3) levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
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
    entry: Vec<u8>,
}

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
        Ok(Self { socket: UnixDatagram::unbound()?, is_connected: false, common, entry: Vec::new() })
    }

    /// Writes one entry. Returns when it is in journald's socket.
    ///
    /// # Errors
    /// journald's socket was closed since the entry before, which may be lost with others that were still in it. This one has not
    /// been sent; the next will be.
    pub async fn send(&mut self, priority: Priority, message: &[u8], fields: &[(&str, &str)]) -> Result<(), Cut> {
        self.entry.clear();
        self.entry.extend_from_slice(&self.common);
        field(&mut self.entry, "PRIORITY", (priority as u8).to_string().as_bytes());
        for (name, value) in fields {
            field(&mut self.entry, name, value.as_bytes());
        }
        field(&mut self.entry, "MESSAGE", message);
        loop {
            match self.try_send().await {
                Ok(()) => return Ok(()),
                Err(_) if self.is_connected => {
                    self.is_connected = false;
                    return Err(Cut);
                }
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    async fn try_send(&mut self) -> io::Result<()> {
        if !self.is_connected {
            connect(&self.socket, Path::new(SOCKET))?;
            self.is_connected = true;
        }
        let send = || Ok(send(&self.socket, &self.entry)?);
        self.socket.async_io(Interest::WRITABLE, send).await
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
