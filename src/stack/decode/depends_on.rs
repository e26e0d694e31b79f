//! `depends_on`: what a service waits for.
//!
//! Source: Compose Specification, services, depends_on. In table form `condition` may be left out: `service_started`.

use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::choice;
use crate::stack::keys;
use crate::stack::model::{Condition, Dependency};
use crate::stack::problem::{Expected, Shape};
use crate::stack::text::node::Value;

/// Reads `depends_on`, in list and table form.
pub fn read(service: &mut Fields<'_>) -> BTreeMap<String, Dependency> {
    let mut dependencies = BTreeMap::new();
    let Some(item) = service.get("depends_on") else {
        return dependencies;
    };
    match &item.node.value {
        Value::Array(_) => {
            for text in item.string_list().unwrap_or_default() {
                if dependencies.insert(text.text.to_owned(), started(text.item.place())).is_some() {
                    let what = format!("`{}`", text.text);
                    text.item.add(Shape::Twice { key: "depends_on".to_owned(), what });
                }
            }
        }
        Value::Table(_) => {
            for item in item.entries() {
                let owner = format!("dependency `{}` of {}", item.key, service.owner);
                if let Some(dependency) = long(item, owner) {
                    dependencies.insert(item.key.to_owned(), dependency);
                }
            }
        }
        _ => item.wrong_type(Expected::ListOrTable),
    }
    dependencies
}

fn started(place: &Place) -> Dependency {
    Dependency { condition: Condition::Started, required: true, restart: false, place: place.clone() }
}

fn long(item: Item<'_>, owner: String) -> Option<Dependency> {
    let mut fields = item.fields(&keys::DEPENDENCY, owner)?;
    let dependency = Dependency {
        condition: fields.parse("condition", choice::condition).unwrap_or(Condition::Started),
        required: fields.boolean("required").unwrap_or(true),
        restart: fields.is_on("restart"),
        place: item.key_place.clone(),
    };
    fields.finish();
    Some(dependency)
}
