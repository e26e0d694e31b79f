//! Signals as something to wait for.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::net::unix::pipe::Receiver;

pub use nix::sys::signal::Signal;

/// Signals as a file descriptor (signalfd(2)), which takes less memory than the runtime's handlers for all signals. It is
/// waited for as the reader of a pipe is.
pub struct Signals(Receiver);

impl Signals {
    /// From now on these signals do nothing but end [`Signals::wait`], in this thread and those that it starts.
    ///
    /// # Errors
    /// The signals cannot be blocked, or no file descriptor is left.
    pub fn listen(signals: &[Signal]) -> io::Result<Self> {
        let signals = SigSet::from_iter(signals.iter().copied());
        signals.thread_block()?;
        let descriptor = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self(Receiver::from_owned_fd_unchecked(OwnedFd::from(descriptor))?))
    }

    /// Returns when one has come.
    pub async fn wait(&self) {
        loop {
            let mut first_bytes = [0; 128];
            // An error here means that the runtime is going down.
            if self.0.readable().await.is_err() || self.0.try_read(&mut first_bytes).is_ok() {
                return;
            }
        }
    }
}
