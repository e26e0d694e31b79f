//! What wharfd did and why, as entries of the journal: sd_journal_send(3), systemd.journal-fields(7).
//!
//! Each kind of entry has a MESSAGE_ID, which the journal catalog explains (`journalctl --catalog`), and names the unit, so that
//! `journalctl -u` shows it among the unit's own messages.

use super::policy::{Act, Decision};
use crate::systemd::JobResult;
use crate::systemd::journal::{Journal, Priority};

/// A unit is restarted because its container is unhealthy.
pub const RESTARTED: &str = "44ca5e3cc79445d584a44252403a79ad";
/// A unit is stopped because its container is unhealthy.
pub const STOPPED: &str = "569b18ed4c3842138fb41726c9b3b874";
/// What the healthcheck of an unhealthy container said last.
pub const PROBED: &str = "ff3977e1c7964ed2ab2f72ccadacd8dd";
/// systemd could not do either.
pub const FAILED: &str = "1969dbd8bfe14d21ab9ff1830ee023b8";

/// Says that a job is about to be asked of systemd.
pub async fn begins(decision: &Decision) {
    let Decision { unit, act, attempt } = decision;
    let again = if *attempt > 1 { format!(" for the {attempt}. time in a row") } else { String::new() };
    let (id, what, word) = match act {
        Act::Restart => (RESTARTED, "restarting", "restart"),
        Act::Stop => (STOPPED, "stopping", "stop"),
    };
    let message = format!("{unit}: the container is unhealthy: {what} the unit{again}");
    let fields = [("WHARF_ACT", word), ("WHARF_REASON", "unhealthy"), ("WHARF_ATTEMPT", &attempt.to_string())];
    send(Priority::Notice, id, unit, &message, &fields).await;
}

/// Says what the healthcheck said last, if it said anything.
pub async fn probed(unit: &str, output: &str) {
    let output = output.trim();
    if !output.is_empty() {
        let message = format!("{unit}: the healthcheck said: {output}");
        send(Priority::Notice, PROBED, unit, &message, &[("WHARF_REASON", "unhealthy")]).await;
    }
}

/// Says why nothing came of it.
pub async fn failed(unit: &str, act: Act, why: &str) {
    let (what, word) = match act {
        Act::Restart => ("restart", "restart"),
        Act::Stop => ("stop", "stop"),
    };
    let message = format!("{unit}: cannot {what} the unit: {why}");
    send(Priority::Error, FAILED, unit, &message, &[("WHARF_ACT", word), ("WHARF_REASON", "unhealthy")]).await;
}

/// A job's end, if it is one to speak of.
pub async fn ended(unit: &str, act: Act, result: &JobResult) {
    if !result.is_success() {
        failed(unit, act, &format!("the job {result}")).await;
    }
}

async fn send(priority: Priority, id: &str, unit: &str, message: &str, more: &[(&str, &str)]) {
    let common = [("MESSAGE_ID", id), ("SYSLOG_IDENTIFIER", "wharfd"), ("OBJECT_SYSTEMD_UNIT", unit)];
    match Journal::new(&common) {
        Ok(mut journal) => journal.send(priority, message.as_bytes(), more).await,
        // No socket is left: the standard error is in the journal, too.
        Err(_) => eprintln!("<{}>{message}", priority as u8),
    }
}
