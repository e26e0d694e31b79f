//! `systemd` tables: unit directives that the user adds or overrides.
//!
//! Wharf's own key: `[services.web.systemd.Service] Nice = 5`. Invariant: what comes out fits on one line of a unit file each.

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::Overrides;
use crate::stack::problem::{Expected, Invalid, Report, Shape, UnitFault};
use crate::stack::text::node::{Entry, Node, Value};

/// Sections of a container's unit, and of its slice.
pub const SERVICE_SECTIONS: &[&str] = &["Unit", "Service", "Install", "Slice"];
/// The same of a service that a timer runs, and of its timer.
pub const SCHEDULED_SECTIONS: &[&str] = &["Unit", "Service", "Install", "Slice", "Timer"];
/// Sections of a network's or volume's unit.
pub const RESOURCE_SECTIONS: &[&str] = &["Unit", "Service", "Install"];
/// Sections of the stack's target.
pub const TARGET_SECTIONS: &[&str] = &["Unit", "Install"];

/// Reads `systemd`: section → directive → a value or a list of them, one line each.
pub fn read(fields: &mut Fields<'_>, allowed: &'static [&'static str], report: &mut Report) -> Overrides {
    let mut overrides = Overrides::new();
    let Some(item) = fields.get("systemd") else {
        return overrides;
    };
    for entry in item.entries(report).iter().filter(|entry| !entry.key.starts_with("x-")) {
        if entry.key == "Timer" && allowed == SERVICE_SECTIONS {
            report.add(&entry.key_place, Invalid::Unit(UnitFault::TimerWithoutSchedule));
            continue;
        }
        if !allowed.contains(&entry.key.as_str()) {
            let nearest = nearest(&entry.key, allowed);
            report.add(
                &entry.key_place,
                Invalid::Unit(UnitFault::Section { section: entry.key.clone(), allowed, nearest }),
            );
            continue;
        }
        let section = Item { key: &entry.key, node: &entry.node };
        let directives = section.entries(report).iter().filter_map(|entry| directive(entry, report)).collect();
        overrides.insert(entry.key.clone(), directives);
    }
    overrides
}

fn directive(entry: &Entry, report: &mut Report) -> Option<(String, Vec<String>)> {
    let name = entry.key.as_str();
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    if !is_name {
        report.add(&entry.key_place, Invalid::Unit(UnitFault::Directive { name: name.to_owned() }));
        return None;
    }
    let nodes = match &entry.node.value {
        Value::Array(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(&entry.node),
    };
    if nodes.is_empty() {
        let instead = "write `\"\"` to take back what the unit says, or remove the directive";
        report.add(&entry.node.place, Shape::EmptyList { key: name.to_owned(), instead });
        return None;
    }
    Some((name.to_owned(), nodes.iter().filter_map(|node| line(name, node, report)).collect()))
}

fn line(name: &str, node: &Node, report: &mut Report) -> Option<String> {
    let text = match &node.value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => {
            Item { key: name, node }.wrong_type(Expected::UnitValue, report);
            return None;
        }
    };
    if text.contains(['\n', '\r', '\0']) {
        report.add(&node.place, Invalid::Unit(UnitFault::DirectiveValue { name: name.to_owned() }));
        return None;
    }
    Some(text)
}
