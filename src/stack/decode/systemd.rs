//! `systemd` tables: unit directives that the user adds or overrides.
//!
//! Wharf's own key: `[services.web.systemd.Service] Nice = 5`. Invariant: what comes out fits on one line of a unit file each.

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::directives::Section;
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::Overrides;
use crate::stack::problem::{Expected, Invalid, Shape, UnitFault};
use crate::stack::text::node::Value;

/// Sections of a container's unit, and of its slice.
pub const SERVICE_SECTIONS: &[&str] = &["Unit", "Service", "Install", "Slice"];
/// The same of a service that a timer runs, and of its timer.
pub const SCHEDULED_SECTIONS: &[&str] = &["Unit", "Service", "Install", "Slice", "Timer"];
/// Sections of a network's or volume's unit.
pub const RESOURCE_SECTIONS: &[&str] = &["Unit", "Service", "Install"];
/// Sections of the stack's target.
pub const TARGET_SECTIONS: &[&str] = &["Unit", "Install"];

/// Reads `systemd`: section → directive → a value or a list of them, one line each.
pub fn read(fields: &mut Fields<'_>, allowed: &'static [&'static str]) -> Overrides {
    let mut overrides = Overrides::new();
    let Some(item) = fields.get("systemd") else {
        return overrides;
    };
    for item in item.entries().filter(|item| !item.key.starts_with("x-")) {
        if item.key == "Timer" && allowed == SERVICE_SECTIONS {
            item.report.add(item.key_place, Invalid::Unit(UnitFault::TimerWithoutSchedule));
            continue;
        }
        if !allowed.contains(&item.key) {
            let fault =
                UnitFault::Section { section: item.key.to_owned(), allowed, nearest: nearest(item.key, allowed) };
            item.report.add(item.key_place, Invalid::Unit(fault));
            continue;
        }
        let section = Section { name: item.key, sections: allowed };
        let entries = item.entries().filter_map(|item| directive(item, &section));
        overrides.insert(section.name.to_owned(), entries.collect());
    }
    overrides
}

fn directive(item: Item<'_>, section: &Section<'_>) -> Option<(String, Vec<String>)> {
    let name = item.key;
    if let Err(fault) = section.takes(name) {
        match item.misplaced() {
            Some(misplaced) => {
                let owner = format!("`systemd.{}`", section.name);
                item.report.add(item.key_place, Shape::MisplacedKey { key: name.to_owned(), owner, misplaced });
            }
            None => item.report.add(item.key_place, Invalid::Unit(fault)),
        }
        return None;
    }
    let lines: Vec<Item<'_>> = match &item.node.value {
        Value::Array(_) => item.elements(Expected::List).collect(),
        _ => vec![item],
    };
    if lines.is_empty() {
        let instead = "write `\"\"` to clear what the unit sets, or remove the directive";
        item.add(Shape::EmptyList { key: name.to_owned(), instead });
        return None;
    }
    Some((name.to_owned(), lines.into_iter().filter_map(|item| line(item, name, section)).collect()))
}

fn line(item: Item<'_>, name: &str, section: &Section<'_>) -> Option<String> {
    let text = match &item.node.value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => {
            item.wrong_type(Expected::UnitValue);
            return None;
        }
    };
    item.accept(section.takes_value(name, &text).map_err(Invalid::Unit))?;
    Some(text)
}
