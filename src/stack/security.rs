//! Security options, groups and the rules of the device cgroup.
//!
//! Source: Compose Specification, services, security_opt, group_add, device_cgroup_rules, storage_opt, runtime and platform.

use super::decode::{Fields, Item, accept};
use super::environment::read_file;
use super::node::Value;
use super::problem::{Expected, FileProblem, Invalid, MachineFault, Report};
use super::surroundings::Surroundings;

/// `security_opt`, ready for the engine.
#[derive(Default)]
pub struct SecurityOptions {
    pub options: Vec<String>,
    /// `systempaths=unconfined`, which the engine takes as two empty lists of paths.
    pub unconfined_paths: bool,
}

/// Reads `security_opt`; a seccomp profile is read from its file, for the engine takes its text.
pub fn options(service: &mut Fields<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> SecurityOptions {
    let mut read = SecurityOptions::default();
    let Some(item) = service.get("security_opt") else { return read };
    for text in item.strings(report).unwrap_or_default() {
        if text.text == "systempaths=unconfined" {
            read.unconfined_paths = true;
            continue;
        }
        let Some((name, value)) = accept(option(text.text), &text.node.place, report) else { continue };
        read.options.extend(match (name, value) {
            ("seccomp", value) if !matches!(value, "unconfined" | "builtin") => {
                let item = Item { key: "security_opt", node: text.node };
                seccomp_profile(value, item, surroundings, report).map(|profile| format!("seccomp={profile}"))
            }
            _ => Some(text.text.to_owned()),
        });
    }
    read
}

/// `NAME=VALUE`, or the older `NAME:VALUE`.
fn option(text: &str) -> Result<(&str, &str), Invalid> {
    const NAMES: [&str; 4] = ["apparmor", "label", "no-new-privileges", "seccomp"];
    if text == "no-new-privileges" {
        return Ok((text, ""));
    }
    let split = text.split_once('=').or_else(|| text.split_once(':')).filter(|(_, value)| !value.is_empty());
    split
        .filter(|(name, _)| NAMES.contains(name))
        .ok_or_else(|| Invalid::Machine(MachineFault::SecurityOption { value: text.to_owned() }))
}

fn seccomp_profile(path: &str, item: Item<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<String> {
    let path = surroundings.at(item.place()).shown(path);
    let text = match read_file(&path) {
        Ok(file) => file.text.clone(),
        Err(error) => {
            report.add(item.place(), FileProblem::Unreadable { path, reason: error.to_string() });
            return None;
        }
    };
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Some(compact(&text)),
        Err(error) => {
            report.add(item.place(), FileProblem::NotJson { path, reason: error.to_string() });
            None
        }
    }
}

/// JSON without white space between its tokens; the order of its keys stays.
fn compact(json: &str) -> String {
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

/// Reads `group_add`: names and numbers.
pub fn groups(service: &mut Fields<'_>, report: &mut Report) -> Vec<String> {
    let Some(item) = service.get("group_add") else { return Vec::new() };
    let nodes = item.elements(Expected::StringList, report).unwrap_or_default();
    let group = |node| match &(Item { key: "group_add", node }).node.value {
        Value::Integer(number) if *number >= 0 => Some(number.to_string()),
        _ => (Item { key: "group_add", node }).parse(Expected::Element, report, super::names::group),
    };
    nodes.iter().filter_map(group).collect()
}

/// Reads `device_cgroup_rules`: `TYPE MAJOR:MINOR ACCESS`, as the kernel has them.
pub fn device_cgroup_rules(service: &mut Fields<'_>, report: &mut Report) -> Vec<String> {
    service.parse_strings("device_cgroup_rules", report, |text| {
        let is_number = |text: &str| text == "*" || text.parse::<u32>().is_ok();
        let is_rule = match text.split(' ').collect::<Vec<_>>().as_slice() {
            [kind, numbers, access] => {
                matches!(*kind, "a" | "b" | "c")
                    && numbers.split_once(':').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
                    && super::privileges::are_permissions(access)
            }
            _ => false,
        };
        let invalid = || Invalid::Machine(MachineFault::DeviceRule { value: text.to_owned() });
        is_rule.then(|| text.to_owned()).ok_or_else(invalid)
    })
}

/// `OS[/ARCH[/VARIANT]]`, of which only Linux runs here.
pub fn platform(text: &str) -> Result<String, Invalid> {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let parts: Vec<&str> = text.split('/').collect();
    let fits = parts.len() <= 3 && parts.iter().all(|part| is_part(part)) && parts[0] == "linux";
    let invalid = || Invalid::Machine(MachineFault::Platform { value: text.to_owned() });
    fits.then(|| text.to_owned()).ok_or_else(invalid)
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
