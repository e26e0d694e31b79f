//! `labels` and `sysctls`: names with values, as a list or as a table.
//!
//! Source: Compose Specification, services, labels and sysctls.

use std::collections::BTreeMap;

use super::decode::Fields;
use super::problem::{Report, Shape};

/// `labels`; one without a value is empty.
pub fn read(fields: &mut Fields<'_>, report: &mut Report) -> BTreeMap<String, String> {
    pairs(fields, "labels", report)
}

/// `annotations` and others of that form; one without a value is empty.
pub fn pairs(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> BTreeMap<String, String> {
    let pairs = fields.get(key).map(|item| item.pairs(report)).unwrap_or_default();
    pairs.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect()
}

/// `sysctls`; each needs a value.
pub fn sysctls(fields: &mut Fields<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let Some(item) = fields.get("sysctls") else {
        return BTreeMap::new();
    };
    let mut sysctls = BTreeMap::new();
    for pair in item.pairs(report) {
        match pair.value {
            Some(value) => {
                sysctls.insert(pair.key, value);
            }
            None => report.add(pair.place, Shape::NotAnAssignment { key: "sysctls".to_owned(), text: pair.key }),
        }
    }
    sysctls
}
