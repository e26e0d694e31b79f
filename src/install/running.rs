//! Running units that a change concerns: those whose definition is older than the file, and those whose file goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::name::UnitName;
use crate::plan::Plan;
use crate::systemd::{Manager, ManagerError};

use super::changes::{Action, Changes, template_of};

/// Units that run as they were before their unit file or specification was written.
pub(super) async fn outdated(manager: &Manager, plans: &[Plan], directory: &Path) -> Result<Vec<String>, ManagerError> {
    let definitions = definitions(plans, directory);
    let mut outdated = Vec::new();
    for unit in active(manager, definitions.keys().map(String::as_str)).await? {
        let files = definitions.get(&unit).or_else(|| definitions.get(&template_of(&unit)?));
        let written = files.into_iter().flatten().filter_map(|file| modified(file)).max();
        if manager.unit(&unit).await?.started < written {
            outdated.push(unit);
        }
    }
    Ok(outdated)
}

/// Units that run and whose file the changes remove. Slices and targets have nothing of their own that runs.
pub(super) async fn removed(manager: &Manager, changes: &[&Changes]) -> Result<Vec<String>, ManagerError> {
    let items = changes.iter().flat_map(|changes| &changes.items);
    let removed =
        items.filter(|change| matches!(change.action, Action::Remove { .. }) && UnitName::parse(&change.name).is_ok());
    let names = removed.map(|change| change.name.as_str());
    active(manager, names.filter(|name| !name.ends_with(".slice") && !name.ends_with(".target"))).await
}

/// Instances that run and are none of the plan's any more.
pub(super) async fn surplus(manager: &Manager, plans: &[Plan]) -> Result<Vec<String>, ManagerError> {
    let templates = || plans.iter().flat_map(|plan| &plan.instances);
    let declared: BTreeSet<&String> = templates().flat_map(|(_, instances)| instances).collect();
    let running = active(manager, templates().map(|(template, _)| template.as_str())).await?;
    Ok(running.into_iter().filter(|unit| !declared.contains(unit)).collect())
}

/// The files of each unit that is to be restarted when they change.
fn definitions(plans: &[Plan], directory: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut definitions: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in plans.iter().flat_map(|plan| &plan.files) {
        if let Some(unit) = &file.restarts {
            definitions.entry(unit.clone()).or_default().push(directory.join(&file.name));
        }
    }
    definitions
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

/// Which of these units run; of a template, which instances.
async fn active(manager: &Manager, units: impl Iterator<Item = &str>) -> Result<Vec<String>, ManagerError> {
    let patterns: Vec<String> = units.map(|unit| unit.replacen("@.", "@*.", 1)).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    manager.active_units(&patterns).await
}
