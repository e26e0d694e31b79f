//! Orphans: units of Wharf that run although their unit file has gone, as what left its stack while it ran does.
//!
//! In: systemd's units without a file. Out: those of projects. systemd forgets a unit's directives with its file and keeps its control
//! group and its processes: an orphan is in a slice of the project, and its process is wharf-run.
//! Invariant: a name alone proves nothing, and an administrator's own unit in a stack's slice is not an orphan.

use std::path::Path;

use super::installed::InstalledProject;
use crate::name::{ProjectName, ServiceName, UnitKind, UnitName};
use crate::systemd::{LoadState, Manager, ManagerError, UnitProcess};

/// A unit that runs without a unit file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    pub unit: UnitName,
    pub project: ProjectName,
    /// `None`: not of a service, but for example the build of an image.
    pub service: Option<ServiceName>,
}

/// All orphans of this host, sorted by name.
///
/// # Errors
/// systemd does not answer.
pub async fn orphans(manager: &Manager) -> Result<Vec<Orphan>, ManagerError> {
    let mut orphans = Vec::new();
    for unit in manager.units_without_file(&["*.service"]).await? {
        if unit.active.is_running() {
            let processes = manager.processes(&unit.name).await?;
            orphans.extend(processes.iter().find_map(|process| orphan(&unit.name, process)));
        }
    }
    orphans.sort_unstable();
    Ok(orphans)
}

/// Units that the project's target starts and that run although their file was deleted, as systemd has not read its files again.
///
/// # Errors
/// systemd does not answer.
pub async fn deleted(manager: &Manager, project: &InstalledProject) -> Result<Vec<Orphan>, ManagerError> {
    let is_there = |unit: &UnitName| {
        let is = |name: &UnitName| name == unit || name.instance_in(unit).is_some();
        project.units.iter().any(|installed| is(&installed.name))
    };
    let targets = project.units.iter().filter(|unit| unit.name.is(UnitKind::Target));
    let wanted = targets.flat_map(|target| &target.mark.wants).filter(|unit| !is_there(unit));
    let patterns: Vec<&str> = wanted.map(UnitName::as_str).collect();
    let loaded = manager.loaded_units(&patterns).await?.into_iter();
    let runs = loaded.filter(|unit| unit.load != LoadState::NotFound && unit.active.is_running());
    let orphan = |unit: UnitName| Orphan { unit, project: project.name.clone(), service: None };
    Ok(runs.map(|unit| orphan(unit.name)).collect())
}

/// Adds the projects of which nothing is left but orphans, in the order of their names.
pub fn add_projects(projects: &mut Vec<InstalledProject>, orphans: &[Orphan]) {
    for orphan in orphans {
        if projects.iter().all(|project| project.name != orphan.project) {
            projects.push(InstalledProject::new(orphan.project.clone()));
        }
    }
    projects.sort_by(|one, other| one.name.cmp(&other.name));
}

/// The unit without a file, if one of its processes shows that it is Wharf's.
fn orphan(unit: &UnitName, process: &UnitProcess) -> Option<Orphan> {
    let program = process.command.split_whitespace().next().map(Path::new)?.file_name()?;
    if program != "wharf-run" && program != "wharf-build" {
        return None;
    }
    let names =
        process.control_group.ancestors().filter_map(|group| UnitName::parse(group.file_name()?.to_str()?).ok());
    let parts = names.filter_map(|name| name.slice_parts()).next()?;
    let (project, service) = match parts.as_slice() {
        [wharf, project] if wharf == "wharf" => (project, None),
        [wharf, project, service] if wharf == "wharf" => (project, Some(service)),
        _ => return None,
    };
    Some(Orphan {
        unit: unit.clone(),
        project: ProjectName::parse(project).ok()?,
        service: service.and_then(|service| ServiceName::parse(service).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(control_group: &str, command: &str) -> Option<(String, Option<String>)> {
        let unit = UnitName::parse("shop-web.service").unwrap();
        let orphan = orphan(&unit, &UnitProcess { control_group: control_group.into(), command: command.into() })?;
        Some((orphan.project.into(), orphan.service.map(String::from)))
    }

    #[test]
    fn control_group_and_process_show_whose_a_unit_is() {
        let group = "/wharf.slice/wharf-my\\x2dshop.slice/wharf-my\\x2dshop-web.slice/shop-web.service";
        let web = Some(("my-shop".to_owned(), Some("web".to_owned())));
        assert_eq!(found(group, "wharf-run follow /etc/systemd/system/my-shop-web.container.json"), web);
        assert_eq!(
            found(&format!("/user.slice/user-1.slice/x.service{group}/control"), "/usr/libexec/wharf/wharf-run"),
            web
        );
        let build =
            found("/wharf.slice/wharf-shop.slice/shop-web-build.service", "/usr/libexec/wharf/wharf-build build");
        assert_eq!(build, Some(("shop".to_owned(), None)));
    }

    #[test]
    fn neither_of_them_alone_does() {
        let group = "/wharf.slice/wharf-shop.slice/wharf-shop-web.slice/shop-web.service";
        for command in ["", "sleep 100000 wharf-run", "/bin/wharf-run-not", "[wharf-run]"] {
            assert_eq!(found(group, command), None, "{command}");
        }
        for group in [
            "",
            "/",
            "/system.slice/shop-web.service",
            "/wharf.slice/shop-web.service",
            "/a-b-c.slice/shop-web.service",
        ] {
            assert_eq!(found(group, "wharf-run follow x"), None, "{group}");
        }
    }
}
