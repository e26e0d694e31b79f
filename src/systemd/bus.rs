//! Connections to the system bus whose memory is not decided by other users of the bus.
//!
//! Every local user may send a method call or a signal of 32 MiB to any connection, and as many calls as the bus takes (dbus-daemon(1),
//! "limit"). Invariant: a call is read only while fewer than [`MOST_CALLS`] others wait for their reply, and of what is longer than
//! its kind needs to be nothing is kept but the start.

use std::collections::HashMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncWrite;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zbus::address::transport::{Transport, UnixSocket};
use zbus::connection::Builder;
use zbus::connection::socket::{BoxedSplit, ReadHalf, Split, WriteHalf};
use zbus::export::async_trait::async_trait;
use zbus::message::{Header, Type};
use zbus::{Address, Connection, Message};

/// Calls that are read before the earlier ones have their reply.
const MOST_CALLS: usize = 16;

/// The longest call that is read whole, in bytes, and the longest header: paths and names take less.
const LONGEST_CALL: u64 = 8 << 10;

/// The longest signal, in bytes. Longer ones are skipped.
const LONGEST_SIGNAL: u64 = 1 << 20;

/// Connects to the system bus. Calls from others are not answered.
///
/// # Errors
/// There is no bus, or its address is no path.
pub(crate) async fn system() -> zbus::Result<Connection> {
    connect(None).await?.build().await
}

/// A connection to the system bus that will answer `calls`.
///
/// # Errors
/// As of [`system`].
pub(crate) async fn service(calls: &Calls) -> zbus::Result<Builder<'static>> {
    connect(Some(calls.clone())).await
}

async fn connect(calls: Option<Calls>) -> zbus::Result<Builder<'static>> {
    let address = Address::system()?;
    let Transport::Unix(socket) = address.transport() else { return Err(no_path(&address)) };
    let stream = match socket.path() {
        UnixSocket::File(path) => UnixStream::connect(path).await?,
        _ => return Err(no_path(&address)),
    };
    let (read, write) = stream.into_split();
    let read: Box<dyn ReadHalf> = Box::new(Intake { socket: Receiver(read), calls: calls.clone() });
    let write: Box<dyn WriteHalf> = Box::new(Replies { socket: write, calls });
    let split: BoxedSplit = Split::new(read, write);
    Ok(Builder::socket(split))
}

fn no_path(address: &Address) -> zbus::Error {
    zbus::Error::Address(format!("{address}: only unix:path= addresses are supported"))
}

/// The calls that were read and have no reply yet.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    slots: Arc<Semaphore>,
    /// By caller and serial number. Nothing keeps a caller from using a number twice.
    waiting: Arc<Mutex<HashMap<Key, Vec<Call>>>>,
}

/// The unique name of a caller, and the serial number of a call.
type Key = (String, u32);

#[derive(Debug)]
struct Call {
    /// One of [`MOST_CALLS`]; none: what it takes is bounded otherwise.
    slot: Option<OwnedSemaphorePermit>,
    wants_reply: bool,
}

impl Default for Calls {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(MOST_CALLS)), waiting: Arc::default() }
    }
}

impl Calls {
    /// Waits until there is room for this call.
    async fn enter(&self, header: &Header<'_>, wants_reply: bool) {
        // The semaphore is never closed.
        let slot = self.slots.clone().acquire_owned().await.ok();
        let key = key(header.sender().map(|sender| sender.as_str()), header.primary().serial_num().get());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(key).or_default().push(Call { slot, wants_reply });
    }

    /// This call may take long: it no longer keeps others from being read. Only for calls that are counted elsewhere.
    pub fn release(&self, header: &Header<'_>) {
        let key = key(header.sender().map(|sender| sender.as_str()), header.primary().serial_num().get());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(call) = waiting.get_mut(&key).and_then(|calls| calls.iter_mut().find(|call| call.slot.is_some())) {
            call.slot = None;
        }
    }

    /// The call of this reply, if it is one.
    fn leave(&self, reply: &Header<'_>) -> Option<Call> {
        let key = key(reply.destination().map(|caller| caller.as_str()), reply.reply_serial()?.get());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = waiting.get_mut(&key)?;
        let call = calls.pop();
        if calls.is_empty() {
            waiting.remove(&key);
        }
        call
    }
}

fn key(caller: Option<&str>, serial: u32) -> Key {
    (caller.unwrap_or_default().to_owned(), serial)
}

/// What the start of a message says about it: D-Bus Specification, "Message Format".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    kind: u8,
    wants_reply: bool,
    /// Bytes, with the padding before the body.
    header: u64,
    body: u64,
}

impl Start {
    const BYTES: usize = 16;
    const CALL: u8 = Type::MethodCall as u8;
    const SIGNAL: u8 = Type::Signal as u8;
    const FLAGS: usize = 2;
    const BODY: std::ops::Range<usize> = 4..8;
    const FIELDS: std::ops::Range<usize> = 12..16;
    const NO_REPLY_EXPECTED: u8 = 1;

