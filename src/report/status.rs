//! `wharf status`: how the installed projects fare.
//!
//! In: the units on disk and systemd's properties. Out: typed rows, shown as a table or as JSON.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::installed::{InstalledProject, LookupError, find_project, projects_in};
use crate::systemd::manager::Usage;
use crate::systemd::{Manager, ManagerError, UnitState};
use crate::unit::InstalledUnit;

/// One project and its units: the target, then containers, then networks, volumes and what else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectStatus {
    pub project: String,
    pub units: Vec<UnitStatus>,
}

/// One line of the table; durations in seconds, memory in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnitStatus {
    pub unit: String,
    pub service: Option<String>,
    pub container: Option<String>,
    /// `ActiveState` of systemd, or `unknown` where systemd cannot be asked.
    pub active: String,
    pub sub: String,
    pub status: String,
    /// systemd's word for why a service failed.
    pub result: String,
    pub exit_status: i32,
    pub restarts: u32,
    pub uptime_seconds: Option<u64>,
    pub cpu_seconds: Option<u64>,
    pub memory_bytes: Option<u64>,
}

#[derive(Debug)]
pub enum StatusError {
    Lookup(LookupError),
    Manager(ManagerError),
}

impl std::fmt::Display for StatusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lookup(error) => error.fmt(f),
            Self::Manager(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StatusError {}

impl From<LookupError> for StatusError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}

impl From<ManagerError> for StatusError {
    fn from(error: ManagerError) -> Self {
        Self::Manager(error)
    }
}

/// Asks systemd about all projects, or the one that is named. `directories`: where units lie if there is no manager to say.
///
/// # Errors
/// No such project, or systemd does not answer.
pub async fn status(
    wanted: Option<&str>,
    manager: Option<&Manager>,
    directories: Vec<PathBuf>,
) -> Result<Vec<ProjectStatus>, StatusError> {
    let directories = match manager {
        Some(manager) => manager.unit_path().await?,
        None => directories,
    };
    let mut projects = projects_in(&directories)?;
    if let Some(wanted) = wanted {
        projects = vec![find_project(wanted, projects)?];
    }
    let now = SystemTime::now();
    let mut statuses = Vec::new();
    for project in &mut projects {
        statuses.push(project_status(project, manager, now).await?);
    }
    Ok(statuses)
}

async fn project_status(
    project: &mut InstalledProject,
    manager: Option<&Manager>,
    now: SystemTime,
) -> Result<ProjectStatus, ManagerError> {
    project.units.sort_by_key(|unit| (rank(unit), unit.name.clone()));
    let mut units = Vec::new();
    let wanted: Vec<&String> = project.units.iter().flat_map(|unit| &unit.mark.wants).collect();
    for unit in project.units.iter().filter(|unit| !unit.name.ends_with(".slice")) {
        units.extend(unit_status(unit, &wanted, manager, now).await?);
    }
    Ok(ProjectStatus { project: project.name.clone(), units })
}

fn rank(unit: &InstalledUnit) -> u8 {
    match (unit.name.ends_with(".target"), &unit.mark.service) {
        (true, _) => 0,
        (false, Some(_)) => 1,
        (false, None) => 2,
    }
}

/// One row for a unit, of a template one for each instance that is `wanted`, or was started by hand.
async fn unit_status(
    unit: &InstalledUnit,
    wanted: &[&String],
    manager: Option<&Manager>,
    now: SystemTime,
) -> Result<Vec<UnitStatus>, ManagerError> {
    let Some(manager) = manager else {
        return Ok(vec![UnitStatus { active: "unknown".to_owned(), ..row(unit, &unit.name) }]);
    };
    let mut rows = Vec::new();
    for (name, instance) in instances(unit, wanted, manager).await? {
        let state = manager.unit(&name).await?;
        let usage = if instance.is_none() { usage(unit, manager, &state).await? } else { Usage::default() };
        let mut row = row(unit, &name);
        if let (Some(container), Some(instance)) = (&mut row.container, instance) {
            container.push('-');
            container.push_str(&instance);
        }
        rows.push(filled(row, state, usage, now));
    }
    Ok(rows)
}

/// The units that a unit file stands for, each with its instance (systemd.unit(5), `%i`).
async fn instances(
    unit: &InstalledUnit,
    wanted: &[&String],
    manager: &Manager,
) -> Result<Vec<(String, Option<String>)>, ManagerError> {
    let Some((prefix, suffix)) = unit.name.split_once("@.") else {
        return Ok(vec![(unit.name.clone(), None)]);
    };
    let instance_of = |name: &str| {
        let instance = unit.instance_of(name)?;
        Some((instance.parse::<u32>().unwrap_or(u32::MAX), name.to_owned(), Some(instance.to_owned())))
    };
    let running = manager.active_units(&[&format!("{prefix}@*.{suffix}")]).await?;
    let names = running.iter().chain(wanted.iter().copied());
    let instances: BTreeSet<_> = names.filter_map(|name| instance_of(name)).collect();
    Ok(instances.into_iter().map(|(_, name, instance)| (name, instance)).collect())
}

