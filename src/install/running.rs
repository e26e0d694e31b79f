//! Running units that a change concerns: those whose definition is older than the file, and those whose file goes or has gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::name::{UnitKind, UnitName};
use crate::plan::Plan;
use crate::report::orphans::{Orphan, orphans};
use crate::spec::ContainerSpec;
use crate::systemd::cgroup::has_processes;
use crate::systemd::{ActiveState, Job, LoadState, LoadedUnit, Manager, ManagerError, SubState};

use super::directory::Changes;

/// Units that run as they were before their unit file or specification was written: by these changes, or by an earlier run.
pub(super) async fn outdated(
    manager: &Manager,
    plans: &[Plan],
    changes: &[&Changes],
    directory: &Path,
) -> Result<Vec<String>, ManagerError> {
    let definitions = definitions(plans);
    let changed: BTreeSet<&str> =
        changes.iter().flat_map(|changes| &changes.items).map(|change| change.name.as_str()).collect();
    let mut outdated = Vec::new();
    for unit in active(manager, definitions.keys().copied()).await? {
        let files = definitions.get(&unit).or_else(|| definitions.get(&unit.template()?));
        let files = || files.into_iter().flatten();
        let written = files().filter_map(|file| modified(&directory.join(file))).max();
        // The clock may have been set back since the unit was started.
        if files().any(|file| changed.contains(file)) || manager.unit(&unit).await?.started < written {
            outdated.push(unit.into());
        }
    }
    Ok(outdated)
}

/// Units that start with the stack and do not run.
pub(super) async fn idle(manager: &Manager, plans: &[Plan]) -> Result<Vec<String>, ManagerError> {
    let wanted = || plans.iter().flat_map(|plan| &plan.wants);
    let active: BTreeSet<UnitName> = active(manager, wanted()).await?.into_iter().collect();
    Ok(wanted().filter(|unit| !active.contains(*unit)).map(UnitName::to_string).collect())
}

/// Units of the plans that run, by name.
pub(super) async fn running(manager: &Manager, plans: &[Plan]) -> Result<BTreeSet<String>, ManagerError> {
    let units: Vec<UnitName> = plans.iter().flat_map(Plan::units).collect();
    Ok(active(manager, units.iter()).await?.into_iter().map(String::from).collect())
}

/// Units of containers that start with the stack and are active although no container of theirs has a process.
pub(super) async fn without_container(manager: &Manager, plans: &[Plan]) -> Result<Vec<String>, ManagerError> {
    let is_container = |plan: &Plan, unit: &UnitName| {
        let file = ContainerSpec::file_of(&unit.as_template());
        plan.files.iter().any(|planned| planned.name == file)
    };
    let mut found = Vec::new();
    for plan in plans {
        for unit in plan.wants.iter().filter(|unit| is_container(plan, unit)) {
            let state = manager.unit_in_memory(unit).await?;
            let is_active = state.active == ActiveState::Active && state.sub == SubState::Running;
            let slice = state.slice.as_ref().filter(|_| is_active);
            if slice.and_then(|slice| has_processes(slice, None)) == Some(false) {
                found.push(unit.to_string());
            }
        }
    }
    Ok(found)
}

/// Units that run, or are about to, and whose file the changes remove.
pub(super) async fn removed(manager: &Manager, changes: &[&Changes]) -> Result<Vec<UnitName>, ManagerError> {
    let busy = of_removed_files(manager, changes).await?.into_iter().filter(LoadedUnit::is_busy);
    Ok(busy.map(|unit| unit.name).filter(|name| runs(name)).collect())
}

/// Units of the plans' projects that run although their file has gone, and that no plan brings back.
pub(super) async fn left(manager: &Manager, plans: &[Plan]) -> Result<Vec<Orphan>, ManagerError> {
    let is_planned = |plan: &Plan, unit: &UnitName| {
        let template = unit.template();
        let is = |file: &str| unit == file || template.as_ref().is_some_and(|template| template == file);
        plan.files.iter().any(|file| is(&file.name))
    };
    let is_left =
        |orphan: &Orphan| plans.iter().any(|plan| *orphan.project == *plan.project && !is_planned(plan, &orphan.unit));
    Ok(orphans(manager).await?.into_iter().filter(is_left).collect())
}

/// Stops the timers whose file was removed, before systemd reads its files again and reports that they failed.
pub(super) async fn stop_removed_timers(manager: &Manager, changes: &[&Changes]) -> Result<(), ManagerError> {
    let timers = removed(manager, changes).await?.into_iter().filter(|unit| unit.is(UnitKind::Timer));
    stop_alone(manager, &timers.collect::<Vec<_>>()).await
}

/// Makes systemd forget units whose file was removed and that only exist in its memory: those that failed, and those whose work is
/// done, as that of a network or a volume. What they made stays.
pub(super) async fn forget_removed(manager: &Manager, changes: &[&Changes]) -> Result<(), ManagerError> {
    let mut done = Vec::new();
    for unit in of_removed_files(manager, changes).await?.into_iter().filter(|unit| unit.load == LoadState::NotFound) {
        match (&unit.active, &unit.sub) {
            (ActiveState::Failed, _) => manager.forget_failure(&unit.name).await,
            (ActiveState::Active, SubState::Exited) => done.push(unit.name),
            _ => {}
        }
    }
    stop_alone(manager, &done).await
}

async fn stop_alone(manager: &Manager, units: &[UnitName]) -> Result<(), ManagerError> {
    let jobs: Vec<(Job, &str)> = units.iter().map(|unit| (Job::StopAlone, unit.as_str())).collect();
    manager.run(&jobs, &BTreeSet::new()).await?;
    Ok(())
}

/// What systemd has in memory of the units whose file the changes remove; of a template, its instances.
async fn of_removed_files(manager: &Manager, changes: &[&Changes]) -> Result<Vec<LoadedUnit>, ManagerError> {
    let names = changes.iter().flat_map(|changes| changes.removed_units());
    let patterns: Vec<String> =
        names.filter_map(|name| UnitName::parse(name).ok()).map(|unit| unit.pattern()).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    manager.loaded_units(&patterns).await
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
fn definitions(plans: &[Plan]) -> BTreeMap<&UnitName, Vec<&str>> {
    let mut definitions: BTreeMap<&UnitName, Vec<&str>> = BTreeMap::new();
    for file in plans.iter().flat_map(|plan| &plan.files) {
        if let Some(unit) = &file.restarts {
            definitions.entry(unit).or_default().push(&file.name);
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
