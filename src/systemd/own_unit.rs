//! The unit that this process is the main process of.

use std::process::Command;

use rustix::fs::{XattrFlags, getxattr, setxattr};

/// What systemd remembers of the unit's starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartHistory {
    /// Automatic restarts since somebody started the unit.
    pub restarts: u32,
    /// Whether it was active since somebody started it.
    pub was_active: bool,
}

/// The path of the unit's cgroup below /sys/fs/cgroup, e.g. `/wharf.slice/…/shop-web.service`.
fn cgroup() -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    text.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// The unit's name, `None` outside a service.
pub fn name() -> Option<String> {
    let path = cgroup()?;
    path.rsplit('/').find(|part| part.ends_with(".service")).map(str::to_owned)
}

/// Asks systemd; `None` outside a service or without an answer.
pub fn start_history() -> Option<StartHistory> {
    let properties = "--property=NRestarts,ActiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic";
    let shown = Command::new("systemctl").args(["show", properties, &name()?]).output().ok()?;
    let text = String::from_utf8(shown.stdout).ok()?;
    let number = |key: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
    };
    Some(StartHistory {
        restarts: u32::try_from(number("NRestarts")?).ok()?,
        was_active: number("ActiveEnterTimestampMonotonic")? > number("InactiveExitTimestampMonotonic")?,
    })
}

/// How many processes the kernel has killed so far for want of memory in the unit's slice, where the container's processes are
/// too; `None` where it does not account for memory. The kernel counts before the process is gone.
pub fn oom_kills() -> Option<u64> {
    let path = cgroup()?;
    let (slice, _service) = path.rsplit_once('/')?;
    let events = std::fs::read_to_string(format!("/sys/fs/cgroup{slice}/memory.events")).ok()?;
    events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

/// Makes systemd give the unit the result `oom-kill` once this process ends: the container's processes are in a cgroup of
/// their own, which systemd does not look at. This is how systemd-oomd tells systemd of a kill (its cgroup attribute
/// `user.oomd_ooms`, a counter).
pub fn mark_oom_kill() {
    const COUNTER: &str = "user.oomd_ooms";
    let Some(path) = cgroup().map(|path| format!("/sys/fs/cgroup{path}")) else { return };
    let mut buffer = [0_u8; 32];
    let read = getxattr(&path, COUNTER, &mut buffer[..]).unwrap_or(0);
    let count: u64 = str::from_utf8(&buffer[..read]).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    // Where the attribute cannot be set, the exit status 137 and the log line still tell.
    let _without_attributes = setxattr(&path, COUNTER, (count + 1).to_string().as_bytes(), XattrFlags::empty());
}