/// A container's slice is its own; other units share one.
async fn usage(unit: &InstalledUnit, manager: &Manager, state: &UnitState) -> Result<Usage, ManagerError> {
    let has_own_slice = unit.mark.service.is_some() && state.is_running() && !state.slice.is_empty();
    if has_own_slice { manager.usage(&state.slice).await } else { Ok(Usage::default()) }
}

fn row(unit: &InstalledUnit, name: &str) -> UnitStatus {
    UnitStatus {
        unit: name.to_owned(),
        service: unit.mark.service.clone(),
        container: unit.mark.container.clone(),
        ..UnitStatus::default()
    }
}

fn filled(row: UnitStatus, state: UnitState, usage: Usage, now: SystemTime) -> UnitStatus {
    let since = state.active_since.filter(|_| state.active == "active");
    UnitStatus {
        sub: state.sub,
        // What a unit said last before it stopped is of no more interest, unless it failed.
        status: if state.active == "inactive" { String::new() } else { state.status_text },
        active: state.active,
        result: state.result,
        exit_status: state.exec_main_status,
        restarts: state.restarts,
        uptime_seconds: since.and_then(|since| now.duration_since(since).ok()).map(|uptime| uptime.as_secs()),
        cpu_seconds: usage.cpu.map(|cpu| cpu.as_secs()),
        memory_bytes: usage.memory,
        ..row
    }
}

const HEADINGS: [&str; 7] = ["UNIT", "CONTAINER", "UPTIME", "RESTARTS", "CPU", "MEMORY", "STATE"];

/// The rows as a table with a line of headings; the state comes last, as its text has any length.
pub fn table(projects: &[ProjectStatus]) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(projects.iter().flat_map(|project| project.units.iter().map(cells)));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in &lines {
        let mut padded = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _infallible = write!(padded, "{cell:<width$}  ");
        }
        text.push_str(padded.trim_end());
        text.push('\n');
    }
    text
}

fn cells(unit: &UnitStatus) -> [String; 7] {
    let indent = if unit.unit.ends_with(".target") { "" } else { "  " };
    let is_service = unit.service.is_some();
    [
        format!("{indent}{}", unit.unit),
        unit.container.clone().unwrap_or_default(),
        unit.uptime_seconds.map(uptime).unwrap_or_default(),
        if is_service { unit.restarts.to_string() } else { String::new() },
        unit.cpu_seconds.map(uptime).unwrap_or_default(),
        unit.memory_bytes.map(|bytes| indicatif::HumanBytes(bytes).to_string()).unwrap_or_default(),
        state(unit),
    ]
}

fn state(unit: &UnitStatus) -> String {
    let mut text = unit.active.clone();
    if !unit.sub.is_empty() && unit.sub != unit.active {
        let _infallible = write!(text, " ({})", unit.sub);
    }
    if unit.active == "failed" && !unit.result.is_empty() {
        let _infallible = write!(text, ": {}", unit.result);
        if unit.exit_status != 0 {
            let _infallible = write!(text, " {}", unit.exit_status);
        }
    }
    if !unit.status.is_empty() {
        let _infallible = write!(text, ": {}", unit.status);
    }
    text
}

/// The two largest units of a duration: `3days 4h`, `12m 5s`.
fn uptime(seconds: u64) -> String {
    let all = humantime::format_duration(Duration::from_secs(seconds)).to_string();
    all.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_tells_why_a_unit_failed() {
        let target = UnitStatus {
            unit: "shop.target".into(),
            active: "active".into(),
            sub: "active".into(),
            ..Default::default()
        };
        let web = UnitStatus {
            unit: "shop-web.service".into(),
            service: Some("web".into()),
            container: Some("shop-web".into()),
            active: "failed".into(),
            sub: "failed".into(),
            result: "exit-code".into(),
            exit_status: 125,
            status: "no such image".into(),
            restarts: 3,
            ..Default::default()
        };
        let text = table(&[ProjectStatus { project: "shop".into(), units: vec![target, web] }]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "UNIT                CONTAINER  UPTIME  RESTARTS  CPU  MEMORY  STATE");
        assert_eq!(lines[1], "shop.target                                                   active");
        assert_eq!(
            lines[2],
            "  shop-web.service  shop-web           3                      failed: exit-code 125: no such image"
        );
    }

    #[test]
    fn uptime_shows_two_units() {
        assert_eq!([0, 65, 3700, 90_000].map(uptime), ["0s", "1m 5s", "1h 1m", "1day 1h"]);
    }
}
