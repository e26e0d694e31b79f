//! Security options, groups and the rules of the device cgroup.
//!
//! Source: Compose Specification, services, security_opt, group_add, device_cgroup_rules, storage_opt, runtime and platform.

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::names;
use crate::stack::grammar::paths::absolute;
use crate::stack::grammar::security::{compact, device_rule, option};
use crate::stack::problem::{Expected, FileProblem};
use crate::stack::text::node::Value;
use crate::stack::text::surroundings::Surroundings;

/// `security_opt`, ready for the engine.
#[derive(Default)]
pub struct SecurityOptions {
    pub options: Vec<String>,
    /// `systempaths=unconfined`, which the engine takes as two empty lists of paths.
    pub unconfined_paths: bool,
}

/// Reads `security_opt`; a seccomp profile is read from its file, for the engine takes its text.
pub fn options(service: &mut Fields<'_>, surroundings: &Surroundings<'_>) -> SecurityOptions {
    let mut read = SecurityOptions::default();
    let Some(item) = service.get("security_opt") else { return read };
    for text in item.strings().unwrap_or_default() {
        if text.text == "systempaths=unconfined" {
            read.unconfined_paths = true;
            continue;
        }
        let Some((name, value)) = text.item.accept(option(text.text)) else { continue };
        read.options.extend(match (name, value) {
            ("seccomp", value) if !matches!(value, "unconfined" | "builtin") => {
                seccomp_profile(value, text.item, surroundings).map(|profile| format!("seccomp={profile}"))
            }
            _ => Some(text.text.to_owned()),
        });
    }
    read
}

/// Reads `masked_paths` or `readonly_paths`, which replace the engine's own; unconfined, there is none.
pub fn system_paths(key: &'static str, service: &mut Fields<'_>, unconfined: bool) -> Option<Vec<String>> {
    let Some(item) = service.get(key) else { return unconfined.then(Vec::new) };
    if unconfined {
        service.excludes(key, item.key_place, "`systempaths=unconfined` in `security_opt` leaves no path protected");
    }
    Some(item.parse_strings(|text| absolute(key, text)))
}

fn seccomp_profile(path: &str, item: Item<'_>, surroundings: &Surroundings<'_>) -> Option<String> {
    let scope = surroundings.at(item.place());
    let path = scope.shown(path);
    let text = match scope.inputs.read(&path) {
        Ok(file) => file.text.clone(),
        Err(error) => {
            item.add(FileProblem::Unreadable { path, reason: error.to_string() });
            return None;
        }
    };
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Some(compact(&text)),
        Err(error) => {
            item.add(FileProblem::NotJson { path, reason: error.to_string() });
            None
        }
    }
}

/// Reads `group_add`: names and numbers.
pub fn groups(service: &mut Fields<'_>) -> Vec<String> {
    let Some(item) = service.get("group_add") else { return Vec::new() };
    let group = |item: Item<'_>| match &item.node.value {
        Value::Integer(number) if *number >= 0 => Some(number.to_string()),
        _ => item.parse(Expected::Element, names::group),
    };
    item.elements(Expected::StringList).filter_map(group).collect()
}

/// Reads `device_cgroup_rules`: `TYPE MAJOR:MINOR ACCESS`, as the kernel has them.
pub fn device_cgroup_rules(service: &mut Fields<'_>) -> Vec<String> {
    service.parse_strings("device_cgroup_rules", device_rule)
}
