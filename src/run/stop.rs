//! The request to stop: SIGTERM from systemd, or SIGINT from a terminal.

use std::io;

use nix::sys::signal::{SigSet, Signal};

use super::error::StartError;
use crate::signals::Signals;

/// The pending or future request to stop.
pub struct StopRequest(Signals);

impl StopRequest {
    /// Blocks the signals: from now on they do not end the process.
    ///
    /// # Errors
    /// The signals cannot be blocked, or no file descriptor is left.
    pub fn listen() -> io::Result<Self> {
        // Signals that end other programs, and mean nothing to this one, must not take the container down.
        let ignored = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGALRM, Signal::SIGQUIT];
        SigSet::from_iter(ignored).thread_block()?;
        Ok(Self(Signals::listen(&[Signal::SIGTERM, Signal::SIGINT])?))
    }

    /// Returns when a stop is requested.
    pub async fn wait(&self) {
        self.0.wait().await;
    }

    /// Does work that may take long, unless a stop is requested. Short work is always completed, so that no half-created
    /// container is left behind; the request stays pending for the process that follows the container.
    pub async fn unless<T>(&self, work: impl Future<Output = Result<T, StartError>>) -> Result<T, StartError> {
        tokio::select! {
            done = work => done,
            () = self.wait() => Err(StartError::Stopped),
        }
    }
}
