//! Security options, platforms, seccomp profiles and rules of the device cgroup.

use super::devices::are_permissions;
use crate::stack::problem::{Invalid, MachineFault};

/// `NAME=VALUE`, or the older `NAME:VALUE`.
pub fn option(text: &str) -> Result<(&str, &str), Invalid> {
    const NAMES: [&str; 4] = ["apparmor", "label", "no-new-privileges", "seccomp"];
    if text == "no-new-privileges" {
        return Ok((text, ""));
    }
    let split = text.split_once('=').or_else(|| text.split_once(':')).filter(|(_, value)| !value.is_empty());
    split
        .filter(|(name, _)| NAMES.contains(name))
        .ok_or_else(|| Invalid::Machine(MachineFault::SecurityOption { value: text.to_owned() }))
}

/// JSON without white space between its tokens; the order of its keys stays.
pub fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            (in_string, escaped) = (escaped || c != '"', c == '\\' && !escaped);
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            in_string = c == '"';
        }
        compact.push(c);
    }
    compact
}

/// `OS[/ARCH[/VARIANT]]`, of which only Linux runs here.
pub fn platform(text: &str) -> Result<String, Invalid> {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let parts: Vec<&str> = text.split('/').collect();
    let fits = parts.len() <= 3 && parts.iter().all(|part| is_part(part)) && parts[0] == "linux";
    let invalid = || Invalid::Machine(MachineFault::Platform { value: text.to_owned() });
    fits.then(|| text.to_owned()).ok_or_else(invalid)
}

/// `TYPE MAJOR:MINOR ACCESS`, as the kernel has them.
pub fn device_rule(text: &str) -> Result<String, Invalid> {
    let is_number = |text: &str| text == "*" || text.parse::<u32>().is_ok();
    let is_rule = match text.split(' ').collect::<Vec<_>>().as_slice() {
        [kind, numbers, access] => {
            matches!(*kind, "a" | "b" | "c")
                && numbers.split_once(':').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
                && are_permissions(access)
        }
        _ => false,
    };
    is_rule
        .then(|| text.to_owned())
        .ok_or_else(|| Invalid::Machine(MachineFault::DeviceRule { value: text.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_without_white_space() {
        assert_eq!(compact("{ \"a b\" : [ 1,\n\t\"x \\\" y\" ] }\n"), r#"{"a b":[1,"x \" y"]}"#);
    }

    #[test]
    fn security_options() {
        for good in ["label:user:USER", "label=disable", "no-new-privileges", "no-new-privileges:true", "apparmor=x"] {
            assert!(option(good).is_ok(), "{good}");
        }
        for bad in ["", "label", "label:", "selinux=off", "systempaths=confined"] {
            assert!(option(bad).is_err(), "{bad}");
        }
    }
}
