//! What the containers of failed units printed last, from the journal.
//!
//! In: the last invocation of each unit (systemd.exec(5), `$INVOCATION_ID`). Out: one printable line each. Invariant: one run of
//! journalctl for all of them, and none for a caller who may not read the system's journal.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::printable::one_line;
use crate::systemd::journalctl::{self, Entry, Match, Query};

/// So many of the newest lines are looked at for each unit, of all units together; and at most so many.
const LINES_OF_EACH: usize = 50;
const MOST_LINES: usize = 500;

/// Characters of a line that are shown.
const LONGEST: usize = 160;

const FIELDS: [&str; 3] = ["MESSAGE", STREAM, INVOCATION];
/// Which of the container's streams a line is of, see the manual's page on output.
const STREAM: &str = "WHARF_STREAM";
const INVOCATION: &str = "_SYSTEMD_INVOCATION_ID";

/// The last line of each invocation's container on standard error, or else on standard output. Those that printed nothing are left out.
pub fn last_outputs(invocations: &[String]) -> BTreeMap<String, String> {
    if invocations.is_empty() || !journalctl::sees_all() {
        return BTreeMap::new();
    }
    let of_containers = Match::default().and(INVOCATION, invocations).and(STREAM, ["stderr", "stdout"]);
    let lines = (invocations.len() * LINES_OF_EACH).min(MOST_LINES).to_string();
    let query = Query { matches: vec![of_containers], fields: &FIELDS, lines: Some(&lines), ..Query::default() };
    let newest = RefCell::new(Newest::default());
    // Each is looked at and forgotten: a line may be long.
    let read = journalctl::read_if(&query, |entry| {
        newest.borrow_mut().add(entry);
        false
    });
    // A journal that cannot be read has no lines.
    let _nothing_kept = read;
    newest.into_inner().0.into_iter().map(|(invocation, (_, line))| (invocation, line)).collect()
}

/// By invocation: the last line so far, and whether it is of standard error.
#[derive(Default)]
struct Newest(BTreeMap<String, (bool, String)>);

impl Newest {
    fn add(&mut self, entry: &Entry) {
        let Some(invocation) = entry.get(INVOCATION) else { return };
        let line = one_line(&entry.get("MESSAGE").unwrap_or_default(), LONGEST);
        let is_error = entry.get(STREAM).is_some_and(|stream| stream == "stderr");
        let known_is_error = self.0.get(&invocation).is_some_and(|(is_error, _)| *is_error);
        if !line.is_empty() && (is_error || !known_is_error) {
            self.0.insert(invocation, (is_error, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_on_standard_error_is_before_the_last_one_on_standard_output() {
        let mut newest = Newest::default();
        let entries = [
            ("a", "stdout", "hello"),
            ("b", "stderr", "no\u{1b}[31m table\n"),
            ("b", "stderr", "  "),
            ("a", "stdout", "bye"),
        ];
        for (invocation, stream, message) in entries.iter().chain([&("b", "stdout", "bye")]) {
            let json = serde_json::json!({"MESSAGE": message, STREAM: stream, INVOCATION: invocation});
            newest.add(&Entry::of_json(&json.to_string()).unwrap());
        }
        newest.add(&Entry::of_json(r#"{"MESSAGE":"of nobody"}"#).unwrap());
        let lines: Vec<(&str, &str)> =
            newest.0.iter().map(|(invocation, (_, line))| (invocation.as_str(), line.as_str())).collect();
        assert_eq!(lines, [("a", "bye"), ("b", "no [31m table")]);
    }
}
