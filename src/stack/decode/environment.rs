//! `environment` and `env_file`: the variables inside a container.
//!
//! Source: Compose Specification, services, environment and env_file.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use super::profiles::Membership;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::choice::one_of;
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::problem::{CommandFault, Expected, FileProblem, Invalid};
use crate::stack::text::env_file;
use crate::stack::text::node::Value;
use crate::stack::text::surroundings::Surroundings;

/// `None`: to be taken away from the image's own variables.
type Environment = BTreeMap<String, Option<String>>;

/// Reads both keys; `environment` wins over `env_file`, a later file over an earlier one.
pub fn read(service: &mut Fields<'_>, membership: &Membership, surroundings: &Surroundings<'_>) -> Environment {
    let mut environment = Environment::new();
    if let Some(item) = service.get("env_file") {
        let items: Vec<Item<'_>> = match &item.node.value {
            Value::String(_) => vec![item],
            _ => item.elements(Expected::EnvFiles).collect(),
        };
        for item in items {
            if let Some(entry) = env_file(item)
                && membership.selected
            {
                load(&entry, &mut environment, surroundings);
            }
        }
    }
    environment.extend(assignments(service, "environment", surroundings));
    environment
}

/// Reads `environment` or another key of its form; a variable without a value gets that of the same name around Wharf.
pub fn assignments(fields: &mut Fields<'_>, key: &'static str, surroundings: &Surroundings<'_>) -> Environment {
    let mut environment = Environment::new();
    if let Some(item) = fields.get(key) {
        for pair in item.pairs() {
            let Some(name) = item.report.accept(pair.place, names::variable(&pair.key)) else {
                continue;
            };
            let value = pair.value.or_else(|| surroundings.at(pair.place).value(&name, pair.place, item.report));
            if value.as_ref().is_some_and(|value| value.contains('\0')) {
                item.report.add(pair.place, Invalid::Command(CommandFault::NulByte));
            }
            environment.insert(name, value);
        }
    }
    environment
}

/// One entry of `env_file`.
struct EnvFile<'a> {
    path: Item<'a>,
    /// Whether it is an error if the file is not there.
    required: bool,
    /// `format = "raw"`: no quotes, no variables.
    raw: bool,
}

/// A path, or `{ path, required, format }`.
fn env_file<'a>(item: Item<'a>) -> Option<EnvFile<'a>> {
    if !matches!(item.node.value, Value::Table(_)) {
        return Some(EnvFile { path: item, required: true, raw: false });
    }
    let mut fields = item.fields(&keys::ENV_FILE, "an entry of `env_file`".to_owned())?;
    let path = fields.required("path", "path = \"./web.env\"");
    let required = fields.boolean("required").unwrap_or(true);
    let raw = fields.parse("format", |text| one_of("format", text, &["raw"])).is_some();
    fields.finish();
    Some(EnvFile { path: path?, required, raw })
}

/// Reads the file and adds its variables to those above it.
fn load(entry: &EnvFile<'_>, environment: &mut Environment, surroundings: &Surroundings<'_>) {
    let Some(path) = entry.path.str() else { return };
    let scope = surroundings.at(entry.path.place());
    let shown = scope.shown(path);
    let file = match scope.inputs.read(&shown) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if entry.required {
                entry.path.add(FileProblem::EnvFileMissing { path: shown });
            }
            return;
        }
        Err(error) => {
            entry.path.add(FileProblem::Unreadable { path: shown, reason: error.to_string() });
            return;
        }
    };
    let variables = {
        let above = &*environment;
        let lookup = |name: &str| scope.lookup(name).or_else(|| above.get(name).cloned().flatten());
        let parse = if entry.raw { env_file::parse_raw } else { env_file::parse };
        parse(&file, &lookup, &scope.inputs, entry.path.report)
    };
    environment.extend(variables.into_iter().map(|(name, value)| (name, Some(value))));
}
