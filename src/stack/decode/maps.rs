//! Names with values: `labels`, `annotations`, options of drivers.

use std::collections::BTreeMap;

use crate::stack::fields::{Fields, Item};
use crate::stack::problem::Report;

/// `labels`; one without a value is empty.
pub fn labels(fields: &mut Fields<'_>, report: &mut Report) -> BTreeMap<String, String> {
    pairs(fields, "labels", report)
}

/// `annotations` and others of that form; one without a value is empty.
pub fn pairs(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> BTreeMap<String, String> {
    let pairs = fields.get(key).map(|item| item.pairs(report)).unwrap_or_default();
    pairs.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect()
}

/// A table of strings and numbers.
pub fn options(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> BTreeMap<String, String> {
    let Some(item) = fields.get(key) else {
        return BTreeMap::new();
    };
    let entries = item.entries(report).iter();
    entries
        .filter_map(|entry| {
            let value = Item { key: &entry.key, node: &entry.node }.scalar(report)?;
            Some((entry.key.clone(), value))
        })
        .collect()
}
