//! What wharfd did and why, as entries of the journal: systemd.journal-fields(7).
//!
//! Each kind of entry has a MESSAGE_ID, which the journal catalog explains (`journalctl --catalog`), and names the unit, so that
//! `journalctl -u` shows it among the unit's own messages.

use std::time::{Duration, SystemTime};

use super::action::{Action, Caller, Cause, Reason};
use super::crashes::{MANY, WITHIN};
use super::drift::Difference;
use crate::message_id::{self, PROBE_OUTPUT};
use crate::name::UnitName;
use crate::systemd::Verb;
use crate::systemd::journalctl::{self, Entry, Match, Query};

/// A job is about to be requested of systemd.
pub fn starting(Action { unit, verb, cause }: &Action) {
    let (doing, verb, reason) = (verb.doing(), verb.as_str(), cause.reason().as_str());
    let unit = unit.as_str();
    match cause {
        Cause::Unhealthy { attempt } => {
            let is_stop = verb == Verb::Stop.as_str();
            let id = if is_stop { message_id::UNHEALTHY_STOPPED } else { message_id::UNHEALTHY_RESTARTED };
            let number = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            tracing::info!(
                MESSAGE_ID = id,
                OBJECT_SYSTEMD_UNIT = unit,
                WHARF_ACT = verb,
                WHARF_REASON = reason,
                WHARF_ATTEMPT = attempt,
                "{unit}: the container is unhealthy: {doing} the unit{number}",
            );
        }
        Cause::Dependency { of } => tracing::info!(
            MESSAGE_ID = message_id::DEPENDENCY_RESTARTED,
            OBJECT_SYSTEMD_UNIT = unit,
            WHARF_ACT = verb,
            WHARF_REASON = reason,
            WHARF_DEPENDENCY = of.as_str(),
            "{unit}: {doing} the unit after {of}, which it depends on",
        ),
        Cause::Requested(caller) => requested(unit, verb, doing, caller),
    }
}

/// A unit is about to be started that updates a stack, or rolls it back.
pub fn begun(unit: &UnitName, caller: &Caller) {
    requested(unit, Verb::Start.as_str(), Verb::Start.doing(), caller);
}

fn requested(unit: &str, verb: &str, doing: &str, caller: &Caller) {
    tracing::info!(
        MESSAGE_ID = message_id::REQUESTED,
        OBJECT_SYSTEMD_UNIT = unit,
        WHARF_ACT = verb,
        WHARF_REASON = Reason::Requested.as_str(),
        WHARF_CALLER_UID = caller.uid,
        WHARF_CALLER_PID = caller.pid,
        WHARF_CALLER_COMM = caller.comm,
        WHARF_CALLER_UNIT = caller.unit,
        "{unit}: {doing} the unit, as {caller} asked",
    );
}

/// What the healthcheck printed last, if anything.
pub fn probe_output(Action { unit, verb, cause }: &Action, output: &str) {
    if !output.is_empty() {
        tracing::info!(
            MESSAGE_ID = message_id::PROBED,
            OBJECT_SYSTEMD_UNIT = unit.as_str(),
            WHARF_ACT = verb.as_str(),
            WHARF_REASON = cause.reason().as_str(),
            "{unit}{PROBE_OUTPUT}{output}",
        );
    }
}

/// The job was refused, or failed.
pub fn failed(Action { unit, verb, cause }: &Action, why: &str) {
    let verb = verb.as_str();
    tracing::error!(
        MESSAGE_ID = message_id::NOT_HELPED,
        OBJECT_SYSTEMD_UNIT = unit.as_str(),
        WHARF_ACT = verb,
        WHARF_REASON = cause.reason().as_str(),
        "{unit}: cannot {verb} the unit: {why}",
    );
}

/// A container has come to differ from its definition.
pub fn drift(unit: &str, difference: &Difference) {
    tracing::warn!(
        MESSAGE_ID = message_id::DRIFTED,
        OBJECT_SYSTEMD_UNIT = unit,
        WHARF_ASPECT = difference.aspect.as_str(),
        "{unit}: the container differs from its definition: {}",
        difference.text,
    );
}

/// systemd restarts the unit again and again; `status`: with which it ended last.
pub fn crash_loop(unit: &str, status: Option<i32>) {
    let last = status.map(|status| format!("; it ended with status {status} last")).unwrap_or_default();
    tracing::warn!(
        MESSAGE_ID = message_id::CRASH_LOOP,
        OBJECT_SYSTEMD_UNIT = unit,
        WHARF_EXIT_STATUS = status,
        "{unit}: crash loop: systemd restarted it {MANY} times within {} minutes{last}",
        WITHIN.as_secs() / 60,
    );
}

/// The engine's connections are open, but it does not answer any more.
pub fn engine_hangs(unit: &str) {
    tracing::warn!(
        MESSAGE_ID = message_id::ENGINE_HANGS,
        OBJECT_SYSTEMD_UNIT = unit,
        "{unit}: the engine does not answer; the container is not touched, its health is not known",
    );
}

/// After [`engine_hangs`].
pub fn engine_answers(unit: &str) {
    tracing::info!(
        MESSAGE_ID = message_id::ENGINE_ANSWERS,
        OBJECT_SYSTEMD_UNIT = unit,
        "{unit}: the engine answers again",
    );
}

/// An action of an earlier wharfd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAction {
    pub unit: UnitName,
    pub attempt: u32,
    pub ago: Duration,
}

/// The restarts of units that were unhealthy, in this boot and not longer ago than this, oldest first; none if the journal cannot
/// be read.
pub fn past_actions(within: Duration) -> Vec<PastAction> {
    let matches = Match::default()
        .and("MESSAGE_ID", [message_id::UNHEALTHY_RESTARTED])
        .and("SYSLOG_IDENTIFIER", ["wharfd"])
        .and("_UID", ["0"])
        .and("_SYSTEMD_UNIT", ["wharfd.service"]);
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
        unit: UnitName::parse(&entry.get("OBJECT_SYSTEMD_UNIT")?).ok()?,
        attempt: entry.number("WHARF_ATTEMPT")?,
        ago: now.duration_since(at).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::UnitKind;

    #[test]
    fn an_entry_of_the_journal_is_an_action() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let entry = r#"{"__REALTIME_TIMESTAMP":"90000000","OBJECT_SYSTEMD_UNIT":"shop-web.service","WHARF_ATTEMPT":"3","_BOOT_ID":"0"}"#;
        let action =
            PastAction { unit: UnitName::new("shop-web", UnitKind::Service), attempt: 3, ago: Duration::from_secs(10) };
        assert_eq!(past_action(&Entry::of_json(entry).unwrap(), now), Some(action));
        assert_eq!(past_action(&Entry::of_json("{}").unwrap(), now), None);
    }
}
