//! `post_start` and `pre_stop`: commands that are run inside the container.
//!
//! Source: Compose Specification, services, post_start and pre_stop.

use super::commands::{command, user};
use super::environment;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::paths::absolute;
use crate::stack::keys;
use crate::stack::model::Hook;
use crate::stack::problem::{Expected, Invalid, Report, Shape};
use crate::stack::text::surroundings::Surroundings;

/// Reads `key`, a list of hooks.
pub fn read(
    service: &mut Fields<'_>,
    key: &'static str,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Vec<Hook> {
    let Some(item) = service.get(key) else {
        return Vec::new();
    };
    let nodes = item.elements(Expected::Hooks, report).unwrap_or_default();
    let owner = format!("`{key}` of {}", service.owner);
    nodes.iter().filter_map(|node| hook(Item { key, node }, owner.clone(), surroundings, report)).collect()
}

fn hook(item: Item<'_>, owner: String, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Hook> {
    let mut fields = item.fields(&keys::HOOK, owner, report)?;
    let command_item = fields.get("command");
    let words = command("command", &mut fields, report);
    match (command_item, &words) {
        (None, _) => {
            let example = "command = [\"program\", \"argument\"]";
            report.add(&fields.place, Shape::Missing { key: "command", owner: fields.owner.clone(), example });
        }
        (Some(item), Some(words)) if words.is_empty() => report.add(item.place(), Invalid::Empty { what: "`command`" }),
        _ => (),
    }
    let hook = Hook {
        command: words.unwrap_or_default(),
        user: user(&mut fields, report),
        privileged: fields.boolean("privileged", report).unwrap_or(false),
        working_dir: fields.parse("working_dir", report, |text| absolute("working_dir", text)),
        environment: environment::assignments(&mut fields, "environment", surroundings, report),
    };
    fields.finish(report);
    Some(hook)
}
