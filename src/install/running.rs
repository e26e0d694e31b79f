//! Running units that a change concerns: those whose definition is older than the file, and those whose file goes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::name::{UnitKind, UnitName};
use crate::plan::Plan;
use crate::systemd::{Manager, ManagerError};

use super::changes::Changes;

/// Units that run as they were before their unit file or specification was written.
pub(super) async fn outdated(manager: &Manager, plans: &[Plan], directory: &Path) -> Result<Vec<String>, ManagerError> {
    let definitions = definitions(plans, directory);
    let mut outdated = Vec::new();
    for unit in active(manager, definitions.keys().copied()).await? {
        let files = definitions.get(&unit).or_else(|| definitions.get(&unit.template()?));
        let written = files.into_iter().flatten().filter_map(|file| modified(file)).max();
        if manager.unit(&unit).await?.started < written {
            outdated.push(unit.into());
        }
    }
    Ok(outdated)
}

/// Units that run and whose file the changes remove.
pub(super) async fn removed(manager: &Manager, changes: &[&Changes]) -> Result<Vec<String>, ManagerError> {
    let names = changes.iter().flat_map(|changes| changes.removed_units()).filter(|name| runs(name));
    let units: Vec<UnitName> = names.filter_map(|name| UnitName::parse(name).ok()).collect();
    Ok(active(manager, units.iter()).await?.into_iter().map(String::from).collect())
}

/// Instances that run and are none of the plan's any more.
pub(super) async fn surplus(manager: &Manager, plans: &[Plan]) -> Result<Vec<String>, ManagerError> {
    let templates = || plans.iter().flat_map(|plan| &plan.instances);
    let declared: BTreeSet<&UnitName> = templates().flat_map(|(_, instances)| instances).collect();
    let running = active(manager, templates().map(|(template, _)| template)).await?;
    Ok(running.into_iter().filter(|unit| !declared.contains(unit)).map(String::from).collect())
}

/// Whether a unit has something of its own that runs: targets and slices have not.
pub(super) fn runs(unit: &str) -> bool {
    UnitName::parse(unit).is_ok_and(|unit| !matches!(unit.kind(), UnitKind::Target | UnitKind::Slice))
}

/// The files of each unit that is to be restarted when they change.
fn definitions<'a>(plans: &'a [Plan], directory: &Path) -> BTreeMap<&'a UnitName, Vec<PathBuf>> {
    let mut definitions: BTreeMap<&UnitName, Vec<PathBuf>> = BTreeMap::new();
    for file in plans.iter().flat_map(|plan| &plan.files) {
        if let Some(unit) = &file.restarts {
            definitions.entry(unit).or_default().push(directory.join(&file.name));
        }
    }
    definitions
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

/// Which of these units run; of a template, which instances.
async fn active(manager: &Manager, units: impl Iterator<Item = &UnitName>) -> Result<Vec<UnitName>, ManagerError> {
    let patterns: Vec<String> = units.map(UnitName::pattern).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    manager.active_units(&patterns).await
}
