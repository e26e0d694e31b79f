//! Names with values: `labels`, `annotations`, options of drivers.

use std::collections::BTreeMap;

use super::Fields;

/// `labels`; one without a value is empty.
pub fn labels(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    pairs(fields, "labels")
}

/// `annotations` and others of that form; one without a value is empty.
pub fn pairs(fields: &mut Fields<'_>, key: &'static str) -> BTreeMap<String, String> {
    let pairs = fields.get(key).map(|item| item.pairs()).unwrap_or_default();
    pairs.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect()
}

/// A table of strings and numbers.
pub fn options(fields: &mut Fields<'_>, key: &'static str) -> BTreeMap<String, String> {
    let Some(item) = fields.get(key) else {
        return BTreeMap::new();
    };
    item.entries().filter_map(|item| Some((item.key.to_owned(), item.scalar()?))).collect()
}
