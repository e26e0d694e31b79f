//! The units whose history is asked for, each with its project and service.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::mark::{InstalledUnit, Mark};
use crate::name::{ProjectName, ServiceName, UnitKind, UnitName};
use crate::report::InstalledProject;
use crate::report::selection::Selection;
use crate::systemd::journalctl::Entry;

/// What a unit belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub project: ProjectName,
    pub service: Option<ServiceName>,
}

/// By name; instances by that of their template. Slices are left out: they come and go with their units.
#[derive(Debug, Default)]
pub struct Units(BTreeMap<UnitName, Owner>);

impl Units {
    /// The units that are selected.
    pub fn of(selections: &[Selection<'_>]) -> Self {
        let mut owned = BTreeMap::new();
        for selection in selections {
            for unit in selection.project.units.iter().filter(|unit| !unit.name.is(UnitKind::Slice)) {
                let owner = Owner { project: unit.mark.project.clone(), service: unit.mark.service.clone() };
                let instances = selection.units.iter().filter(|name| unit.name.instance_in(name).is_some());
                let whole = Some(&unit.name).filter(|name| selection.has(name));
                owned.extend(whole.into_iter().chain(instances).map(|name| (name.clone(), owner.clone())));
            }
        }
        Self(owned)
    }

    pub fn owner(&self, unit: &UnitName) -> Option<&Owner> {
        self.0.get(unit).or_else(|| self.0.get(&unit.template()?))
    }

    /// All names; `None`: there are templates, and which instances there have been only the journal can tell.
    pub fn names(&self) -> Option<impl Iterator<Item = &UnitName> + Clone> {
        (!self.0.keys().any(UnitName::is_template)).then(|| self.0.keys())
    }

    #[cfg(test)]
    pub fn one(unit: UnitName, owner: Owner) -> Self {
        Self(BTreeMap::from([(unit, owner)]))
    }
}

/// Adds the projects and units that do not exist any more, from the journal's entries of Wharf's commands.
pub fn add_removed(projects: &mut Vec<InstalledProject>, commands: &[Entry]) {
    for entry in commands {
        let name = entry.get("WHARF_PROJECT").and_then(|name| ProjectName::parse(&name).ok());
        let Some(name) = name else { continue };
        let index = projects.iter().position(|project| project.name == name).unwrap_or_else(|| {
            projects.push(InstalledProject::new(name.clone()));
            projects.len() - 1
        });
        let project = &mut projects[index];
        let source = entry.get("WHARF_SOURCE").map(PathBuf::from);
        project.add_source(source.as_deref());
        let files = ["WHARF_WRITTEN", "WHARF_REMOVED"].iter().flat_map(|field| entry.words(field));
        for unit in files.filter_map(|file| UnitName::parse(&file).ok()) {
            let mark = Mark::new(name.clone(), source.clone());
            project.add(InstalledUnit { name: unit, directory: PathBuf::new(), mark, is_edited: false });
        }
        // Of a template that is gone, only what was done to its instances names them.
        let done = ["WHARF_STARTED", "WHARF_STOPPED"].iter().flat_map(|field| entry.words(field));
        let instances = done.filter_map(|unit| UnitName::parse(&unit).ok()).filter(|unit| unit.instance().is_some());
        let is_gone =
            |unit: &&mut InstalledUnit| unit.name.is(UnitKind::Target) && unit.directory.as_os_str().is_empty();
        if let Some(target) = project.units.iter_mut().find(is_gone) {
            target.mark.wants.extend(instances);
        }
    }
}
