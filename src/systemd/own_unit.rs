//! The unit that this process is the main process of.

use std::process::Command;
use std::time::SystemTime;

use rustix::fs::{XattrFlags, getxattr, setxattr};

use super::show::{parse_timestamp, value};
use crate::name::{UnitKind, UnitName};

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
pub fn name() -> Option<UnitName> {
    let path = cgroup()?;
    let mut units = path.rsplit('/').filter_map(|part| UnitName::parse(part).ok());
    units.find(|unit| unit.is(UnitKind::Service))
}

/// The journal fields by which entries of this unit's processes are known. journald itself writes them (systemd.journal-fields(7),
/// trusted fields), so no entry of another user or unit has them; `None` outside a service.
pub fn journal_match() -> Option<[(&'static str, String); 2]> {
    let is_of_user = cgroup()?.contains("/user@");
    let unit = if is_of_user { "_SYSTEMD_USER_UNIT" } else { "_SYSTEMD_UNIT" };
    Some([("_UID", rustix::process::geteuid().as_raw().to_string()), (unit, name()?.to_string())])
}

/// Asks systemd; `None` outside a service or without an answer.
pub fn start_history() -> Option<StartHistory> {
    let properties = "--property=NRestarts,ActiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic";
    let shown = Command::new("systemctl").args(["show", properties, &name()?]).output().ok()?;
    let text = String::from_utf8(shown.stdout).ok()?;
    let number = |property: &str| -> Option<u64> { value(&text, property)?.parse().ok() };
    Some(StartHistory {
        restarts: u32::try_from(number("NRestarts")?).ok()?,
        was_active: number("ActiveEnterTimestampMonotonic")? > number("InactiveExitTimestampMonotonic")?,
    })
}

/// The start that is going on, and those before, are not the container's failures: makes systemd count none of them for
/// `StartLimitBurst=`. (It forgets the number of restarts as well, so it is not asked without need.)
pub fn forget_starts() {
    let Some(unit) = name() else { return };
    let shown =
        Command::new("systemctl").args(["show", "--property=StartLimitIntervalUSec", "--value", &unit]).output();
    if shown.is_ok_and(|shown| shown.status.success() && shown.stdout.trim_ascii() != b"0") {
        // At worst a start is counted that should not.
        let _counted = Command::new("systemctl").args(["reset-failed", &unit]).output();
    }
}

/// The services that this one starts after, if their names begin so.
pub fn predecessors(prefix: &str) -> Vec<UnitName> {
    let Some(unit) = name() else { return Vec::new() };
    let shown = Command::new("systemctl").args(["show", "--property=After", "--value", unit.as_str()]).output();
    let names = shown.map(|shown| String::from_utf8_lossy(&shown.stdout).into_owned()).unwrap_or_default();
    let units = names.split_whitespace().filter_map(|name| UnitName::parse(name).ok());
    units.filter(|unit| unit.is(UnitKind::Service) && unit.prefix().starts_with(prefix)).collect()
}

/// When the unit last became active; `None` outside a service, without an answer, or if it never was.
pub fn active_since() -> Option<SystemTime> {
    let arguments = ["show", "--timestamp=us+utc", "--property=ActiveEnterTimestamp", "--value"];
    let shown = Command::new("systemctl").args(arguments).arg(name()?.as_str()).output().ok()?;
    parse_timestamp(str::from_utf8(&shown.stdout).ok()?)
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
/// their own, which systemd does not look at. This is how systemd-oomd reports a kill to systemd (its cgroup attribute
/// `user.oomd_ooms`, a counter).
pub fn mark_oom_kill() {
    const COUNTER: &str = "user.oomd_ooms";
    let Some(path) = cgroup().map(|path| format!("/sys/fs/cgroup{path}")) else { return };
    let mut buffer = [0_u8; 32];
    let read = getxattr(&path, COUNTER, &mut buffer[..]).unwrap_or(0);
    let count: u64 = str::from_utf8(&buffer[..read]).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    // Where the attribute cannot be set, the exit status 137 and the log line still show it.
    let _without_attributes = setxattr(&path, COUNTER, (count + 1).to_string().as_bytes(), XattrFlags::empty());
}
