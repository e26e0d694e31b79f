//! `wharf history`: what happened to the units of projects, when, why and by whom.
//!
//! In: the units on disk, and the journal's entries of systemd, of wharfd and of Wharf's commands. Out: typed events, oldest
//! first. Invariant: nothing is kept but in the journal; an entry is believed only of whom the journal itself vouches for.

mod course;
mod entry;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use super::installed::{InstalledProject, LookupError, find_project, projects_in};
use crate::mark::{InstalledUnit, Mark};
use crate::message_id;
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::systemd::journalctl::{self, Entry, Found, JournalctlError, Match, Query};
use entry::{Record, Told};

pub use text::table;

/// Which part of the journal is read: points in time as systemd.time(7) writes them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Period<'a> {
    pub since: Option<&'a str>,
    pub until: Option<&'a str>,
}

/// What was found in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub events: Vec<Event>,
    /// The caller may not read the system's journal: there may be more.
    pub limited: bool,
}

/// Something that happened to a unit, or to a project as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// RFC 3339 in UTC, with microseconds, by the journal's clock. Of a restart, when it began.
    #[serde(serialize_with = "rfc3339")]
    pub time: SystemTime,
    pub project: String,
    /// `None`: the project.
    pub unit: Option<String>,
    /// `None` also where the unit is not installed any more.
    pub service: Option<String>,
    pub event: Kind,
    pub reason: Option<Reason>,
    /// What else there is to say; of any length, and maybe of several lines.
    pub detail: Option<String>,
    /// `None`: it does not say, or who did it is of no account: systemd itself, obeying the unit.
    pub by: Option<By>,
    /// With which status the main process ended; not where a signal ended it.
    pub exit_status: Option<i32>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Generated,
    Removed,
    /// The unit is active.
    Started,
    /// The unit ended by itself, with success.
    Finished,
    Stopped,
    Restarted,
    Reloaded,
    Failed,
    /// Asked for; what came of it is not in the journal, yet.
    Starting,
    Stopping,
    Restarting,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Removed => "removed",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Restarted => "restarted",
            Self::Reloaded => "reloaded",
            Self::Failed => "failed",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
        }
    }
}

/// Why it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The healthcheck failed.
    Unhealthy,
    /// Somebody asked for it, and it is known who.
    Requested,
    /// What ran was older than its definition, or is not in the stack any more.
    Changed,
    /// The project was removed.
    Removed,
    /// The main process failed; systemd restarted the unit.
    Crashed,
    /// The main process ended with success; systemd restarted the unit.
    Ended,
    /// Too many starts in too short a time: StartLimitBurst= of systemd.unit(5).
    StartLimit,
    /// What the unit requires failed, or was restarted (`restart = true`).
    Dependency,
    /// systemd's own word, `Result` of org.freedesktop.systemd1(5): `exit-code`, `signal`, `timeout`, `oom-kill`…
    Other(String),
}

impl Reason {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Requested => "requested",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Crashed => "crashed",
            Self::Ended => "ended",
            Self::StartLimit => "start-limit",
            Self::Dependency => "dependency",
            Self::Other(word) => word,
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Who did it: a process, as the journal or wharfd saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct By {
    pub uid: Option<u32>,
    pub pid: Option<u32>,
    pub comm: Option<String>,
    /// The unit in which it ran, e.g. of a login session.
    pub unit: Option<String>,
    /// Who had logged in, where that is known, also behind sudo(8); else the user of the process.
    pub user: Option<String>,
}

/// Why there is no history.
#[derive(Debug)]
pub enum HistoryError {
    /// `limited`: the journal might know more, but the caller may not read it.
    Lookup {
        error: LookupError,
        limited: bool,
    },
    Journal(JournalctlError),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup { error, .. } => error.fmt(f),
            Self::Journal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HistoryError {}

impl From<JournalctlError> for HistoryError {
    fn from(error: JournalctlError) -> Self {
        Self::Journal(error)
    }
}

/// Reads the history of all projects, or of the one that is named. `directories`: where units lie.
///
/// # Errors
/// No such project, neither on disk nor in the journal; or the journal cannot be read.
pub fn history(wanted: Option<&str>, period: Period, directories: &[PathBuf]) -> Result<History, HistoryError> {
    let acts = journalctl::read(&Query { matches: vec![of_commands()], fields: &entry::FIELDS, ..Query::default() })?;
    let limited = acts.limited;
    let lookup = |error| HistoryError::Lookup { error, limited };
    let mut projects = projects_in(directories).map_err(lookup)?;
    remember(&mut projects, &acts.entries);
    if let Some(wanted) = wanted {
        projects = vec![find_project(wanted, projects).map_err(lookup)?];
    }
    let units = Units::of(&projects, || journalctl::values("UNIT"))?;
    let found = journalctl::read(&query(&projects, &units, period))?;
    Ok(History { events: events(&found, &units, &user_name), limited: limited || found.limited })
}

/// What wharf's commands wrote, as root: of others it proves nothing.
fn of_commands() -> Match {
    Match::default().and("MESSAGE_ID", message_id::OF_WHARF).and("_UID", ["0"])
}

fn query<'a>(projects: &[InstalledProject], units: &Units, period: Period<'a>) -> Query<'a> {
    let names = || units.0.keys().cloned();
    let of_systemd = Match::default().and("MESSAGE_ID", message_id::OF_SYSTEMD).and("_PID", ["1"]).and("UNIT", names());
    let of_wharfd = Match::default()
        .and("MESSAGE_ID", message_id::OF_WHARFD)
        .and("_UID", ["0"])
        .and("OBJECT_SYSTEMD_UNIT", names());
    let of_commands = of_commands().and("WHARF_PROJECT", projects.iter().map(|project| project.name.clone()));
    let matches = vec![of_systemd, of_wharfd, of_commands];
    Query { matches, fields: &entry::FIELDS, since: period.since, until: period.until, ..Query::default() }
}

