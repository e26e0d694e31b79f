//! The request to stop: SIGTERM from systemd, or SIGINT from a terminal.

use std::io;

use nix::sys::signal::{SigSet, Signal};

use super::failure::StartError;
use crate::signals::Signals;

/// What asks for an end of the container.
pub struct StopRequest(Signals);

impl StopRequest {
    /// From now on the signals do not end the process.
    ///
    /// # Errors
    /// The signals cannot be blocked, or no file descriptor is left.
    pub fn listen() -> io::Result<Self> {
        // What would end other programs, and is nothing to this one, shall not cost the container.
        let ignored = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGALRM, Signal::SIGQUIT];
        SigSet::from_iter(ignored).thread_block()?;
        Ok(Self(Signals::listen(&[Signal::SIGTERM, Signal::SIGINT])?))
    }

    /// Returns when one has come.
    pub async fn wait(&self) {
        self.0.wait().await;
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
