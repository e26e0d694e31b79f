//! `post_start` and `pre_stop`: commands that are run inside the container.
//!
//! Source: Compose Specification, services, post_start and pre_stop.

use super::environment;
use crate::stack::fields::commands::{command, user};
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::paths::absolute;
use crate::stack::keys;
use crate::stack::model::Hook;
use crate::stack::problem::{Expected, Invalid};
use crate::stack::text::surroundings::Surroundings;

/// Reads `key`, a list of hooks.
pub fn read(service: &mut Fields<'_>, key: &'static str, surroundings: &Surroundings<'_>) -> Vec<Hook> {
    let Some(item) = service.get(key) else {
        return Vec::new();
    };
    let owner = format!("`{key}` of {}", service.owner);
    item.elements(Expected::Hooks).filter_map(|item| hook(item, owner.clone(), surroundings)).collect()
}

fn hook(item: Item<'_>, owner: String, surroundings: &Surroundings<'_>) -> Option<Hook> {
    let mut fields = item.fields(&keys::HOOK, owner)?;
    let command_item = fields.get("command");
    let words = command("command", &mut fields);
    match (command_item, &words) {
        (None, _) => fields.missing("command", "command = [\"program\", \"argument\"]"),
        (Some(item), Some(words)) if words.is_empty() => item.add(Invalid::Empty { what: "`command`" }),
        _ => (),
    }
    let hook = Hook {
        command: words.unwrap_or_default(),
        user: user(&mut fields),
        privileged: fields.is_on("privileged"),
        working_dir: fields.parse("working_dir", |text| absolute("working_dir", text)),
        environment: environment::assignments(&mut fields, "environment", surroundings),
    };
    fields.finish();
    Some(hook)
}
