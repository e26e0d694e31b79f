//! The table of keys as a JSON schema, for editors.
//!
//! Editors read TOML through Taplo, which knows JSON Schema up to draft 07; only words are used that draft 04 has too. A key that
//! is refused is in the schema, as one that no value fits, so that an editor tells why. Source: json-schema.org, draft 07.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::table::{BOOLEAN_WORDS, BYTES, Form, INTEGER, Key, NUMBER, State, Table, Takes};
use super::walk::{root, walk};

/// Names of services, networks and the like. Source: Compose Specification's schema.
const NAMES: &str = "^[a-zA-Z0-9][a-zA-Z0-9._-]*$";

/// The JSON schema (draft 07) of a stack file.
pub fn schema() -> Value {
    let mut tables = BTreeMap::from([(root().id, root())]);
    walk(&mut |_, table, _| {
        tables.insert(table.id, table);
    });
    tables.remove(root().id);
    let mut schema = of_table(root());
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Wharf stack file");
    schema["description"] = json!("One compose-like file of containers that become systemd units.");
    schema["definitions"] = tables.into_iter().map(|(id, table)| (id.to_owned(), of_table(table))).collect();
    schema
}

fn of_table(table: &Table) -> Value {
    let properties: Value = table.keys.iter().map(|key| (key.name.to_owned(), of_key(key))).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    });
    if !table.required.is_empty() {
        schema["required"] = json!(table.required);
    }
    schema
}

fn of_key(key: &Key) -> Value {
    let Key { says, .. } = key;
    match key.state {
        State::Refused { because, instead } => json!({
            "description": format!("{says}\n\nNot supported: {because}. What to do: {instead}."),
            "not": {},
            "x-taplo": { "hidden": true },
        }),
        State::Ignored(because) => described(of(&key.takes), format!("{says}\n\nIgnored: {because}.")),
        State::Honoured(as_what) => described(of(&key.takes), format!("{says}\n\nBecomes: {as_what}.")),
        State::Own(as_what) => described(of(&key.takes), format!("{says}\n\nWharf's own. Becomes: {as_what}.")),
    }
}

/// Beside a reference nothing else is read, so that it is wrapped.
fn described(schema: Value, description: String) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    schema["description"] = json!(description);
    schema
}

fn of(takes: &Takes) -> Value {
    match takes {
        Takes::String => json!({ "type": "string" }),
        Takes::Form(form) => json!({ "type": "string", "pattern": pattern(form.pattern) }),
        Takes::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Takes::Boolean => json!({ "type": ["boolean", "string"], "pattern": pattern(&in_any_case(BOOLEAN_WORDS)) }),
        Takes::Integer(i64::MIN) => number("integer", &INTEGER),
        Takes::Integer(least) => {
            let mut schema = number("integer", &INTEGER);
            schema["minimum"] = json!(least);
            schema
        }
        Takes::Number => number("number", &NUMBER),
        Takes::Bytes => number("integer", &BYTES),
        Takes::Words(words) => json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": r"\$" }] }),
        Takes::List(element) => json!({ "type": "array", "items": of(element) }),
        Takes::Named(value) => {
            json!({ "type": "object", "patternProperties": { NAMES: of(value) }, "additionalProperties": false })
        }
        Takes::Map(value) => json!({ "type": "object", "additionalProperties": of(value) }),
        Takes::Table(table) => json!({ "$ref": format!("#/definitions/{}", table.id) }),
        Takes::Either(several) => json!({ "anyOf": several.iter().map(of).collect::<Vec<Value>>() }),
        Takes::Anything => json!({}),
    }
}

fn number(kind: &str, form: &Form) -> Value {
    json!({ "type": [kind, "string"], "pattern": pattern(form.pattern) })
}

/// The whole string, or one with a variable, of which an editor cannot know what it will be.
fn pattern(whole: &str) -> String {
    format!(r"^({whole})$|\$")
}

/// `[tT][rR]…|…`: not all dialects of regular expressions have an option to ignore case.
fn in_any_case(words: &[&str]) -> String {
    let letter = |c: char| format!("[{c}{}]", c.to_ascii_uppercase());
    let words: Vec<String> = words.iter().map(|word| word.chars().map(letter).collect()).collect();
    words.join("|")
}
