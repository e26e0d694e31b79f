//! What must change in a unit directory for it to hold a plan: a pure decision.
//!
//! Invariant: new and changed files come in the plan's order, so that each prefix still starts; what is stale comes last,
//! and a unit's enablement links go before the unit itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::name::UnitName;
use crate::plan::{Plan, PlannedFile};

use super::directory::{Action, Change, Changes, Entry, Snapshot};

/// Whether the plan's units are to be enabled (systemctl(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enablement {
    /// As the administrator left it.
    Keep,
    Enable,
}

impl Changes {
    /// Compares a plan with a unit directory.
    ///
    /// `seen_as` is the directory as systemd sees it: where an enablement link leads.
    pub fn compute(plan: &Plan, snapshot: &Snapshot, enablement: Enablement, seen_as: &Path) -> Self {
        let mut items: Vec<Change> = plan.files.iter().filter_map(|file| change_of(file, snapshot)).collect();
        if enablement == Enablement::Enable {
            items.extend(missing_links(plan, snapshot, seen_as));
        }
        if !snapshot.entries.is_empty() {
            let planned: BTreeSet<&str> = plan.files.iter().map(|file| file.name.as_str()).collect();
            items.extend(removals(snapshot, &plan.project, |name| planned.contains(name)));
        }
        Self { project: plan.project.clone(), items }
    }

    /// The removal of everything of a project.
    pub fn removal(project: &str, snapshot: &Snapshot) -> Self {
        Self { project: project.to_owned(), items: removals(snapshot, project, |_| false) }
    }
}

fn change_of(file: &PlannedFile, snapshot: &Snapshot) -> Option<Change> {
    let create = || Action::Create { new: file.contents.clone(), mode: file.mode };
    let action = match snapshot.entries.get(&file.name) {
        Some(Entry::File { contents, mode }) if contents == file.contents.as_bytes() => {
            (*mode != file.mode).then_some(Action::Mode { old: *mode, new: file.mode })?
        }
        Some(Entry::File { contents, mode }) => update(file, contents, *mode),
        Some(Entry::Link { contents: Some(contents), .. }) => update(file, contents, 0o777),
        Some(Entry::Link { contents: None, .. } | Entry::Directory | Entry::Unreadable | Entry::TooLarge) | None => {
            create()
        }
    };
    Some(Change { name: file.name.clone(), action })
}

fn update(file: &PlannedFile, old: &[u8], old_mode: u32) -> Action {
    let old = String::from_utf8_lossy(old).into_owned();
    Action::Update { old, new: file.contents.clone(), old_mode, mode: file.mode }
}

fn missing_links(plan: &Plan, snapshot: &Snapshot, seen_as: &Path) -> Vec<Change> {
    let links = plan
        .wanted_by
        .iter()
        .map(|(unit, wanted_by)| (format!("{wanted_by}.wants/{unit}"), seen_as.join(unit.as_str())));
    let missing = links.filter(|(name, _)| !snapshot.enablement.contains_key(name));
    missing.map(|(name, target)| Change { name, action: Action::Enable { target } }).collect()
}

fn removals(snapshot: &Snapshot, project: &str, keep: impl Fn(&str) -> bool) -> Vec<Change> {
    let files = snapshot.entries.iter().filter_map(|(name, entry)| match entry {
        Entry::File { contents, mode } if !keep(name) && entry.owner(name).as_deref() == Some(project) => {
            let old = String::from_utf8_lossy(contents).into_owned();
            Some((name.as_str(), Action::Remove { old, old_mode: *mode }))
        }
        _ => None,
    });
    let stale: BTreeMap<&str, Action> = files.collect();
    let is_stale = |unit: &str| {
        stale.contains_key(unit) || template_of(unit).is_some_and(|template| stale.contains_key(template.as_str()))
    };
    let enablement = snapshot.enablement.keys().filter(|link| file_name(Path::new(link)).is_some_and(is_stale));
    let aliases = snapshot
        .entries
        .iter()
        .filter(|(_, entry)| matches!(entry, Entry::Link { target, .. } if file_name(target).is_some_and(is_stale)));
    let links = enablement.chain(aliases.map(|(name, _)| name));
    let mut changes: Vec<Change> = links.map(|name| Change { name: name.clone(), action: Action::Disable }).collect();
    changes.extend(stale.into_iter().map(|(name, action)| Change { name: name.to_owned(), action }));
    changes
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// The template of which a unit is an instance (systemd.unit(5)).
pub(super) fn template_of(unit: &str) -> Option<UnitName> {
    UnitName::parse(unit).ok()?.template()
}
