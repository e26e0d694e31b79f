//! Words and numbers of the kernel: capabilities, limits of a process, sets of CPUs.

use super::suggest::nearest;
use crate::stack::problem::{ChoiceFault, Invalid};

/// The kernel's capabilities without their prefix, as of Linux 5.9; none were added since.
const CAPABILITIES: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// A capability as written: with or without `CAP_`, in either case.
pub fn capability(text: &str) -> Result<String, Invalid> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    let known = CAPABILITIES.contains(&bare) && upper != "CAP_ALL";
    if known {
        return Ok(text.to_owned());
    }
    let nearest = nearest(bare, CAPABILITIES);
    Err(Invalid::Choice(ChoiceFault::Capability { value: text.to_owned(), nearest }))
}

/// The limits of setrlimit(2) by the engine's names.
pub const ULIMITS: &[&str] = &[
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// A list of CPUs and ranges of them (cpuset(7), "List format").
pub fn cpuset(text: &str) -> Result<String, Invalid> {
    let number = |text: &str| text.parse::<u32>().ok();
    let is_part = |part: &str| match part.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first <= last),
        None => number(part).is_some(),
    };
    if text.split(',').all(is_part) { Ok(text.to_owned()) } else { Err(Invalid::Cpuset { value: text.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_with_and_without_prefix() {
        for good in ["NET_ADMIN", "CAP_NET_ADMIN", "net_admin", "ALL"] {
            assert!(capability(good).is_ok(), "{good}");
        }
        let suggestion = |text| match capability(text) {
            Err(Invalid::Choice(ChoiceFault::Capability { nearest, .. })) => nearest,
            _ => None,
        };
        assert_eq!(suggestion("NET_ADMN").as_deref(), Some("NET_ADMIN"));
        assert_eq!(suggestion("CAP_SYSADMIN").as_deref(), Some("SYS_ADMIN"));
    }

    #[test]
    fn sets_of_cpus() {
        for good in ["0", "0,1", "0-3", "0-3,5,7-8"] {
            assert!(cpuset(good).is_ok(), "{good}");
        }
        for bad in ["", "3-0", "a", "0,", "0-", "-1"] {
            assert!(cpuset(bad).is_err(), "{bad}");
        }
    }
}
