//! The way through all tables.

use super::table::{Key, Table, Takes};
use super::top;

/// The top level of a stack file, and through it every table.
pub fn root() -> &'static Table {
    &top::STACK
}

/// Calls `visit` with every key and its path, as in `services.*.build.args`: `*` stands for a name that the user chooses, `[]` for
/// each element of a list.
pub fn walk(visit: &mut dyn FnMut(&str, &'static Table, &'static Key)) {
    walk_table("", root(), visit);
}

fn walk_table(path: &str, table: &'static Table, visit: &mut dyn FnMut(&str, &'static Table, &'static Key)) {
    for key in table.keys {
        let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        visit(&path, table, key);
        walk_takes(&path, &key.takes, visit);
    }
}

fn walk_takes(path: &str, takes: &'static Takes, visit: &mut dyn FnMut(&str, &'static Table, &'static Key)) {
    match takes {
        Takes::Table(table) => walk_table(path, table, visit),
        Takes::List(element) => walk_takes(&format!("{path}.[]"), element, visit),
        Takes::Named(value) | Takes::Map(value) => walk_takes(&format!("{path}.*"), value, visit),
        Takes::Either(several) => several.iter().for_each(|takes| walk_takes(path, takes, visit)),
        _ => {}
    }
}
