//! `wharf config`: the files of a stack → the text of one stack file that needs nothing else.
//!
//! In: the stack as it is put together: files merged, variables replaced. Out: TOML that means the same in any directory, or the
//! same as JSON: the project's name and absolute paths are written out, services that no selected profile has are left out.
//! Invariant: the text gives the same units as the files. Files that hold variables or secrets stay names of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Number};

use crate::diagnostic::{Diagnostics, Place};
use crate::import::paths::Move;
use crate::import::problem::Report as Moved;
use crate::import::write::write;
use crate::import::yaml::Comments;
use crate::path::absolute;
use crate::stack::load::{Composed, compose};
use crate::stack::problem::Report;
use crate::stack::text::node::{Entry, Node, Table, Value};
use crate::stack::text::surroundings::Surroundings;
use crate::stack::{Request, Stack};

/// A stack as one tree.
#[derive(Debug)]
pub struct Resolved {
    root: Table,
    /// About the stack files.
    pub warnings: Diagnostics,
}

/// Reads a stack, and resolves it.
///
/// # Errors
/// Everything that is wrong with its files.
pub fn resolve(request: &Request<'_>) -> Result<Resolved, Diagnostics> {
    let Composed { loaded, root, surroundings } = compose(request)?;
    let name = named(&root, &surroundings.project);
    let mut root = match root.value {
        Value::Table(table) => table,
        _ => Table::default(),
    };
    select(&mut root, &loaded.stack);
    root.entries.retain(|entry| !is_of(&entry.key, &["name", "profiles"]) && !entry.key.starts_with("x-"));
    root.entries.insert(0, name);
    for service in members(&mut root, "services") {
        if let Some(known) = loaded.stack.services.get(&service.key) {
            environment(&mut service.node, &known.environment, &surroundings);
        }
        fill_in(&mut service.node, &surroundings);
    }
    for kind in ["secrets", "configs"] {
        members(&mut root, kind).for_each(|secret| credential(&mut secret.node, &surroundings));
    }
    let from = &|place: &Place| surroundings.at(place).directory.clone();
    // A path below no directory at all is written as an absolute one.
    Move { from, to: PathBuf::new(), report: &Moved::default() }.stack(&mut root);
    Ok(Resolved { root, warnings: loaded.warnings })
}

impl Resolved {
    /// A stack file.
    pub fn to_toml(&self) -> String {
        let mut root = self.root.clone();
        root.entries.iter_mut().for_each(|entry| literal(&mut entry.node));
        write(&root, &mut Comments::default())
    }

    pub fn to_json(&self) -> serde_json::Value {
        json_table(&self.root)
    }
}

fn is_of(key: &str, keys: &[&str]) -> bool {
    keys.contains(&key)
}

fn named(root: &Node, name: &str) -> Entry {
    let node = Node { value: Value::String(name.to_owned()), place: root.place.clone() };
    Entry { key: "name".to_owned(), key_place: root.place.clone(), node }
}

/// Leaves out what belongs to services that are not selected.
fn select(root: &mut Table, stack: &Stack) {
    let services: BTreeSet<&str> = stack.services.keys().map(String::as_str).collect();
    retain(root, "services", |key| services.contains(key));
    retain(root, "networks", |key| stack.networks.contains_key(key));
    retain(root, "volumes", |key| stack.volumes.contains_key(key));
    for service in members(root, "services") {
        let Value::Table(table) = &mut service.node.value else { continue };
        table.take("profiles");
        retain(table, "depends_on", |key| services.contains(key));
    }
}

fn retain(table: &mut Table, key: &str, keeps: impl Fn(&str) -> bool) {
    if let Some(Value::Table(members)) = value(table, key) {
        members.entries.retain(|entry| keeps(&entry.key));
    }
}

fn value<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    table.entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node.value)
}

fn members<'a>(table: &'a mut Table, key: &str) -> impl Iterator<Item = &'a mut Entry> {
    match value(table, key) {
        Some(Value::Table(members)) => members.entries.as_mut_slice(),
        _ => &mut [],
    }
    .iter_mut()
}

/// What a service takes from around the files: variables without a value, the directory that is built where none is named, and the
/// file of a seccomp profile.
fn fill_in(service: &mut Node, surroundings: &Surroundings<'_>) {
    let Value::Table(service) = &mut service.value else { return };
    for network in members(service, "networks").filter(|network| network.node.value == Value::Null) {
        network.node.value = Value::Table(Table::default());
    }
    assign(value(service, "environment"), surroundings);
    if let Some(build) = service.entries.iter_mut().find(|entry| entry.key == "build")
        && let Value::Table(table) = &mut build.node.value
    {
        assign(value(table, "args"), surroundings);
        if table.get("context").is_none() {
            let place = build.node.place.clone();
            let context = Value::String(path_of("", &place, surroundings));
            let node = Node { value: context, place: place.clone() };
            table.entries.insert(0, Entry { key: "context".to_owned(), key_place: place, node });
        }
    }
    let Some(Value::Array(options)) = value(service, "security_opt") else { return };
    for option in options {
        let Value::String(text) = &mut option.value else { continue };
        let Some((name, path)) = text.split_once(['=', ':']).filter(|(name, _)| *name == "seccomp") else { continue };
        if !is_of(path, &["unconfined", "builtin"]) {
            *text = format!("{name}={}", path_of(path, &option.place, surroundings));
        }
    }
}

