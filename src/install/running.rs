//! Running units that a change concerns: those whose definition is older than the file, and those whose file goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::plan::Plan;
use crate::report::installed::is_unit_name;
use crate::systemd::{Manager, ManagerError};

use super::changes::{Action, Changes, template_of};

/// Units that run as they were before their unit file or specification was written.
pub(super) async fn outdated(manager: &Manager, plans: &[Plan], directory: &Path) -> Result<Vec<String>, ManagerError> {
    let definitions: BTreeMap<String, Vec<PathBuf>> =
        plans.iter().flat_map(|plan| definitions(plan, directory)).collect();
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
    let removed = items.filter(|change| matches!(change.action, Action::Remove { .. }) && is_unit_name(&change.name));
    let names = removed.map(|change| change.name.as_str());
    active(manager, names.filter(|name| !name.ends_with(".slice") && !name.ends_with(".target"))).await
}

/// The files that define each unit that is worth a restart when they change.
///
/// A volume's is not: that would stop every container that uses it, for a volume that stays as it is. A slice's directives
/// apply at the reload.
fn definitions(plan: &Plan, directory: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let units =
        plan.files.iter().filter(|file| [".service", ".timer"].iter().any(|suffix| file.name.ends_with(suffix)));
    let specs = |unit: &str| {
        let stem = unit.strip_suffix(".service")?;
        let spec = match stem.strip_suffix("-network") {
            Some(network) => [format!("{network}.network.json"), format!("{stem}.container.json")],
            None => [format!("{stem}.container.json"), String::new()],
        };
        plan.files.iter().find(|file| spec.contains(&file.name)).map(|file| directory.join(&file.name))
    };
    let is_volume = |unit: &str| {
        let volume = unit.strip_suffix("-volume.service").map(|stem| format!("{stem}.volume.json"));
        volume.is_some_and(|spec| plan.files.iter().any(|file| file.name == spec))
    };
    let files = |unit: &str| std::iter::once(directory.join(unit)).chain(specs(unit)).collect();
    units.filter(|file| !is_volume(&file.name)).map(|file| (file.name.clone(), files(&file.name))).collect()
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
