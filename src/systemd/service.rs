//! Notifications of a service to its manager: sd_notify(3). Outside systemd they go nowhere.
//!
//! In: texts, also with words of others. Invariant: a text cannot end its line, so it is never an assignment (`MAINPID=`).

use std::os::fd::BorrowedFd;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;

use crate::printable::Line;

/// How much longer the manager shall wait; sent again before it has passed.
pub const EXTENSION: Duration = Duration::from_secs(60);

/// What `STATUS=` says. systemd ignores a notification of more than 4096 bytes, and a character takes up to four.
type Status = Line<900>;

/// `READY=1` with a status; the end of a start, or of a reload.
pub fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(Status::from(status).as_str())]);
}

/// `RELOADING=1`, which [`ready`] ends.
pub fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        send(&[NotifyState::Reloading, now]);
    }
}

/// `WATCHDOG=1`
pub fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// When to say so: at half of `WatchdogSec=`, as sd_watchdog_enabled(3) advises.
pub struct Watchdog(Option<tokio::time::Interval>);

/// Reads `$WATCHDOG_USEC`.
pub fn watchdog() -> Watchdog {
    let interval = sd_notify::watchdog_enabled().map(|longest| {
        let mut interval = tokio::time::interval(longest / 2);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    });
    Watchdog(interval)
}

impl Watchdog {
    /// Never, if nobody watches.
    pub async fn due(&mut self) {
        match &mut self.0 {
            Some(interval) => {
                interval.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// `STATUS=`, the line that `systemctl status` shows.
pub fn status(status: &str) {
    send(&[NotifyState::Status(Status::from(status).as_str())]);
}

/// `STATUS=` while something long goes on: the start or stop timeout starts over.
pub fn busy(status: &str) {
    let extension = NotifyState::ExtendTimeoutUsec(u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX));
    send(&[NotifyState::Status(Status::from(status).as_str()), extension]);
}

/// `RESTART_RESET=1`: the next restart is the first one again (systemd 258 and later; others do not listen).
pub fn forget_restarts() {
    send(&[NotifyState::Custom("RESTART_RESET=1")]);
}

/// `STOPPING=1`
pub fn stopping(status: &str) {
    send(&[NotifyState::Stopping, NotifyState::Status(Status::from(status).as_str())]);
}

/// `FDSTORE=1`, in the place of what was kept before: the manager keeps the file descriptor while the service is started again,
/// if the unit has `FileDescriptorStoreMax=`. It forgets one that the other side closes.
pub fn keep(descriptor: BorrowedFd<'_>) {
    const NAME: NotifyState = NotifyState::FdName("output");
    send(&[NotifyState::FdStoreRemove, NAME]);
    let _nobody_listens = sd_notify::notify_with_fds(&[NotifyState::FdStore, NAME], &[descriptor]);
}

fn send(state: &[NotifyState]) {
    // Without a manager, or with one that does not listen, nothing is lost.
    let _nobody_listens = sd_notify::notify(state);
}