/// Writes out all variables of a service if one of its `env_file` has variables of its own that only the `.env` of an included
/// file sets.
fn environment(service: &mut Node, all: &BTreeMap<String, Option<String>>, surroundings: &Surroundings<'_>) {
    let Value::Table(table) = &mut service.value else { return };
    let Some(entry) = table.get("env_file").filter(|entry| depends_on_place(&entry.node, surroundings)) else { return };
    let place = entry.node.place.clone();
    let text = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => name.clone(),
    };
    let items = all.iter().map(text).map(|text| Node { value: Value::String(text), place: place.clone() }).collect();
    table.entries.retain(|entry| !is_of(&entry.key, &["environment", "env_file"]));
    let node = Node { value: Value::Array(items), place: place.clone() };
    table.entries.push(Entry { key: "environment".to_owned(), key_place: place, node });
}

/// Whether a file that `env_file` names is read with other variables than those of the stack file.
fn depends_on_place(node: &Node, surroundings: &Surroundings<'_>) -> bool {
    match &node.value {
        Value::Array(items) => items.iter().any(|item| depends_on_place(item, surroundings)),
        Value::Table(table) => table.get("path").is_some_and(|entry| depends_on_place(&entry.node, surroundings)),
        Value::String(path) => {
            let scope = surroundings.at(&node.place);
            let is_elsewhere = scope.directory != surroundings.main().directory;
            is_elsewhere && scope.inputs.read(&scope.shown(path)).is_ok_and(|file| file.text.contains('$'))
        }
        _ => false,
    }
}

/// `credential`, which with a slash is the path of an encrypted credential.
fn credential(secret: &mut Node, surroundings: &Surroundings<'_>) {
    let Value::Table(secret) = &mut secret.value else { return };
    let Some(entry) = secret.entries.iter_mut().find(|entry| entry.key == "credential") else { return };
    if let Value::String(text) = &mut entry.node.value
        && text.contains('/')
        && !text.starts_with('~')
    {
        *text = path_of(text, &entry.node.place, surroundings);
    }
}

fn path_of(path: &str, place: &Place, surroundings: &Surroundings<'_>) -> String {
    absolute(&surroundings.at(place).directory.join(path)).display().to_string()
}

/// `NAME` becomes `NAME=value`, if the variable is set. A table in which a name has no value, as merging makes one, becomes a list.
fn assign(value: Option<&mut Value>, surroundings: &Surroundings<'_>) {
    let Some(value) = value else { return };
    if let Value::Table(table) = value
        && table.entries.iter().any(|entry| entry.node.value == Value::Null)
    {
        let text = |Entry { key, node, .. }: &Entry| node.scalar().map_or(key.clone(), |text| format!("{key}={text}"));
        let item = |entry: &Entry| Node { value: Value::String(text(entry)), place: entry.key_place.clone() };
        *value = Value::Array(table.entries.iter().map(item).collect());
    }
    let Value::Array(items) = value else { return };
    for item in items {
        let Value::String(text) = &mut item.value else { continue };
        if text.contains('=') {
            continue;
        }
        // One that is too long has been refused.
        if let Some(value) = surroundings.at(&item.place).value(text, &item.place, &Report::default()) {
            *text = format!("{text}={value}");
        }
    }
}

/// Makes of a value what says the same in a stack file: `$` begins a variable there, and a number may have lost its last zero.
fn literal(node: &mut Node) {
    let scalar = node.scalar();
    match &mut node.value {
        Value::String(text) => *text = text.replace('$', "$$"),
        Value::Float(number) => {
            if let Some(text) = scalar.filter(|text| *text != number.to_string()) {
                node.value = Value::String(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(literal),
        Value::Table(table) => table.entries.iter_mut().for_each(|entry| literal(&mut entry.node)),
        _ => {}
    }
}

fn json_table(table: &Table) -> serde_json::Value {
    table.entries.iter().map(|entry| (entry.key.clone(), json(&entry.node))).collect::<Map<_, _>>().into()
}

fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => Number::from_f64(*value).map_or(serde_json::Value::Null, Into::into),
        Value::Date(text) | Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(json).collect::<Vec<_>>().into(),
        Value::Table(table) => json_table(table),
        Value::Override(node) => json(node),
        Value::Null | Value::Faulty | Value::Reset => serde_json::Value::Null,
    }
}