/// Adds what the journal knows of projects and units that are not there any more.
fn remember(projects: &mut Vec<InstalledProject>, acts: &[Entry]) {
    for act in acts {
        let Some(name) = act.get("WHARF_PROJECT") else { continue };
        let place = projects.iter().position(|project| project.name == name).unwrap_or_else(|| {
            projects.push(InstalledProject { name: name.clone(), ..InstalledProject::default() });
            projects.len() - 1
        });
        let source = act.get("WHARF_SOURCE").map(PathBuf::from);
        if let Some(source) = source.clone().filter(|source| !projects[place].comes_from(source)) {
            projects[place].sources.push(source);
        }
        for unit in ["WHARF_WRITTEN", "WHARF_REMOVED"].iter().flat_map(|field| act.words(field)) {
            if let (Ok(unit), Ok(project)) = (UnitName::parse(&unit), ProjectName::parse(&name)) {
                let mark = Mark::new(project, source.clone());
                projects[place].add(InstalledUnit { name: unit, directory: PathBuf::new(), mark });
            }
        }
    }
}

/// The units of the projects, each with its project and its service. Slices are left out: they come and go with their units.
struct Units(BTreeMap<String, (String, Option<String>)>);

impl Units {
    /// `seen`: all units that the journal knows, asked for if there are templates.
    fn of(
        projects: &[InstalledProject],
        seen: impl FnOnce() -> Result<Vec<String>, JournalctlError>,
    ) -> Result<Self, JournalctlError> {
        let mut units = BTreeMap::new();
        let mut templates = BTreeMap::new();
        for unit in projects.iter().flat_map(|project| &project.units).filter(|unit| !unit.name.is(UnitKind::Slice)) {
            let list = if unit.is_template() { &mut templates } else { &mut units };
            let service = unit.mark.service.clone().map(String::from);
            list.insert(unit.name.to_string(), (unit.mark.project.to_string(), service));
        }
        if !templates.is_empty() {
            for unit in seen()? {
                if let Some(owner) = template_of(&unit).and_then(|template| templates.get(template.as_str())) {
                    units.insert(unit, owner.clone());
                }
            }
        }
        Ok(Self(units))
    }
}

/// The template of which a unit is an instance: `a@.service` of `a@1.service` (systemd.unit(5)).
fn template_of(unit: &str) -> Option<UnitName> {
    UnitName::parse(unit).ok()?.template()
}

/// All that the entries tell, oldest first. `user_name` tells a user's name.
fn events(found: &Found, units: &Units, user_name: &dyn Fn(u32) -> Option<String>) -> Vec<Event> {
    let mut told: Vec<Told> = Vec::new();
    let mut records: Vec<Record> = Vec::new();
    for entry in &found.entries {
        told.extend(Told::of(entry, user_name));
        records.extend(Record::of(entry, user_name));
    }
    let mut events: Vec<Event> = course::events(told);
    for event in &mut events {
        if let Some((project, service)) = event.unit.as_ref().and_then(|unit| units.0.get(unit)) {
            project.clone_into(&mut event.project);
            event.service.clone_from(service);
        }
    }
    for record in &records {
        events.iter_mut().for_each(|event| record.explain(event));
    }
    events.extend(records.into_iter().filter_map(Record::into_event));
    events.sort_by_key(|event| event.time);
    events
}

fn user_name(uid: u32) -> Option<String> {
    nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name)
}

fn time_of(microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds)
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_micros(*time))
}

#[cfg(test)]
mod tests;
