//! What the containers of some units printed last, from the journal.
//!
//! In: the units, and since when each was started. Out: one printable line each. Invariant: one run of journalctl for all of them, and
//! none for a caller who may not read the system's journal.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::printable::one_line;
use crate::systemd::journalctl::{self, Entry, Match, Query};

/// So many of the newest lines are looked at for each unit, of all units together; and at most so many.
const LINES_OF_EACH: usize = 50;
const MOST_LINES: usize = 500;

/// Characters of a line that are shown.
const LONGEST: usize = 160;

const FIELDS: [&str; 3] = ["MESSAGE", STREAM, UNIT];
/// Which of the container's streams a line is of, see the manual's page on output.
const STREAM: &str = "WHARF_STREAM";
/// Not the invocation: journald keeps the first one of a unit that systemd restarts by itself (`RestartMode=direct`).
const UNIT: &str = "_SYSTEMD_UNIT";

/// The last line of each unit's container on standard error, or else on standard output, since it was started. Those that printed
/// nothing are left out.
pub fn last_outputs(since: &BTreeMap<String, SystemTime>) -> BTreeMap<String, String> {
    if since.is_empty() || !journalctl::sees_all() {
        return BTreeMap::new();
    }
    let of_containers = Match::default().and(UNIT, since.keys()).and(STREAM, ["stderr", "stdout"]);
    let lines = (since.len() * LINES_OF_EACH).min(MOST_LINES).to_string();
    let query = Query { matches: vec![of_containers], fields: &FIELDS, lines: Some(&lines), ..Query::default() };
    let newest = RefCell::new(Newest::default());
    // Each is looked at and forgotten: a line may be long.
    let read = journalctl::read_if(&query, |entry| {
        newest.borrow_mut().add(entry, since);
        false
    });
    // A journal that cannot be read has no lines.
    let _nothing_kept = read;
    newest.into_inner().0.into_iter().map(|(unit, (_, line))| (unit, line)).collect()
}

/// By unit: the last line so far, and whether it is of standard error.
#[derive(Default)]
struct Newest(BTreeMap<String, (bool, String)>);

impl Newest {
    fn add(&mut self, entry: &Entry, since: &BTreeMap<String, SystemTime>) {
        let Some(unit) = entry.get(UNIT) else { return };
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(entry.time());
        if since.get(&unit).is_none_or(|since| time < *since) {
            return;
        }
        let line = one_line(&entry.get("MESSAGE").unwrap_or_default(), LONGEST);
        let is_error = entry.get(STREAM).is_some_and(|stream| stream == "stderr");
        let known_is_error = self.0.get(&unit).is_some_and(|(is_error, _)| *is_error);
        if !line.is_empty() && (is_error || !known_is_error) {
            self.0.insert(unit, (is_error, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_on_standard_error_is_before_the_last_one_on_standard_output() {
        let mut newest = Newest::default();
        let since =
            BTreeMap::from(["a", "b"].map(|unit| (unit.to_owned(), SystemTime::UNIX_EPOCH + Duration::from_secs(9))));
        let entries = [
            (8, "a", "stderr", "of an earlier start"),
            (9, "a", "stdout", "hello"),
            (9, "b", "stderr", "no\u{1b}[31m table\n"),
            (9, "b", "stderr", "  "),
            (10, "a", "stdout", "bye"),
            (10, "b", "stdout", "bye"),
            (10, "c", "stdout", "of another unit"),
        ];
        for (second, unit, stream, message) in entries {
            let time = (second * 1_000_000).to_string();
            let json =
                serde_json::json!({"MESSAGE": message, STREAM: stream, UNIT: unit, "__REALTIME_TIMESTAMP": time});
            newest.add(&Entry::of_json(&json.to_string()).unwrap(), &since);
        }
        newest.add(&Entry::of_json(r#"{"MESSAGE":"of nobody"}"#).unwrap(), &since);
        let lines: Vec<(&str, &str)> =
            newest.0.iter().map(|(unit, (_, line))| (unit.as_str(), line.as_str())).collect();
        assert_eq!(lines, [("a", "bye"), ("b", "no [31m table")]);
    }
}