    fn read(bytes: &[u8]) -> Self {
        let number = |range: std::ops::Range<usize>| {
            let number: [u8; 4] = bytes[range].try_into().unwrap_or_default();
            u64::from(if bytes[0] == b'B' { u32::from_be_bytes(number) } else { u32::from_le_bytes(number) })
        };
        Self {
            kind: bytes[1],
            wants_reply: bytes[Self::FLAGS] & Self::NO_REPLY_EXPECTED == 0,
            header: (Self::BYTES as u64 + number(Self::FIELDS)).next_multiple_of(8),
            body: number(Self::BODY),
        }
    }
}

/// The half that reads.
#[derive(Debug)]
struct Intake {
    socket: Receiver,
    /// None: calls are skipped.
    calls: Option<Calls>,
}

#[async_trait]
impl ReadHalf for Intake {
    async fn receive_message(
        &mut self,
        sequence: u64,
        early: &mut Vec<u8>,
        descriptors: &mut Vec<OwnedFd>,
    ) -> zbus::Result<Message> {
        loop {
            self.fill(early, Start::BYTES).await?;
            let start = Start::read(early);
            let is_call = start.kind == Start::CALL;
            let is_skipped = match start.kind {
                Start::CALL => self.calls.is_none() || start.header > LONGEST_CALL,
                Start::SIGNAL => start.header + start.body > LONGEST_SIGNAL,
                // Replies come only from those who were asked.
                _ => false,
            };
            if is_skipped {
                self.skip(early, start.header + start.body).await?;
                continue;
            }
            if is_call {
                // A reply is made for every call, so that each has an end; `Replies` holds back what nobody wants.
                early[Start::FLAGS] &= !Start::NO_REPLY_EXPECTED;
                if start.header + start.body > LONGEST_CALL {
                    self.cut_body(early, start).await?;
                }
            }
            let message = self.socket.receive_message(sequence, early, descriptors).await?;
            if let Some(calls) = self.calls.as_ref().filter(|_| is_call) {
                calls.enter(&message.header(), start.wants_reply).await;
            }
            return Ok(message);
        }
    }

    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        self.socket.recvmsg(buffer).await
    }
}

impl Intake {
    /// Reads until there are `wanted` bytes.
    async fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> io::Result<()> {
        let mut length = bytes.len();
        bytes.resize(length.max(wanted), 0);
        while length < wanted {
            length += self.read(&mut bytes[length..]).await?;
        }
        Ok(())
    }

    /// Drops the next `count` bytes, of which `early` has the first.
    async fn skip(&mut self, early: &mut Vec<u8>, mut count: u64) -> io::Result<()> {
        let present = early.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        early.drain(..present);
        count -= present as u64;
        let mut dropped = [0; 16 << 10];
        while count > 0 {
            let next = dropped.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            count -= self.read(&mut dropped[..next]).await? as u64;
        }
        Ok(())
    }

    /// Leaves the header, with a body of no bytes: who wants arguments answers that they are missing.
    async fn cut_body(&mut self, early: &mut Vec<u8>, start: Start) -> io::Result<()> {
        let header = usize::try_from(start.header).map_err(io::Error::other)?;
        self.fill(early, header).await?;
        let mut rest = early.split_off(header);
        self.skip(&mut rest, start.body).await?;
        early[Start::BODY].fill(0);
        early.append(&mut rest);
        Ok(())
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.socket.recvmsg(buffer).await?.0 {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

/// The half that writes.
#[derive(Debug)]
struct Replies {
    socket: OwnedWriteHalf,
    calls: Option<Calls>,
}

#[async_trait]
impl WriteHalf for Replies {
    async fn send_message(&mut self, message: &Message) -> zbus::Result<()> {
        let is_reply = matches!(message.message_type(), Type::MethodReturn | Type::Error);
        let call = self.calls.as_ref().filter(|_| is_reply).and_then(|calls| calls.leave(&message.header()));
        if call.as_ref().is_some_and(|call| !call.wants_reply) {
            return Ok(());
        }
        let mut rest: &[u8] = message.data();
        while !rest.is_empty() {
            rest = &rest[self.sendmsg(rest, &[]).await?..];
        }
        // Its place is free now that nothing of it is in memory.
        drop(call);
        Ok(())
    }

    async fn sendmsg(&mut self, buffer: &[u8], _: &[BorrowedFd<'_>]) -> io::Result<usize> {
        loop {
            self.socket.writable().await?;
            match self.socket.try_write(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| Pin::new(&mut self.socket).poll_shutdown(context)).await
    }
}

/// Bytes from the bus. Descriptors are not passed.
#[derive(Debug)]
struct Receiver(OwnedReadHalf);

#[async_trait]
impl ReadHalf for Receiver {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        loop {
            self.0.readable().await?;
            match self.0.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Ok((read?, Vec::new())),
            }
        }
    }
}
