//! Devices as a string names them, and what may be done with them.
//!
//! Source: Compose Specification, services, devices; Container Device Interface.

use crate::stack::model::Device;
use crate::stack::problem::{Invalid, MachineFault};

/// `VENDOR/CLASS=NAME` (Container Device Interface, section "Kind" and "Device name").
pub fn is_cdi_name(text: &str) -> bool {
    let is_word = |word: &str, more: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(inner)
    };
    let parts = text.split_once('=').and_then(|(kind, name)| Some((kind.split_once('/')?, name)));
    parts
        .is_some_and(|((vendor, class), name)| is_word(vendor, "_-.") && is_word(class, "_-.") && is_word(name, "_-.:"))
}

/// `HOST[:CONTAINER[:PERMISSIONS]]`
pub fn short(text: &str) -> Result<Device, Invalid> {
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
}
