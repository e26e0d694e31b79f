//! `depends_on`: what a service waits for.
//!
//! Source: Compose Specification, services, depends_on. In table form `condition` may be left out: `service_started`.

use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::choice;
use crate::stack::keys;
use crate::stack::model::{Condition, Dependency};
use crate::stack::problem::{Expected, Report, Shape};
use crate::stack::text::node::Value;

/// Reads `depends_on`, in list and table form.
pub fn read(service: &mut Fields<'_>, report: &mut Report) -> BTreeMap<String, Dependency> {
    let mut dependencies = BTreeMap::new();
    let Some(item) = service.get("depends_on") else {
        return dependencies;
    };
    match &item.node.value {
        Value::Array(_) => {
            for text in item.string_list(report).unwrap_or_default() {
                if dependencies.insert(text.text.to_owned(), started(&text.node.place)).is_some() {
                    let what = format!("`{}`", text.text);
                    report.add(&text.node.place, Shape::Twice { key: "depends_on".to_owned(), what });
                }
            }
        }
        Value::Table(table) => {
            for entry in &table.entries {
                let item = Item { key: &entry.key, node: &entry.node };
                let owner = format!("dependency `{}` of {}", entry.key, service.owner);
                if let Some(dependency) = long(item, owner, &entry.key_place, report) {
                    dependencies.insert(entry.key.clone(), dependency);
                }
            }
        }
        _ => item.wrong_type(Expected::ListOrTable, report),
    }
    dependencies
}

fn started(place: &Place) -> Dependency {
    Dependency { condition: Condition::Started, required: true, restart: false, place: place.clone() }
}

fn long(item: Item<'_>, owner: String, place: &Place, report: &mut Report) -> Option<Dependency> {
    let mut fields = item.fields(&keys::DEPENDENCY, owner, report)?;
    let dependency = Dependency {
        condition: fields.parse("condition", report, choice::condition).unwrap_or(Condition::Started),
        required: fields.boolean("required", report).unwrap_or(true),
        restart: fields.boolean("restart", report).unwrap_or(false),
        place: place.clone(),
    };
    fields.finish(report);
    Some(dependency)
}
