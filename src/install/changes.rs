//! What must change in a unit directory for it to hold a plan: a pure decision.
//!
//! Invariant: new and changed files come in the plan's order, so that each prefix still starts; what is stale comes last,
//! and a unit's enablement links go before the unit itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::mark::is_spec;
use crate::name::UnitName;
use crate::plan::{Plan, PlannedFile};

use super::snapshot::{Entry, Snapshot};

/// All changes of one project, in the order in which they are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub project: String,
    pub items: Vec<Change>,
}

/// One change of a unit directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file in the unit directory, or an enablement link as `multi-user.target.wants/shop.target`.
    pub name: String,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Create {
        new: Arc<str>,
        mode: u32,
    },
    Update {
        old: String,
        new: Arc<str>,
        old_mode: u32,
        mode: u32,
    },
    /// The contents are right, the permissions are not.
    Mode {
        old: u32,
        new: u32,
    },
    /// An enablement link, to where `systemctl enable` would make it lead.
    Enable {
        target: PathBuf,
    },
    /// An enablement link of a unit that goes away.
    Disable,
    Remove {
        old: String,
        old_mode: u32,
    },
}

impl Action {
    /// One word, as it stands in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Mode { .. } => "mode",
            Self::Enable { .. } => "enable",
            Self::Disable => "disable",
            Self::Remove { .. } => "remove",
        }
    }

    /// Whether something goes away by it.
    pub fn removes(&self) -> bool {
        matches!(self, Self::Disable | Self::Remove { .. })
    }
}

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

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Units that go away.
    pub fn removed_units(&self) -> impl Iterator<Item = &str> {
        let removed = self.items.iter().filter(|change| matches!(change.action, Action::Remove { .. }));
        removed.map(|change| change.name.as_str()).filter(|name| !is_spec(name))
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
