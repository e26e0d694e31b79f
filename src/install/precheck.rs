//! Before anything is written: units of somebody else that a plan would overwrite or shadow. They are never touched.
//!
//! In: a plan and what lies in systemd's unit load path. Out: every conflict, each naming the file.

use std::path::{Path, PathBuf};

use crate::plan::Plan;

use super::changes::template_of;
use super::conflict::{Conflict, Reason};
use super::load_path::LoadPath;
use super::snapshot::{Entry, Snapshot};

/// Everything that stands in the way of a plan in its directory and on the load path.
pub fn conflicts(plan: &Plan, snapshot: &Snapshot, load_path: &LoadPath) -> Vec<Conflict> {
    let check = Check { plan, snapshot, load_path };
    plan.files.iter().flat_map(|file| check.file(&file.name, file.is_unit())).collect()
}

struct Check<'a> {
    plan: &'a Plan,
    snapshot: &'a Snapshot,
    load_path: &'a LoadPath,
}

impl Check<'_> {
    fn file(&self, name: &str, is_unit: bool) -> Vec<Conflict> {
        let own = self.snapshot.entries.get(name).and_then(|entry| self.reason(name, &self.snapshot.path, entry));
        let mut found: Vec<Conflict> =
            own.into_iter().map(|reason| self.conflict(name, self.snapshot.path.join(name), reason)).collect();
        if is_unit {
            found.extend(self.elsewhere(name));
            found.extend(self.template(name));
        }
        found
    }

    fn elsewhere(&self, name: &str) -> Vec<Conflict> {
        let others = self.load_path.holding(name).filter(|directory| **directory != self.snapshot.path);
        let found = others.filter_map(|directory| {
            let path = directory.join(name);
            let entry = self.load_path.entry(&path);
            let reason = self.reason(name, directory, &entry).or_else(|| self.hidden(directory))?;
            Some(self.conflict(name, path, reason))
        });
        found.collect()
    }

    /// A file of our own elsewhere does no harm unless it has priority; but what a generator wrote goes by itself.
    fn hidden(&self, directory: &Path) -> Option<Reason> {
        let hides = self.load_path.outranks(directory, &self.snapshot.path) && !is_generated(directory);
        hides.then_some(Reason::Hidden)
    }

    fn template(&self, name: &str) -> Vec<Conflict> {
        let Some(template) = template_of(name) else { return Vec::new() };
        let found = self.load_path.holding(&template).filter_map(|directory| {
            let owner = self.load_path.owner(&template, directory);
            let foreign = owner.as_deref() != Some(&*self.plan.project);
            let reason = || Reason::Template(owner.map(String::from));
            foreign.then(|| self.conflict(name, directory.join(&*template), reason()))
        });
        found.collect()
    }

    fn reason(&self, name: &str, directory: &Path, entry: &Entry) -> Option<Reason> {
        if entry.masks() {
            return Some(Reason::Masked { runtime: directory.components().any(|part| part.as_os_str() == "run") });
        }
        match entry.owner(name) {
            Some(owner) if *owner == *self.plan.project => None,
            Some(other) => Some(Reason::OtherProject(other.into())),
            None => Some(match entry {
                Entry::Unreadable => Reason::Unreadable,
                Entry::TooLarge => Reason::TooLarge,
                _ => Reason::Foreign,
            }),
        }
    }

    fn conflict(&self, name: &str, file: PathBuf, reason: Reason) -> Conflict {
        Conflict { project: self.plan.project.clone(), name: name.to_owned(), file, reason }
    }
}

fn is_generated(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name.to_string_lossy().starts_with("generator"))
}
