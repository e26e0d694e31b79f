//! `wharf diff`: how containers differ from their definitions, and what changed in their file systems.
//!
//! In: answers of wharfd. Out: typed differences, shown as text or as JSON.

use serde::Serialize;

use super::status::{Sources, Status, StatusError, Unknown};
use super::table::{Cell, Screen, Table, fit};
use crate::name::{ContainerName, ProjectName, ServiceName, UnitName};
use crate::supervisor1::{Activation, Drift, FileChange, Supervisor};

/// The differences of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContainerDifference {
    pub project: ProjectName,
    pub service: Option<ServiceName>,
    pub unit: UnitName,
    pub instance: Option<String>,
    pub container: Option<ContainerName>,
    pub container_id: Option<String>,
    /// `None`: there is no container.
    pub drift: Option<Vec<Drift>>,
    /// By path. `None`: not known.
    pub files: Option<Vec<FileChange>>,
    /// The unit file was changed by hand.
    pub edited: bool,
}

/// The differences of all containers that were asked for.
#[derive(Debug, Default)]
pub struct Differences {
    pub containers: Vec<ContainerDifference>,
    /// What could not be found out, a line each.
    pub problems: Vec<String>,
    /// Whether there may be more differences.
    pub incomplete: bool,
}

impl Differences {
    pub fn has_drift(&self) -> bool {
        self.containers.iter().any(|one| one.edited || one.drift.as_ref().is_some_and(|drift| !drift.is_empty()))
    }
}

/// Asks wharfd about the containers of all projects, or of the projects and services that are named; with `registry` it first asks the
/// registries for the images.
///
/// # Errors
/// No such project, or systemd or wharfd cannot be reached.
pub async fn differences(sources: &Sources, wanted: &[String], registry: bool) -> Result<Differences, StatusError> {
    let mut status = sources.status(wanted, Activation::Start).await?;
    if status.engine_connected.is_none() {
        return Err(match status.unknown {
            Some(Unknown::Supervisor(error)) => error.into(),
            _ => StatusError::NoSystemd,
        });
    }
    let supervisor = sources.supervisor()?;
    let mut found = Differences::default();
    if registry {
        found.check_images(supervisor, &status).await;
        status = sources.status(wanted, Activation::Start).await?;
    }
    // What wharfd withholds is nothing that is compared.
    if let Some(unknown) = status.unknown.as_ref().filter(|unknown| !matches!(unknown, Unknown::Withheld(_))) {
        found.problems.push(unknown.to_string());
        found.incomplete = true;
    }
    for project in status.projects {
        found.problems.extend(project.changed_source.map(|changed| format!("{}: {changed}", project.project)));
        for unit in project.units.into_iter().filter(|unit| unit.container.is_some() || unit.edited) {
            let files = match &unit.known.container_id {
                Some(_) => found.files(supervisor, &unit.unit).await,
                None => None,
            };
            found.containers.push(ContainerDifference {
                project: project.project.clone(),
                service: unit.service,
                unit: unit.unit,
                instance: unit.instance,
                container: unit.container,
                container_id: unit.known.container_id,
                drift: unit.known.drift,
                files,
                edited: unit.edited,
            });
        }
    }
    Ok(found)
}

impl Differences {
    /// wharfd answers when it has compared the container with the new answer.
    async fn check_images(&mut self, supervisor: &Supervisor, status: &Status) {
        let units = status.projects.iter().flat_map(|project| &project.units);
        for unit in units.filter(|unit| unit.known.container_id.is_some()) {
            if let Err(error) = supervisor.check_image(&unit.unit).await {
                self.problems.push(format!("{}: cannot ask the registry: {error}", unit.unit));
                self.incomplete = true;
            }
        }
    }

    async fn files(&mut self, supervisor: &Supervisor, unit: &str) -> Option<Vec<FileChange>> {
        match supervisor.file_changes(unit).await {
            Ok((files, is_truncated)) => {
                if is_truncated {
                    let count = files.len();
                    self.problems
                        .push(format!("{unit}: more has changed in its file system than the {count} paths shown"));
                }
                Some(files)
            }
            Err(error) => {
                self.problems.push(format!("{unit}: cannot list what changed in its file system: {error}"));
                self.incomplete = true;
                None
            }
        }
    }
}

/// The containers that differ, each with a line for each difference below its unit.
pub fn text(containers: &[ContainerDifference]) -> String {
    let mut table = Table::default();
    for one in containers {
        let drift = one.drift.iter().flatten().map(|one| format!("drift: {}", one.text));
        let files = one.files.iter().flatten().map(|file| format!("{} {}", file.change, file.path));
        let edited = one.edited.then(|| {
            "the unit file was edited or deleted by hand: the next `wharf generate` writes it again".to_owned()
        });
        let mut differences = edited.into_iter().chain(drift).chain(files).peekable();
        if differences.peek().is_some() {
            table.row([Cell::from(&one.unit)]);
        }
        differences.for_each(|difference| table.note("  ", Cell::from(difference)));
    }
    fit(table.lines(Screen::default()), Screen::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_container_that_differs_is_shown() {
        let same = ContainerDifference {
            project: ProjectName::parse("shop").unwrap(),
            service: Some(ServiceName::parse("web").unwrap()),
            unit: UnitName::parse("shop-web.service").unwrap(),
            instance: None,
            container: Some(ContainerName::parse("shop-web").unwrap()),
            container_id: Some("0123".into()),
            drift: Some(Vec::new()),
            files: None,
            edited: false,
        };
        let edited =
            ContainerDifference { unit: UnitName::parse("shop.target").unwrap(), edited: true, ..same.clone() };
        let other = ContainerDifference {
            unit: UnitName::parse("shop-db.service").unwrap(),
            drift: Some(vec![Drift { aspect: "name".into(), text: "it is named other, not shop-db".into() }]),
            files: Some(vec![FileChange { change: "A".into(), path: "/tmp/a\u{1b}]".into() }]),
            ..same.clone()
        };
        let differences = Differences { containers: vec![same, other, edited], ..Differences::default() };
        assert!(differences.has_drift());
        let expected = "shop-db.service\n  drift: it is named other, not shop-db\n  A /tmp/a ]\n\
                        shop.target\n  the unit file was edited or deleted by hand: the next `wharf generate` writes it again\n";
        assert_eq!(text(&differences.containers), expected);
    }
}
