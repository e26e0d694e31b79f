//! `wharf history`: what happened to the units of projects, when, why, and who did it.
//!
//! In: the units on disk, and the journal's entries of systemd, of wharfd and of Wharf's commands. Out: typed events, oldest
//! first. Invariant: the journal is the only record; an entry counts only if the journal's trusted fields vouch for its writer.

mod correlate;
mod entry;
mod event;
mod layout;
mod units;

use std::path::PathBuf;
use std::time::SystemTime;

use thiserror::Error;

use super::installed::{InstalledProject, projects_in};
use super::selection::{Selection, SelectionError, select};
use crate::message_id;
use crate::name::{ProjectName, UnitName};
use crate::systemd::journal::Priority;
use crate::systemd::journalctl::{self, Entry, Found, JournalctlError, Match, Query};
use entry::{CommandEntry, OF_WHARF_RUN, UnitEntry, unit_of};
use units::{Units, add_removed};

pub use event::{Actor, Event, Kind, Reason};
pub use layout::{reason, table};

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

/// Why there is no history.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// `limited`: the journal might know more, but the caller may not read it.
    #[error("{error}")]
    Lookup { error: SelectionError, limited: bool },
    #[error(transparent)]
    Journal(#[from] JournalctlError),
}

/// Reads the history of all projects, or of those and of the services that are named, see [`select`]. `directories`: the unit
/// directories.
///
/// # Errors
/// No such project or service, neither on disk nor in the journal; or the journal cannot be read.
pub fn history(wanted: &[String], period: Period, directories: &[PathBuf]) -> Result<History, HistoryError> {
    let of_commands = Query { matches: vec![of_commands()], fields: &entry::FIELDS, ..Query::default() };
    let commands = journalctl::read(&of_commands)?;
    let limited = commands.limited;
    let lookup = |error| HistoryError::Lookup { error, limited };
    let mut projects = projects_in(directories).map_err(|error| lookup(error.into()))?;
    add_removed(&mut projects, &commands.entries);
    let selections = match wanted {
        [] => projects.iter().map(|project| Selection { project, units: Vec::new() }).collect(),
        wanted => select(wanted, &projects).map_err(lookup)?,
    };
    let units = Units::of(&selections);
    let is_wanted = |entry: &Entry| match unit_of(entry) {
        Some(unit) => units.owner(&unit).is_some(),
        None => true,
    };
    let found = journalctl::read_if(&query(&selections, &units, period), is_wanted)?;
    let mut events = events(&found, &units, &user_name);
    let is_whole = |project: &ProjectName| {
        selections.iter().any(|selection| selection.project.name == *project && selection.units.is_empty())
    };
    // What was done to a stack as a whole is not the history of one of its services.
    events.retain(|event| event.unit.is_some() || is_whole(&event.project));
    Ok(History { events, limited: limited || found.limited })
}

/// Adds the projects and units that are no longer installed, as far as the journal has what Wharf's commands did to them.
///
/// # Errors
/// The journal cannot be read.
pub fn add_removed_projects(projects: &mut Vec<InstalledProject>) -> Result<(), JournalctlError> {
    let of_commands = Query { matches: vec![of_commands()], fields: &entry::FIELDS, ..Query::default() };
    add_removed(projects, &journalctl::read(&of_commands)?.entries);
    Ok(())
}

/// The last error of wharf-run about a unit since then: why a container did not start, or did not become healthy.
pub fn last_error(unit: &UnitName, since: SystemTime) -> Option<String> {
    let query = Query {
        matches: vec![of_wharf_run().and("_SYSTEMD_UNIT", [unit.as_str()])],
        fields: &entry::FIELDS,
        ..Query::default()
    };
    let since = u64::try_from(since.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_micros()).ok()?;
    let entries = journalctl::read(&query).ok()?.entries;
    entries.iter().rev().find(|entry| entry.time() >= since)?.get("MESSAGE")
}

/// The errors of wharf-run, on its standard error: a container's output comes by another way.
fn of_wharf_run() -> Match {
    Match::default()
        .and("SYSLOG_IDENTIFIER", [OF_WHARF_RUN])
        .and("_TRANSPORT", ["stdout"])
        .and("PRIORITY", [Priority::ERROR.level()])
        .and("_UID", ["0"])
}

/// The entries of Wharf's commands. Only root's count: others could write anything.
fn of_commands() -> Match {
    Match::default().and("MESSAGE_ID", message_id::OF_WHARF).and("_UID", ["0"])
}

fn query<'a>(selections: &[Selection<'_>], units: &Units, period: Period<'a>) -> Query<'a> {
    let mut of_systemd = Match::default().and("MESSAGE_ID", message_id::OF_SYSTEMD).and("_PID", ["1"]);
    let mut of_wharfd = Match::default()
        .and("MESSAGE_ID", message_id::OF_WHARFD)
        .and("_UID", ["0"])
        .and("_SYSTEMD_UNIT", ["wharfd.service"]);
    let mut of_wharf_run = of_wharf_run();
    if let Some(names) = units.names() {
        of_systemd = of_systemd.and("UNIT", names.clone().map(UnitName::as_str));
        of_wharfd = of_wharfd.and("OBJECT_SYSTEMD_UNIT", names.clone().map(UnitName::as_str));
        let own = names.flat_map(|name| [name.to_string(), name.cleanup().to_string()]);
        of_wharf_run = of_wharf_run.and("_SYSTEMD_UNIT", own);
    }
    let of_commands =
        of_commands().and("WHARF_PROJECT", selections.iter().map(|selection| selection.project.name.as_str()));
    let matches = vec![of_systemd, of_wharfd, of_wharf_run, of_commands];
    Query { matches, fields: &entry::FIELDS, since: period.since, until: period.until, ..Query::default() }
}

/// The events of all entries, oldest first. `user_name`: a user's name by the id.
fn events(found: &Found, units: &Units, user_name: &dyn Fn(u32) -> Option<String>) -> Vec<Event> {
    let of_units = found.entries.iter().filter_map(|entry| UnitEntry::read(entry, user_name)).collect();
    let commands: Vec<_> = found.entries.iter().filter_map(|entry| CommandEntry::read(entry, user_name)).collect();
    let mut events = correlate::events(of_units, units);
    for command in &commands {
        events.iter_mut().for_each(|event| command.explain(event));
    }
    events.extend(commands.into_iter().filter_map(CommandEntry::into_event));
    events.sort_by_key(|event| event.time);
    events
}

fn user_name(uid: u32) -> Option<String> {
    nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name)
}

#[cfg(test)]
mod tests;
