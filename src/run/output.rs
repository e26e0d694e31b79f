//! The container's output, line by line, into the journal: each line once, whatever dies in between.
//!
//! The engine stamps each line with a time that is unique within its stream; the journal keeps the stamp with the line. So the
//! journal itself knows how far the relay has come, and a new relay goes on from there.

use std::time::UNIX_EPOCH;

use futures_util::StreamExt;

use super::message;
use crate::engine::{Engine, EngineError, LogOutput};
use crate::systemd::journal::{Journal, Priority};
use crate::systemd::journalctl;

/// The engine's time stamp of a line, as Docker's journald driver names the field.
const STAMP: &str = "SYSLOG_TIMESTAMP";
/// The field by which a relay finds the lines of its container; nothing but they has it.
pub const CONTAINER: &str = "CONTAINER_ID_FULL";

/// What all output of a container has in common in the journal.
pub fn fields<'a>(
    id: &'a str,
    name: &'a str,
    image: &'a str,
    project: &'a str,
    service: &'a str,
) -> Vec<(&'static str, &'a str)> {
    vec![
        ("SYSLOG_IDENTIFIER", name),
        ("CONTAINER_ID", message::short(id)),
        ("CONTAINER_NAME", name),
        ("IMAGE", image),
        ("WHARF_PROJECT", project),
        ("WHARF_SERVICE", service),
    ]
}

/// A line longer than this is split (the engine's own buffer is 16 KiB; it marks what belongs together).
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

    /// A new stream begins: what was read of an unfinished line comes again.
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

pub struct Relay<'a> {
    engine: &'a Engine,
    id: &'a str,
    tty: bool,
    journal: Journal,
    stdout: Line,
    stderr: Line,
}

impl<'a> Relay<'a> {
    /// A relay that goes on where the journal ends, if `resume`.
    pub fn new(engine: &'a Engine, id: &'a str, tty: bool, journal: Journal, resume: bool) -> Self {
        let last = |priority: Priority| {
            let matches = [(CONTAINER, id), ("PRIORITY", &(priority as u8).to_string())];
            resume.then(|| journalctl::last_value(STAMP, &matches)).flatten()
        };
        if resume {
            journalctl::sync();
        }
        let stdout = Line::new(Priority::Info, last(Priority::Info));
        let stderr = Line::new(Priority::Error, last(Priority::Error));
        Self { engine, id, tty, journal, stdout, stderr }
    }

    /// Relays until the engine says that there is no more, which it does when the container has ended.
    ///
    /// # Errors
    /// The engine went away, or the container is gone. Called again, it goes on after the last line.
    pub async fn follow(&mut self) -> Result<(), EngineError> {
        self.stdout.begin();
        self.stderr.begin();
        let mut items = Box::pin(self.engine.logs(self.id, self.since()));
        while let Some(item) = items.next().await {
            match item? {
                LogOutput::StdOut { message } => self.stdout.accept(&message, &mut self.journal).await,
                LogOutput::StdErr { message } => self.stderr.accept(&message, &mut self.journal).await,
                LogOutput::Console { message } if self.tty => self.stdout.accept(&message, &mut self.journal).await,
                // The torn end of a broken stream; it comes again.
                LogOutput::Console { .. } | LogOutput::StdIn { .. } => (),
            }
        }
        self.stdout.finish(&mut self.journal).await;
        self.stderr.finish(&mut self.journal).await;
        Ok(())
    }

    /// Whole seconds before the older of the two streams' last lines; what comes again is passed over by its stamp.
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
