//! `profiles`: which services of a stack are there at all.
//!
//! Source: Compose Specification, Profiles. What selects them is Wharf's own: `--profile`, else `COMPOSE_PROFILES` (from the
//! environment or `.env`), else the stack file's top-level `profiles`.

use std::collections::BTreeSet;

use crate::stack::fields::{Fields, Item, Text};
use crate::stack::grammar::suggest::nearest;
use crate::stack::problem::ProfileFault;
use crate::stack::text::node::{Node, Value};
use crate::stack::text::surroundings::Scope;

/// Stands for every profile.
const ALL: &str = "*";

/// The selected profiles.
pub struct Active(BTreeSet<String>);

impl Active {
    /// No profile.
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Every profile.
    pub fn all() -> Self {
        Self(BTreeSet::from([ALL.to_owned()]))
    }
}

/// The profiles of a service.
pub struct Membership {
    pub profiles: Vec<String>,
    /// Whether one of them is selected. A service that is not is checked, but the files that it names need not be there.
    pub selected: bool,
}

/// Which profiles are selected: those that were asked for, else those of the variables, else those of the composed stack.
pub fn active(root: &Node, requested: &[String], scope: &Scope<'_>) -> Active {
    if !requested.is_empty() {
        return Active(requested.iter().cloned().collect());
    }
    if let Some(names) = scope.lookup("COMPOSE_PROFILES") {
        return Active(names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect());
    }
    // Errors in the key are reported when it is decoded.
    Active(listed(root).iter().filter_map(Node::scalar).collect())
}

/// The `profiles` of a service; what is wrong with them is reported. A service without any is always there.
pub fn of_service(service: Item<'_>, active: &Active) -> Membership {
    let written = match &service.node.value {
        Value::Table(table) => table.get("profiles").filter(|entry| entry.node.value != Value::Null),
        _ => None,
    };
    let item = written.map(|entry| Item::of(entry, service.report));
    let names = item.and_then(|item| item.string_list()).unwrap_or_default();
    let profiles: Vec<String> = names.iter().filter_map(checked).collect();
    let named = |profile: &String| active.0.contains(profile);
    let selected = names.is_empty() || active.0.contains(ALL) || profiles.iter().any(named);
    Membership { profiles, selected }
}

/// Reads the stack's own `profiles`; `known` are those of its services.
pub fn of_stack(fields: &mut Fields<'_>, known: &BTreeSet<String>) {
    let Some(item) = fields.get("profiles") else { return };
    for name in item.string_list().unwrap_or_default() {
        if name.text == ALL || known.contains(name.text) {
            continue;
        }
        if let Some(profile) = checked(&name) {
            let nearest = nearest(&profile, known);
            name.item.add(ProfileFault::NoSuchProfile { profile, nearest });
        }
    }
}

/// `[a-zA-Z0-9][a-zA-Z0-9_.-]*`
fn checked(name: &Text<'_>) -> Option<String> {
    let text = name.text;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed) {
        return Some(text.to_owned());
    }
    name.item.add(ProfileFault::ProfileName { name: text.to_owned() });
    None
}

fn listed(root: &Node) -> &[Node] {
    let Value::Table(table) = &root.value else { return &[] };
    match table.get("profiles").map(|entry| &entry.node.value) {
        Some(Value::Array(nodes)) => nodes,
        _ => &[],
    }
}
