//! What Compose implies, made explicit.
//!
//! In: the tree of all files. Out: a tree that means to Wharf, in TOML, what the YAML means to Compose: its name, a restart policy
//! where Wharf's default is another, and no null where null means something.
//! Invariant: what has no meaning to Compose is left as it is.

use super::problem::{Lost, Report};
use super::write::go_float;
use super::yaml::end_of;
use crate::stack::text::node::{Entry, Node, Table, Value};

/// The top-level tables whose entries may be null: then they are declared, and that is all.
const DECLARATIONS: [&str; 5] = ["networks", "volumes", "secrets", "configs", "models"];

/// Tables in which a null value means that a variable comes from the environment, which only the list form can say.
const VARIABLES: [&str; 2] = ["environment", "args"];

/// Gives every null, number and deprecated form the shape in which the stack file says the same.
pub fn shapes(root: &mut Table, report: &Report) {
    if let Some(version) = root.get("version") {
        report.add(&version.key_place, Lost::Version);
    }
    root.entries.retain(|entry| entry.key != "version");
    for entry in root.entries.iter_mut().filter(|entry| !entry.key.starts_with("x-")) {
        floats(&mut entry.node);
        let is_declaration = DECLARATIONS.contains(&entry.key.as_str());
        let Value::Table(members) = &mut entry.node.value else { continue };
        for member in &mut members.entries {
            if is_declaration && member.node.value == Value::Null {
                member.node.value = Value::Table(Table::default());
            }
            if let Value::Table(table) = &mut member.node.value {
                external(table);
                if entry.key == "services" {
                    service(table);
                } else {
                    empty_labels(table);
                }
            }
        }
    }
}

/// `external: { name: shop }`, which Compose still takes, is `external: true` and `name: shop`.
fn external(table: &mut Table) {
    let Some(index) = table.entries.iter().position(|entry| entry.key == "external") else { return };
    let Value::Table(inner) = &table.entries[index].node.value else { return };
    let name = inner.get("name").cloned();
    table.entries[index].node.value = Value::Bool(true);
    if table.get("name").is_none() {
        table.entries.extend(name);
    }
}

fn service(table: &mut Table) {
    // Compose takes an empty policy for none.
    table.entries.retain(|entry| entry.key != "restart" || entry.node.value != Value::String(String::new()));
    for entry in &mut table.entries {
        match entry.key.as_str() {
            "networks" | "models" => names_or_tables(&mut entry.node),
            "depends_on" => nulls_to(&mut entry.node, &Value::Table(Table::default())),
            "build" | "deploy" => {
                if let Value::Table(table) = &mut entry.node.value {
                    empty_labels(table);
                    table.entries.iter_mut().for_each(variables);
                }
            }
            _ => variables(entry),
        }
    }
    empty_labels(table);
}

/// `networks: { front:, back: }` is a list of names; with a table among them, the others are empty tables.
fn names_or_tables(node: &mut Node) {
    let Value::Table(table) = &node.value else { return };
    let all_null = table.entries.iter().all(|entry| entry.node.value == Value::Null);
    if all_null && !table.entries.is_empty() {
        let name = |entry: &Entry| Node { value: Value::String(entry.key.clone()), place: entry.key_place.clone() };
        node.value = Value::Array(table.entries.iter().map(name).collect());
    } else {
        nulls_to(node, &Value::Table(Table::default()));
    }
}

fn nulls_to(node: &mut Node, value: &Value) {
    let Value::Table(table) = &mut node.value else { return };
    for entry in table.entries.iter_mut().filter(|entry| entry.node.value == Value::Null) {
        entry.node.value = value.clone();
    }
}

/// `labels: { shop: }` is an empty label.
fn empty_labels(table: &mut Table) {
    for entry in table.entries.iter_mut().filter(|entry| matches!(entry.key.as_str(), "labels" | "annotations")) {
        nulls_to(&mut entry.node, &Value::String(String::new()));
    }
}

/// `environment: { A:, B: 1 }` becomes `["A", "B=1"]`, for TOML has no null.
fn variables(entry: &mut Entry) {
    let Value::Table(table) = &entry.node.value else { return };
    let any_null = table.entries.iter().any(|entry| entry.node.value == Value::Null);
    if !VARIABLES.contains(&entry.key.as_str()) || !any_null {
        return;
    }
    let assignment = |entry: &Entry| {
        let text = match text(&entry.node) {
            Some(value) => format!("{}={value}", entry.key),
            None => entry.key.clone(),
        };
        Node { value: Value::String(text), place: entry.key_place.clone() }
    };
    entry.node.value = Value::Array(table.entries.iter().map(assignment).collect());
}

/// A scalar as Compose hands it to a program.
pub fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Float(number) => Some(go_float(*number)),
        _ => node.scalar(),
    }
}

/// `1.0` is `1` wherever Compose makes text of it, and no other number elsewhere.
fn floats(node: &mut Node) {
    match &mut node.value {
        Value::Float(number) => {
            if let Ok(integer) = go_float(*number).parse() {
                node.value = Value::Integer(integer);
            }
        }
        Value::Array(nodes) => nodes.iter_mut().for_each(floats),
        Value::Table(table) => table.entries.iter_mut().for_each(|entry| floats(&mut entry.node)),
        _ => {}
    }
}

/// Puts the project's name first.
pub fn name(root: &mut Node, name: &str) {
    let place = end_of(&root.place.file);
    let Value::Table(table) = &mut root.value else { return };
    let node = Node { value: Value::String(name.to_owned()), place: place.clone() };
    match table.entries.iter().position(|entry| entry.key == "name") {
        Some(index) => table.entries[index].node.value = node.value,
        None => table.entries.insert(0, Entry { key: "name".to_owned(), key_place: place, node }),
    }
}

/// A service that says nothing is not restarted by Compose; by Wharf it is. Source: Compose Specification, services, restart.
pub fn restart(root: &mut Table) {
    let services = root.entries.iter_mut().filter(|entry| entry.key == "services");
    for services in services {
        let Value::Table(services) = &mut services.node.value else { continue };
        for service in &mut services.entries {
            let place = service.key_place.clone();
            let Value::Table(table) = &mut service.node.value else { continue };
            table.entries.retain(|entry| entry.key != "restart" || entry.node.value != Value::Null);
            if table.get("restart").is_none() && !has_deploy_policy(table) {
                let node = Node { value: Value::String("no".to_owned()), place: place.clone() };
                table.entries.push(Entry { key: "restart".to_owned(), key_place: place, node });
            }
        }
    }
}

fn has_deploy_policy(service: &Table) -> bool {
    let deploy = service.get("deploy").map(|entry| &entry.node.value);
    matches!(deploy, Some(Value::Table(deploy)) if deploy.get("restart_policy").is_some())
}
