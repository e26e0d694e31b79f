//! What differs between two revisions. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::revision::Revision;
use crate::install::{Side, compare};
use crate::stack::lock::lock_of;

/// A file that one of two revisions does not have, or that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    pub name: String,
    /// A unified diff; of private files without the values of variables and secrets.
    pub diff: String,
}

/// The files of two revisions that differ, by name: units, definitions, and the lock.
pub fn difference(old: &Revision, new: &Revision) -> Vec<ChangedFile> {
    let (before, after) = (files(old), files(new));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let mut changed: Vec<ChangedFile> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let (old_path, new_path) = (path(old, name), path(new, name));
            let old = before.get(name).map_or_else(Side::nothing, |(text, mode)| Side::new(&old_path, text, *mode));
            let new = after.get(name).map_or_else(Side::nothing, |(text, mode)| Side::new(&new_path, text, *mode));
            ChangedFile { name: name.clone(), diff: compare(old, new) }
        })
        .collect();
    changed.sort_by(|one, other| one.name.cmp(&other.name));
    changed
}

/// Their texts and permissions.
fn files(revision: &Revision) -> BTreeMap<String, (&str, u32)> {
    let lock = lock_of(&revision.plan.source);
    let lock_name = lock.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lock = revision.lock.as_deref().map(|text| (lock_name, (text, 0o644)));
    let files = revision.plan.files.iter().map(|file| (file.name.clone(), (&*file.contents, file.mode)));
    files.chain(lock).collect()
}

/// As `shop@7/shop-web.service`.
fn path(revision: &Revision, name: &str) -> String {
    format!("{}@{}/{name}", revision.plan.project, revision.record.number)
}
