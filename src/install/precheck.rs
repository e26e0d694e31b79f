//! Before anything is written: units of somebody else that a plan would overwrite or shadow. They are never touched.
//!
//! In: a plan and what lies in systemd's unit load path. Out: every conflict, each naming the file.

use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use crate::mark::{Mark, is_spec};
use crate::plan::Plan;

use super::changes::template_of;
use super::conflict::{Conflict, Reason};
use super::directory::{Entry, LoadPath, Snapshot};

/// Everything that stands in the way of a plan in its directory and on the load path.
pub fn conflicts(plan: &Plan, snapshot: &Snapshot, load_path: &LoadPath) -> Vec<Conflict> {
    let check = Check { plan, snapshot, load_path };
    plan.files.iter().flat_map(|file| check.file(&file.name, file.is_unit())).collect()
}

/// The stack file from which the plan's project is installed, if it is not the plan's own.
pub fn other_source(plan: &Plan, snapshot: &Snapshot, load_path: &LoadPath) -> Option<PathBuf> {
    let target = plan.target.as_str();
    let elsewhere = load_path.holding(target).map(|directory| load_path.entry(&directory.join(target)));
    let mut marks =
        snapshot.entries.get(target).cloned().into_iter().chain(elsewhere).filter_map(|entry| match entry {
            Entry::File { contents, .. } => Mark::of_unit(&String::from_utf8_lossy(&contents)),
            _ => None,
        });
    let installed = marks.find(|mark| *mark.project == *plan.project)?.source?;
    (installed != plan.source && !load_path.is_same_file(&installed, &plan.source)).then_some(installed)
}

/// The conflict of a plan with the stack that is installed from this file, unless that has gone: then it was moved.
pub fn taken_over(plan: &Plan, installed: PathBuf, snapshot: &Snapshot, load_path: &LoadPath) -> Option<Conflict> {
    if !load_path.has_file(&installed) {
        return None;
    }
    let reason = Reason::OtherSource { installed, planned: plan.source.clone() };
    let (project, name) = (plan.project.clone(), plan.target.clone().into());
    Some(Conflict { project, name, file: snapshot.path.join(plan.target.as_str()), reason })
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
        if self.is_damaged(name, directory, entry) {
            return None;
        }
        if entry.masks() {
            let runtime = directory.components().any(|part| part.as_os_str() == "run");
            // `systemctl mask --runtime` has no effect on what is installed in /etc.
            let is_void = runtime && self.load_path.outranks(&self.snapshot.path, directory);
            return (!is_void).then_some(Reason::Masked { runtime });
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

    /// Whether it is a file of this project that lost its contents, or a part of them: it is written again.
    fn is_damaged(&self, name: &str, directory: &Path, entry: &Entry) -> bool {
        let Entry::File { contents, .. } = entry else { return false };
        if directory != self.snapshot.path {
            return false;
        }
        if is_spec(name) {
            return serde_json::from_slice::<IgnoredAny>(contents).is_err();
        }
        let planned = self.plan.files.iter().find(|file| file.name == name);
        let heading = planned.and_then(|file| file.contents.lines().next()).unwrap_or_default().as_bytes();
        if contents.is_empty() {
            // It masks a unit as a link to /dev/null does, which is what `systemctl mask` makes.
            return self.is_installed();
        }
        (contents.starts_with(heading) || heading.starts_with(contents)) && entry.owner(name).is_none()
    }

    fn is_installed(&self) -> bool {
        self.snapshot.entries.iter().any(|(name, entry)| entry.owner(name).is_some_and(|it| *it == *self.plan.project))
    }

    fn conflict(&self, name: &str, file: PathBuf, reason: Reason) -> Conflict {
        Conflict { project: self.plan.project.clone(), name: name.to_owned(), file, reason }
    }
}

fn is_generated(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name.to_string_lossy().starts_with("generator"))
}
