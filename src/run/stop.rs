//! The request to stop: SIGTERM from systemd, or SIGINT from a terminal.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::net::unix::pipe::Receiver;

use super::failure::StartError;

/// The signals as a file descriptor (signalfd(2)), which takes less memory than the runtime's handlers for all signals. It is
/// waited for as the reader of a pipe is.
pub struct StopRequest(Receiver);

impl StopRequest {
    /// From now on the signals do not end the process.
    ///
    /// # Errors
    /// The signals cannot be blocked, or no file descriptor is left.
    pub fn listen() -> io::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        signals.thread_block()?;
        // What would end other programs, and is nothing to this one, shall not cost the container.
        let ignored = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGALRM, Signal::SIGQUIT];
        SigSet::from_iter(ignored).thread_block()?;
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

    /// Does what may take long, unless a stop is asked for. What is short is done to its end: a half-made container would be
    /// left behind; the follower finds the request still waiting.
    pub async fn unless<T>(&self, work: impl Future<Output = Result<T, StartError>>) -> Result<T, StartError> {
        tokio::select! {
            done = work => done,
            () = self.wait() => Err(StartError::Stopped),
        }
    }
}
