//! Writing to the journal by its native protocol.
//!
//! The protocol is described in systemd's "Native Journal Protocol". Messages are bytes, not text: what a container prints
//! reaches the journal as it was printed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

const SOCKET: &str = "/run/systemd/journal/socket";

/// While journald is away (it is being restarted), the writer waits; nothing is dropped.
const RETRY: Duration = Duration::from_millis(100);

/// A writer that must not wait longer gives up.
const PATIENCE: Duration = Duration::from_secs(1);

/// syslog(3) levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

/// A writer whose entries share some fields.
pub struct Journal {
    socket: UnixDatagram,
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
        Ok(Self { socket: UnixDatagram::unbound()?, common, entry: Vec::new() })
    }

    /// Writes one entry. Returns when journald has it.
    pub async fn send(&mut self, priority: Priority, message: &[u8], fields: &[(&str, &str)]) {
        self.encode(priority, message, fields);
        while self.try_send().await.is_err() {
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Writes one entry, where somebody waits for more than the entry: without a second attempt, and within a second.
    ///
    /// # Errors
    /// There is no journal here, or it does not take the entry.
    pub async fn offer(&mut self, priority: Priority, message: &[u8], fields: &[(&str, &str)]) -> io::Result<()> {
        self.encode(priority, message, fields);
        tokio::time::timeout(PATIENCE, self.try_send()).await.unwrap_or_else(|late| Err(late.into()))
    }

    fn encode(&mut self, priority: Priority, message: &[u8], fields: &[(&str, &str)]) {
        self.entry.clear();
        self.entry.extend_from_slice(&self.common);
        field(&mut self.entry, "PRIORITY", (priority as u8).to_string().as_bytes());
        for (name, value) in fields {
            field(&mut self.entry, name, value.as_bytes());
        }
        field(&mut self.entry, "MESSAGE", message);
    }

    async fn try_send(&self) -> io::Result<()> {
        match self.socket.send_to(&self.entry, SOCKET).await {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) => {
                self.send_as_file().await
            }
            other => other.map(|_| ()),
        }
    }

    /// An entry that is too large for a datagram travels as a sealed memory file.
    async fn send_as_file(&self) -> io::Result<()> {
        let file = memfd_create("wharf-journal-entry", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = std::fs::File::from(file);
        io::Write::write_all(&mut file, &self.entry)?;
        let file = OwnedFd::from(file);
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        self.socket.connect(SOCKET)?;
        let send = || {
            let descriptors = [file.as_fd()];
            let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
            sendmsg(&self.socket, &[], &mut control, SendFlags::NOSIGNAL)?;
            Ok(())
        };
        self.socket.async_io(Interest::WRITABLE, send).await
    }
}

fn field(entry: &mut Vec<u8>, name: &str, value: &[u8]) {
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
