//! Keys that a `[table]` header took from the table for which they were meant.
//!
//! In TOML a key belongs to the last header above it, however it is indented: `ports` below `[services.web.healthcheck]` is not a
//! key of the service.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::diagnostic::Place;
use crate::stack::keys::{Key, Table, Takes, root};
use crate::stack::problem::Misplaced;

/// Where a key that stands at this place belongs, if it is no key of the table of its header, but one of a table around it.
pub fn misplaced(key: &str, place: &Place) -> Option<Misplaced> {
    // Most keys of maps are none of Wharf's, and a file may have a million of them: only the others are looked for above.
    if !NAMES.contains(key) {
        return None;
    }
    let text = &place.file.text;
    let before = text.get(..place.span.start)?;
    // Whoever quotes a key wants that key, and one in a `{ … }` is below no header.
    if text.get(place.span.clone())? != key || !before.rsplit('\n').next()?.trim().is_empty() {
        return None;
    }
    let header = before.lines().rev().find_map(header)?;
    let path: Vec<&str> = header.split('.').map(|part| part.trim().trim_matches(['"', '\''])).collect();
    let mut around = (0..=path.len()).rev().map(|length| (&path[..length], table_at(&path[..length])));
    if around.next()?.1.is_some_and(|own| own.key(key).is_some()) {
        return None;
    }
    let (path, _) = around.find(|(_, table)| table.and_then(|table| table.key(key)).is_some_and(Key::is_taken))?;
    Some(Misplaced { header: header.to_owned(), belongs: path.join(".") })
}

/// `services.web` of `[services.web]`.
fn header(line: &str) -> Option<&str> {
    let line = line.trim_start().strip_prefix('[')?;
    let (header, rest) = line.trim_start_matches('[').split_once(']')?;
    let rest = rest.trim_start_matches(']').trim_start();
    let is_header = |c: char| c.is_alphanumeric() || "._-\"' ".contains(c);
    ((rest.is_empty() || rest.starts_with('#')) && header.chars().all(is_header)).then(|| header.trim())
}

/// The table with fixed keys at a path.
fn table_at(path: &[&str]) -> Option<&'static Table> {
    let Some((first, rest)) = path.split_first() else { return Some(root()) };
    below(&root().key(first)?.takes, rest)
}

fn below(takes: &'static Takes, path: &[&str]) -> Option<&'static Table> {
    match takes {
        Takes::Table(table) => match path.split_first() {
            Some((first, rest)) => below(&table.key(first)?.takes, rest),
            None => Some(table),
        },
        Takes::Named(value) | Takes::Map(value) => below(value, path.get(1..)?),
        Takes::List(element) => below(element, path),
        Takes::Either(several) => several.iter().find_map(|takes| below(takes, path)),
        _ => None,
    }
}

/// The names of all keys of all tables.
static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let mut names = HashSet::new();
    collect(root(), &mut names);
    names
});

fn collect(table: &'static Table, names: &mut HashSet<&'static str>) {
    for key in table.keys {
        names.insert(key.name);
        collect_taken(&key.takes, names);
    }
}

fn collect_taken(takes: &'static Takes, names: &mut HashSet<&'static str>) {
    match takes {
        Takes::Table(table) => collect(table, names),
        Takes::Named(value) | Takes::Map(value) | Takes::List(value) => collect_taken(value, names),
        Takes::Either(several) => several.iter().for_each(|takes| collect_taken(takes, names)),
        _ => (),
    }
}
