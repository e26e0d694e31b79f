//! Signals: their names at the engine, and as something to wait for.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::net::unix::pipe::Receiver;

pub use nix::sys::signal::Signal;

/// The names without `SIG`, besides those of real-time signals; signal(7).
pub const NAMES: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// Whether the engine knows a signal as it is written: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
pub fn is_known(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
    let is_number = text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    is_number || NAMES.contains(&bare) || is_real_time(bare)
}

/// `RTMIN`, `RTMIN+1`…`RTMIN+15`, `RTMAX-14`…`RTMAX`: what the engine knows.
fn is_real_time(bare: &str) -> bool {
    let offset = |prefix: &str, sign: char, most: u8| match bare.strip_prefix(prefix) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(sign).is_some_and(|n| n.parse().is_ok_and(|n: u8| (1..=most).contains(&n))),
        None => false,
    };
    offset("RTMIN", '+', 15) || offset("RTMAX", '-', 14)
}

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
