//! What a service tells its manager about itself (sd_notify(3)). Outside systemd it tells nobody.

use std::time::Duration;

use sd_notify::NotifyState;

/// How much longer the manager shall wait; sent again before it has passed.
pub const EXTENSION: Duration = Duration::from_secs(60);

/// `READY=1` with the first status.
pub fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// `STATUS=`, the line that `systemctl status` shows.
pub fn status(status: &str) {
    send(&[NotifyState::Status(status)]);
}

/// `STATUS=` while something long goes on: the start or stop timeout begins anew.
pub fn busy(status: &str) {
    let extension = NotifyState::ExtendTimeoutUsec(u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX));
    send(&[NotifyState::Status(status), extension]);
}

/// `STOPPING=1`
pub fn stopping(status: &str) {
    send(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

fn send(state: &[NotifyState]) {
    // Without a manager, or with one that does not listen, there is nobody to tell.
    let _nobody_listens = sd_notify::notify(state);
}
