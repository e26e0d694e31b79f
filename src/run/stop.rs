//! The request to stop: SIGTERM from systemd, or SIGINT from a terminal.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

pub struct StopRequest {
    terminate: Signal,
    interrupt: Signal,
}

impl StopRequest {
    /// From now on the signals do not end the process.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns when one has come.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }
}
