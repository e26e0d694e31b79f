//! `labels`, `label_file` and `sysctls`: names with values.
//!
//! Source: Compose Specification, services, labels, label_file and sysctls.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use super::profiles::Membership;
use crate::stack::fields::maps;
use crate::stack::fields::{Fields, Text};
use crate::stack::problem::{FileProblem, Shape};
use crate::stack::text::env_file;
use crate::stack::text::surroundings::Surroundings;

/// `label_file` and `labels`; the latter wins, and a later file over an earlier one.
pub fn of_service(
    service: &mut Fields<'_>,
    membership: &Membership,
    surroundings: &Surroundings<'_>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    if let Some(item) = service.get("label_file") {
        let paths = item.strings().unwrap_or_default();
        for path in paths.iter().filter(|_| membership.selected) {
            labels.extend(file(path, surroundings));
        }
    }
    labels.extend(maps::labels(service));
    labels
}

/// The labels of a file, which is written as an env file is.
fn file(path: &Text<'_>, surroundings: &Surroundings<'_>) -> env_file::Variables {
    let scope = surroundings.at(path.item.place());
    let shown = scope.shown(path.text);
    match scope.inputs.read(&shown) {
        Ok(file) => return env_file::parse(&file, &|name| scope.lookup(name), &scope.inputs, path.item.report),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            path.item.add(FileProblem::LabelFileMissing { path: shown });
        }
        Err(error) => path.item.add(FileProblem::Unreadable { path: shown, reason: error.to_string() }),
    }
    Vec::new()
}

/// `sysctls`; each needs a value.
pub fn sysctls(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let Some(item) = fields.get("sysctls") else {
        return BTreeMap::new();
    };
    let mut sysctls = BTreeMap::new();
    for pair in item.pairs() {
        match pair.value {
            Some(value) => {
                sysctls.insert(pair.key, value);
            }
            None => item.report.add(pair.place, Shape::NotAnAssignment { key: "sysctls".to_owned(), text: pair.key }),
        }
    }
    sysctls
}
