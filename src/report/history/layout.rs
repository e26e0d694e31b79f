//! Events as a table: one line each.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::event::{Actor, Event, Reason};
use crate::printable::one_line;
use crate::report::table::{Cell, Screen, Table, fit};

const HEADINGS: [&str; 5] = ["TIME", "UNIT", "EVENT", "BY", "WHY"];

/// Characters of a detail that are shown.
const LONGEST_DETAIL: usize = 160;

/// Where less is left for the reason, it takes the place of who did it.
const LEAST_REASON: usize = 30;

/// The events with a line of headings; times are local, as journalctl(1) shows them. The reason comes last, as it may be long: it is
/// cut to the width of the screen.
pub fn table(events: &[Event], screen: Screen) -> String {
    let zone = TimeZone::system();
    let rows: Vec<[Cell; 5]> = events.iter().map(|event| cells(event, &zone)).collect();
    let before_reason = columns(&rows, &[0, 1, 2, 3]).width();
    let is_wide = screen.width.is_none_or(|width| before_reason + LEAST_REASON <= width);
    let shown: &[usize] = if is_wide { &[0, 1, 2, 3, 4] } else { &[0, 1, 2, 4] };
    fit(columns(&rows, shown).lines(screen), screen)
}

/// These columns of the rows, by their numbers.
fn columns(rows: &[[Cell; 5]], shown: &[usize]) -> Table {
    let headings: Vec<&str> = shown.iter().map(|column| HEADINGS[*column]).collect();
    let mut table = Table::with_headings(&headings);
    rows.iter().for_each(|row| table.row(shown.iter().map(|column| row[*column].clone())));
    table
}

fn cells(event: &Event, zone: &TimeZone) -> [Cell; 5] {
    [
        Cell::from(local(event.time, zone)),
        event.unit.as_ref().map_or_else(|| Cell::from(&event.project), Cell::from),
        Cell::from(event.event.as_str()),
        Cell::from(event.by.as_ref().map(actor).unwrap_or_default()),
        Cell::from(reason(event)),
    ]
}

fn local(time: SystemTime, zone: &TimeZone) -> String {
    match Timestamp::try_from(time) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => String::new(),
    }
}

/// `joe (wharf[4711], session-3.scope)`; for wharfd only its name.
fn actor(by: &Actor) -> String {
    // A program may give itself any name.
    let comm = one_line(by.comm.as_deref().unwrap_or_default(), LONGEST_DETAIL);
    if comm == "wharfd" {
        return comm;
    }
    let pid = by.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
    let process = [format!("{comm}{pid}"), by.unit.clone().unwrap_or_default()];
    let process: Vec<&str> = process.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let uid = by.uid.map(|uid| uid.to_string());
    let user = by.user.clone().or(uid).unwrap_or_default();
    if process.is_empty() { user } else { format!("{user} ({})", process.join(", ")) }
}

/// `crashed: exit status 3`, `exit-code 3`, `unhealthy: what the healthcheck said`; empty if it is not known.
pub fn reason(event: &Event) -> String {
    let reason = match &event.reason {
        Some(Reason::StartLimit) => "start limit".to_owned(),
        Some(Reason::Changed) => "the stack file changed".to_owned(),
        Some(Reason::Updated) => "another revision".to_owned(),
        Some(Reason::Removed) => "the project was removed".to_owned(),
        Some(other) => other.as_str().to_owned(),
        None => String::new(),
    };
    let reason = match event.exit_status {
        // The detail says what it means.
        Some(_) if event.reason == Some(Reason::Unavailable) => reason,
        Some(status) if reason == "exit-code" => format!("exit-code {status}"),
        Some(status) if reason.is_empty() => format!("exit status {status}"),
        Some(status) => format!("{reason}: exit status {status}"),
        None => reason,
    };
    let attempts = event.attempts.map(|attempts| format!("{attempts} attempts")).unwrap_or_default();
    let detail = event.detail.as_deref().map(|detail| one_line(detail, LONGEST_DETAIL)).unwrap_or_default();
    let parts = [attempts, reason, detail];
    parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}
