//! Events as a table for the terminal: one line each.

use std::fmt::Write;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{By, Event, Reason};
use crate::report::printable;

const HEADINGS: [&str; 5] = ["TIME", "UNIT", "EVENT", "BY", "WHY"];

/// What is shown of a detail.
const LONGEST_DETAIL: usize = 160;

/// The events with a line of headings; times are local, as journalctl(1) shows them. The reason comes last: it has any length.
pub fn table(events: &[Event]) -> String {
    table_in(events, &TimeZone::system())
}

fn table_in(events: &[Event], zone: &TimeZone) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(events.iter().map(|event| cells(event, zone)));
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

fn cells(event: &Event, zone: &TimeZone) -> [String; 5] {
    [
        local(event.time, zone),
        event.unit.as_ref().unwrap_or(&event.project).clone(),
        event.event.as_str().to_owned(),
        event.by.as_ref().map(by).unwrap_or_default(),
        why(event),
    ]
}

fn local(time: SystemTime, zone: &TimeZone) -> String {
    match Timestamp::try_from(time) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => String::new(),
    }
}

/// `joe (wharf[4711], session-3.scope)`; of wharfd's own acts its name alone.
fn by(by: &By) -> String {
    // A program may give itself any name.
    let comm = one_line(by.comm.as_deref().unwrap_or_default());
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

/// `crashed: exit status 3`, `exit-code 3`, `unhealthy: what the healthcheck said`
fn why(event: &Event) -> String {
    let reason = match &event.reason {
        Some(Reason::StartLimit) => "start limit".to_owned(),
        Some(Reason::Changed) => "the stack file changed".to_owned(),
        Some(Reason::Removed) => "the project was removed".to_owned(),
        Some(other) => other.as_str().to_owned(),
        None => String::new(),
    };
    let reason = match event.exit_status {
        Some(status) if reason == "exit-code" => format!("exit-code {status}"),
        Some(status) if reason.is_empty() => format!("exit status {status}"),
        Some(status) => format!("{reason}: exit status {status}"),
        None => reason,
    };
    let detail = event.detail.as_deref().map(one_line).unwrap_or_default();
    let parts = [reason, detail];
    parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// The start of a text, on one line, without what a terminal would obey.
fn one_line(text: &str) -> String {
    let line = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
