//! Writes the container's output to the journal, line by line: each line once, even if wharf-run, the engine or both restart.
//!
//! The engine stamps each line with a time that is unique within its stream, and the journal keeps the stamp with the line. So
//! the journal is the record of what was relayed, and a new relay continues from there.

use std::time::UNIX_EPOCH;

use futures_util::StreamExt;

use crate::engine::{Engine, EngineError, LogOutput};
use crate::name::short_id;
use crate::systemd::journal::{Journal, Priority};
use crate::systemd::{journalctl, own_unit};

/// The engine's time stamp of a line, as Docker's journald driver names the field.
const STAMP: &str = "SYSLOG_TIMESTAMP";
/// The field by which a relay finds the lines of its container among those of its unit.
pub const CONTAINER: &str = "CONTAINER_ID_FULL";

/// The container that output comes from.
pub struct Origin<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub image: &'a str,
    pub project: &'a str,
    pub service: &'a str,
}

impl<'a> Origin<'a> {
    /// The journal fields that all output of the container has.
    pub fn fields(&self) -> Vec<(&'static str, &'a str)> {
        vec![
            ("SYSLOG_IDENTIFIER", self.name),
            ("CONTAINER_ID", short_id(self.id)),
            ("CONTAINER_NAME", self.name),
            ("IMAGE", self.image),
            ("WHARF_PROJECT", self.project),
            ("WHARF_SERVICE", self.service),
        ]
    }
}

/// A line longer than this is split (the engine's own buffer is 16 KiB; it marks the parts of one line).
const LONGEST_LINE: usize = 1 << 20;

/// One of the container's two streams.
struct Line {
    priority: Priority,
    /// The stamp of the last line in the journal.
    last: String,
    /// The beginning of a line whose end has not come yet.
    part: Vec<u8>,
    stamp: String,
    /// Whether the stream may still repeat what is in the journal. Only then are stamps compared: clocks may step back.
    catching_up: bool,
}

impl Line {
    fn new(priority: Priority, last: Option<String>) -> Self {
        Self { priority, last: last.unwrap_or_default(), part: Vec::new(), stamp: String::new(), catching_up: false }
    }

    async fn accept(&mut self, message: &[u8], journal: &mut Journal) {
        let Some((stamp, text)) = split_stamp(message) else { return };
        if self.catching_up && stamp <= self.last.as_str() {
            return;
        }
        self.catching_up = false;
        if self.part.is_empty() {
            stamp.clone_into(&mut self.stamp);
        }
        self.part.extend_from_slice(text);
        if self.part.ends_with(b"\n") {
            self.part.pop();
            if self.part.ends_with(b"\r") {
                self.part.pop();
            }
            self.write(journal).await;
            std::mem::swap(&mut self.last, &mut self.stamp);
        } else if self.part.len() >= LONGEST_LINE {
            self.write(journal).await;
        }
    }

    async fn write(&mut self, journal: &mut Journal) {
        journal.send(self.priority, &self.part, &[(STAMP, &self.stamp)]).await;
        self.part.clear();
        // A long line's capacity is not kept for a container's whole life.
        self.part.shrink_to(1 << 14);
    }

    /// A new stream begins: it repeats the unfinished line from its start.
    fn begin(&mut self) {
        self.part.clear();
        self.catching_up = !self.last.is_empty();
    }

    async fn finish(&mut self, journal: &mut Journal) {
        if !self.part.is_empty() {
            self.write(journal).await;
            std::mem::swap(&mut self.last, &mut self.stamp);
        }
    }
}

/// `2026-01-31T12:00:00.000000000Z text`
fn split_stamp(message: &[u8]) -> Option<(&str, &[u8])> {
    let space = message.iter().position(|byte| *byte == b' ')?;
    Some((str::from_utf8(&message[..space]).ok()?, &message[space + 1..]))
}

/// Where the output comes from.
pub struct Source<'a> {
    pub engine: &'a Engine,
    pub id: &'a str,
    pub tty: bool,
}

/// Copies both streams of a container to the journal.
pub struct Relay<'a> {
    source: Source<'a>,
    journal: Journal,
    stdout: Line,
    stderr: Line,
}

impl<'a> Relay<'a> {
    /// `resume`: continue after the last line that is in the journal.
    pub fn new(source: Source<'a>, journal: Journal, resume: bool) -> Self {
        // Everybody may write entries with the container's fields: only those of this unit tell what was relayed.
        let own = own_unit::journal_match().filter(|_| resume);
        let last = |priority: Priority| {
            let level = (priority as u8).to_string();
            let [uid, unit] = own.as_ref()?;
            let own = [uid, unit].map(|(name, value)| (*name, value.as_str()));
            journalctl::last_value(STAMP, &[own[0], own[1], (CONTAINER, source.id), ("PRIORITY", &level)])
        };
        if resume {
            journalctl::sync();
        }
        let stdout = Line::new(Priority::Info, last(Priority::Info));
        let stderr = Line::new(Priority::Error, last(Priority::Error));
        Self { source, journal, stdout, stderr }
    }

    /// Relays until the engine closes the streams, which it does when the container has ended.
    ///
    /// # Errors
    /// The engine went away, or the container is gone. Called again, it continues after the last line.
    pub async fn follow(&mut self) -> Result<(), EngineError> {
        self.stdout.begin();
        self.stderr.begin();
        let mut items = Box::pin(self.source.engine.logs(self.source.id, self.since()));
        while let Some(item) = items.next().await {
            match item? {
                LogOutput::StdOut { message } => self.stdout.accept(&message, &mut self.journal).await,
                LogOutput::StdErr { message } => self.stderr.accept(&message, &mut self.journal).await,
                LogOutput::Console { message } if self.source.tty => {
                    self.stdout.accept(&message, &mut self.journal).await
                }
                // The incomplete end of a broken stream; the next stream repeats it.
                LogOutput::Console { .. } | LogOutput::StdIn { .. } => (),
            }
        }
        self.stdout.finish(&mut self.journal).await;
        self.stderr.finish(&mut self.journal).await;
        Ok(())
    }

    /// Whole seconds, before the older of the two streams' last lines. Lines that come again are skipped by their stamp.
    fn since(&self) -> i32 {
        let older = self.stdout.last.as_str().min(self.stderr.last.as_str());
        let time = humantime::parse_rfc3339(older).ok();
        let seconds = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
        i32::try_from(seconds).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_ends_at_the_first_space() {
        let split = split_stamp(b"2026-01-31T12:00:00.000000000Z a b\n");
        assert_eq!(split, Some(("2026-01-31T12:00:00.000000000Z", &b"a b\n"[..])));
    }
}
