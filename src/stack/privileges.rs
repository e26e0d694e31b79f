//! What a container may do to the host: capabilities and devices.
//!
//! Source: Compose Specification, services, cap_add, cap_drop and devices; capabilities(7).

use super::decode::{Fields, Item, accept};
use super::keys;
use super::model::Device;
use super::node::Value;
use super::problem::{ChoiceFault, Expected, Invalid, MachineFault, Report, Shape};
use super::suggest::nearest;

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

/// `devices` as the engine takes them.
#[derive(Default)]
pub struct Devices {
    pub nodes: Vec<Device>,
    /// Names of the Container Device Interface, as `vendor.com/gpu=0`.
    pub cdi: Vec<String>,
}

/// Reads `devices`, in short and long forms.
pub fn devices(service: &mut Fields<'_>, report: &mut Report) -> Devices {
    let mut devices = Devices::default();
    let Some(item) = service.get("devices") else { return devices };
    for node in item.elements(Expected::List, report).unwrap_or_default() {
        match &node.value {
            Value::String(name) if is_cdi_name(name) => devices.cdi.push(name.clone()),
            _ => devices.nodes.extend(device(Item { key: "devices", node }, &service.owner, report)),
        }
    }
    devices
}

/// `VENDOR/CLASS=NAME` (Container Device Interface, section "Kind" and "Device name").
fn is_cdi_name(text: &str) -> bool {
    let is_word = |word: &str, more: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(inner)
    };
    let parts = text.split_once('=').and_then(|(kind, name)| Some((kind.split_once('/')?, name)));
    parts
        .is_some_and(|((vendor, class), name)| is_word(vendor, "_-.") && is_word(class, "_-.") && is_word(name, "_-.:"))
}

fn device(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Device> {
    match &item.node.value {
        Value::String(text) => accept(short(text), item.place(), report),
        Value::Table(_) => long(item, owner, report),
        _ => {
            item.wrong_type(Expected::StringOrTable, report);
            None
        }
    }
}

/// `HOST[:CONTAINER[:PERMISSIONS]]`
fn short(text: &str) -> Result<Device, Invalid> {
    let invalid = || Invalid::Machine(MachineFault::Device { value: text.to_owned() });
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container, permissions) = match parts.as_slice() {
        [host] => (*host, *host, "rwm"),
        [host, permissions] if are_permissions(permissions) => (*host, *host, *permissions),
        [host, container] => (*host, *container, "rwm"),
        [host, container, permissions] => (*host, *container, *permissions),
        _ => return Err(invalid()),
    };
    let fits = host.starts_with('/') && container.starts_with('/') && are_permissions(permissions);
    if !fits {
        return Err(invalid());
    }
    Ok(Device { host: host.to_owned(), container: container.to_owned(), permissions: permissions.to_owned() })
}

/// Some of read, write, mknod, each once.
pub fn are_permissions(text: &str) -> bool {
    let once = |c: char| "rwm".contains(c) && text.matches(c).count() == 1;
    !text.is_empty() && text.chars().all(once)
}

fn long(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Device> {
    let mut fields = item.fields(&keys::DEVICE, format!("a device of {owner}"), report)?;
    let written_source = fields.get("source");
    let source = written_source.and_then(|item| item.string(report));
    let target = fields.string("target", report);
    let permissions = fields.string("permissions", report);
    let owner = fields.owner.clone();
    fields.finish(report);
    if written_source.is_none() {
        report.add(item.place(), Shape::Missing { key: "source", owner, example: "source = \"/dev/…\"" });
    }
    let source = source?;
    let target = target.unwrap_or_else(|| source.clone());
    let short_form = format!("{source}:{target}:{}", permissions.as_deref().unwrap_or("rwm"));
    accept(short(&short_form), item.place(), report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_in_their_short_forms() {
        let parts = |text| short(text).ok().map(|d| (d.host, d.container, d.permissions));
        let expected = |h: &str, c: &str, p: &str| Some((h.to_owned(), c.to_owned(), p.to_owned()));
        assert_eq!(parts("/dev/a"), expected("/dev/a", "/dev/a", "rwm"));
        assert_eq!(parts("/dev/a:r"), expected("/dev/a", "/dev/a", "r"));
        assert_eq!(parts("/dev/a:/dev/b"), expected("/dev/a", "/dev/b", "rwm"));
        assert_eq!(parts("/dev/a:/dev/b:rw"), expected("/dev/a", "/dev/b", "rw"));
        for bad in
            ["", "dev/a", "/dev/a:b", "/dev/a:/dev/b:x", "/dev/a:/dev/b:rr", "/a:/b:r:w", "vendor.com/device=gpu"]
        {
            assert!(short(bad).is_err(), "{bad}");
            assert!(!is_cdi_name(bad) || bad.contains('='), "{bad}");
        }
    }

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
}
