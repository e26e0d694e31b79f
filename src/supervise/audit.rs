//! What wharfd did and why, as entries of the journal: sd_journal_send(3), systemd.journal-fields(7).
//!
//! Each kind of entry has a MESSAGE_ID, which the journal catalog explains (`journalctl --catalog`), and names the unit, so that
//! `journalctl -u` shows it among the unit's own messages.

use std::time::{Duration, SystemTime};

use super::action::{Action, Cause};
use super::drift::Difference;
use crate::message_id;
use crate::systemd::Verb;
use crate::systemd::journal::{Journal, Priority};
use crate::systemd::journalctl::{self, Entry, Match, Query};

/// Says that a job is about to be asked of systemd.
pub async fn starting(action: &Action) {
    let Action { unit, verb, .. } = action;
    let doing = verb.doing();
    match &action.cause {
        Cause::Unhealthy { attempt } => {
            let id = if *verb == Verb::Stop { message_id::UNHEALTHY_STOPPED } else { message_id::UNHEALTHY_RESTARTED };
            let again = if *attempt > 1 { format!(" for the {attempt}. time in a row") } else { String::new() };
            let message = format!("{unit}: the container is unhealthy: {doing} the unit{again}");
            send(Priority::Notice, id, action, &message, &[("WHARF_ATTEMPT", &attempt.to_string())]).await;
        }
        Cause::Dependency { of } => {
            let message = format!("{unit}: {doing} the unit after {of}, which it depends on");
            send(Priority::Notice, message_id::DEPENDENCY_RESTARTED, action, &message, &[("WHARF_DEPENDENCY", of)])
                .await;
        }
        Cause::Requested(caller) => {
            let (uid, pid) = (caller.uid.to_string(), caller.pid.to_string());
            let message = format!("{unit}: {doing} the unit, as {caller} asked");
            let who = [
                ("WHARF_CALLER_UID", uid.as_str()),
                ("WHARF_CALLER_PID", &pid),
                ("WHARF_CALLER_COMM", &caller.comm),
                ("WHARF_CALLER_UNIT", &caller.unit),
            ];
            send(Priority::Notice, message_id::REQUESTED, action, &message, &who).await;
        }
    }
}

/// Says what the healthcheck said last, if it said anything.
pub async fn probe_output(action: &Action, output: &str) {
    if !output.is_empty() {
        let message = format!("{}: the healthcheck said: {output}", action.unit);
        send(Priority::Notice, message_id::PROBED, action, &message, &[]).await;
    }
}

/// Says why nothing came of it.
pub async fn failed(action: &Action, why: &str) {
    let message = format!("{}: cannot {} the unit: {why}", action.unit, action.verb.as_str());
    send(Priority::Error, message_id::NOT_HELPED, action, &message, &[]).await;
}

/// Says in what a container differs from its definition.
pub async fn drift(unit: &str, difference: &Difference) {
    let message = format!("{unit}: the container is not as its definition says: {}", difference.text);
    let common = [("OBJECT_SYSTEMD_UNIT", unit), ("WHARF_ASPECT", difference.aspect.as_str())];
    write(Priority::Warning, message_id::DRIFTED, &message, &common, &[]).await;
}

async fn send(priority: Priority, id: &str, action: &Action, message: &str, more: &[(&str, &str)]) {
    let common = [
        ("OBJECT_SYSTEMD_UNIT", action.unit.as_str()),
        ("WHARF_ACT", action.verb.as_str()),
        ("WHARF_REASON", action.cause.reason().as_str()),
    ];
    write(priority, id, message, &common, more).await;
}

async fn write(priority: Priority, id: &str, message: &str, common: &[(&str, &str)], more: &[(&str, &str)]) {
    let common = [&[("MESSAGE_ID", id), ("SYSLOG_IDENTIFIER", "wharfd")], common].concat();
    // What hangs is restarted also while the journal does not take anything.
    let offered = match Journal::new(&common) {
        Ok(mut journal) => journal.offer(priority, message.as_bytes(), more).await,
        Err(error) => Err(error),
    };
    if offered.is_err() {
        eprintln!("<{}>{message}", priority as u8);
    }
}

/// An act of an earlier wharfd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAction {
    pub unit: String,
    pub attempt: u32,
    pub ago: Duration,
}

/// The restarts of units that were unhealthy, of those in this boot and not longer ago than this, oldest first; what the journal
/// cannot tell is not there.
pub fn past_actions(within: Duration) -> Vec<PastAction> {
    let matches = Match::default()
        .and("MESSAGE_ID", [message_id::UNHEALTHY_RESTARTED])
        .and("SYSLOG_IDENTIFIER", ["wharfd"])
        .and("_UID", ["0"]);
    let since = format!("-{}s", within.as_secs());
    let fields = ["OBJECT_SYSTEMD_UNIT", "WHARF_ATTEMPT"];
    let query =
        Query { matches: vec![matches], fields: &fields, this_boot: true, since: Some(&since), ..Query::default() };
    let now = SystemTime::now();
    let found = journalctl::read(&query).unwrap_or_default();
    found.entries.iter().filter_map(|entry| past_action(entry, now)).collect()
}

fn past_action(entry: &Entry, now: SystemTime) -> Option<PastAction> {
    let at = SystemTime::UNIX_EPOCH + Duration::from_micros(entry.time());
    Some(PastAction {
        unit: entry.get("OBJECT_SYSTEMD_UNIT")?,
        attempt: entry.number("WHARF_ATTEMPT")?,
        ago: now.duration_since(at).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_journal_is_an_act() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let entry = r#"{"__REALTIME_TIMESTAMP":"90000000","OBJECT_SYSTEMD_UNIT":"shop-web.service","WHARF_ATTEMPT":"3","_BOOT_ID":"0"}"#;
        let act = PastAction { unit: "shop-web.service".to_owned(), attempt: 3, ago: Duration::from_secs(10) };
        assert_eq!(past_action(&Entry::of_json(entry).unwrap(), now), Some(act));
        assert_eq!(past_action(&Entry::of_json("{}").unwrap(), now), None);
    }
}
