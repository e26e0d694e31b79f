//! Writes the container's output to the journal, line by line: each line once, even if wharf-run, the engine or both restart.
//!
//! The engine stamps each line with a time that is unique within its stream, and the journal keeps the stamp with the line. So
//! the journal is the record of what was relayed, and a new relay continues from there.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::message;
use super::throttle::Throttle;
use crate::engine::{Engine, EngineError, LogRequest};
use crate::name::short_id;
use crate::spec::OutputPart;
use crate::systemd::journal::{Cut, Journal, Priority};
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

/// When nothing has come for so long, everything has.
const QUIET: Duration = Duration::from_secs(1);

/// The field that says which of the container's streams a line is of.
pub const STREAM: &str = "WHARF_STREAM";

/// One of the container's two streams.
struct Line {
    stream: &'static str,
    priority: Priority,
    /// Whether a line may begin with its own.
    has_prefix: bool,
    /// What earlier versions, which did not write the stream, wrote of this one.
    former_level: &'static str,
    /// The stamp of the last line in the journal.
    last: String,
    /// The beginning of a line whose end has not come yet.
    part: Vec<u8>,
    stamp: String,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// Where a stream that was begun again is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the last line in the journal, unless the engine has forgotten that.
    Repeating,
    /// The same; the engine has not forgotten it.
    Approaching,
    /// At it.
    Met,
    /// After it.
    New,
}

impl Line {
    fn new(stream: Stream, output: &OutputPart) -> Self {
        let (stream, level, former_level) = match stream {
            Stream::Stdout => ("stdout", output.stdout_level, "6"),
            Stream::Stderr => ("stderr", output.stderr_level, "3"),
        };
        let (priority, has_prefix) = (Priority::of(level), output.level_prefix);
        Self {
            stream,
            priority,
            has_prefix,
            former_level,
            last: String::new(),
            part: Vec::new(),
            stamp: String::new(),
            place: Place::New,
        }
    }

    /// Whether the line with this stamp is not in the journal yet. `None`: the last line in the journal may be forgotten by the
    /// engine, or may come after this one, because the clock was set back between the two.
    fn is_new(&mut self, stamp: &str) -> Option<bool> {
        self.place = match self.place {
            Place::New => Place::New,
            _ if stamp == self.last => Place::Met,
            Place::Met => Place::New,
            Place::Repeating if stamp > self.last.as_str() => return None,
            before => before,
        };
        Some(self.place == Place::New)
    }

    fn accept(&mut self, stamp: &str, text: &[u8], journal: &mut Journal) {
        if self.part.is_empty() {
            stamp.clone_into(&mut self.stamp);
            if let Some(line) = text.strip_suffix(b"\n") {
                return self.write(line, journal);
            }
        }
        self.part.extend_from_slice(text);
        if self.part.ends_with(b"\n") || self.part.len() >= LONGEST_LINE {
            let line = std::mem::take(&mut self.part);
            self.write(line.strip_suffix(b"\n").unwrap_or(&line), journal);
        }
    }

    fn write(&mut self, line: &[u8], journal: &mut Journal) {
        // What is left of a line break as terminals and other systems write it.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let own = self.has_prefix.then(|| Priority::of_line(line)).flatten();
        let (priority, line) = own.unwrap_or((self.priority, line));
        journal.add(priority, line, &[(STREAM, self.stream), (STAMP, &self.stamp)]);
        self.last.clone_from(&self.stamp);
    }

    /// A new stream begins: it repeats the unfinished line from its start.
    fn begin(&mut self) {
        self.part.clear();
        self.place = if self.last.is_empty() { Place::New } else { Place::Repeating };
    }

    fn finish(&mut self, journal: &mut Journal) {
        if !self.part.is_empty() {
            let line = std::mem::take(&mut self.part);
            self.write(&line, journal);
        }
    }
}

/// Where the output comes from.
pub struct Source<'a> {
    pub engine: &'a Engine,
    pub id: &'a str,
    pub tty: bool,
    pub levels: &'a OutputPart,
}

/// Copies both streams of a container to the journal.
pub struct Relay<'a> {
    source: Source<'a>,
    throttle: &'a Throttle,
    progress: &'a Progress,
    journal: Journal,
    stdout: Line,
    stderr: Line,
}

/// Why a stream of output ended before the container.
#[derive(Debug)]
enum Broken {
    Engine(EngineError),
    /// Entries may be lost that journald had not read.
    Journal,
}

impl From<EngineError> for Broken {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Cut> for Broken {
    fn from(_: Cut) -> Self {
        Self::Journal
    }
}

/// How far a relay is, for who waits for its end.
#[derive(Debug, Default)]
pub struct Progress {
    received: Cell<u64>,
    waits_for_journal: Cell<bool>,
}

impl Progress {
    /// Returns when the engine has sent nothing for so long. While the journal takes nothing, time does not count.
    pub async fn none_for(&self, pause: Duration) {
        loop {
            let before = self.received.get();
            tokio::time::sleep(pause).await;
            if !self.waits_for_journal.get() && self.received.get() == before {
                return;
            }
        }
    }

    /// Returns, after a pause of this length at least, when the engine has sent something during one.
    pub async fn some_within(&self, pause: Duration) {
        loop {
            let before = self.received.get();
            tokio::time::sleep(pause).await;
            if self.received.get() != before {
                return;
            }
        }
    }
}

impl<'a> Relay<'a> {
    /// `resume`: continue after the last line that is in the journal.
    pub fn new(
        source: Source<'a>,
        journal: Journal,
        throttle: &'a Throttle,
        progress: &'a Progress,
        resume: bool,
    ) -> Self {
        let stream = |stream| Line::new(stream, source.levels);
        let (stdout, stderr) = (stream(Stream::Stdout), stream(Stream::Stderr));
        let mut relay = Self { source, throttle, progress, journal, stdout, stderr };
        if resume {
            relay.resume();
        }
        relay
    }

    /// Takes the place in the log from the journal. What is not in it (any more) stays as it is known.
    fn resume(&mut self) {
        journalctl::sync();
        // Everybody may write entries with the container's fields: only those of this unit tell what was relayed.
        let Some([uid, unit]) = own_unit::journal_match() else { return };
        let own = [&uid, &unit].map(|(name, value)| (*name, value.as_str()));
        // With other levels, what an earlier version wrote cannot be told from the other stream.
        let is_default = *self.source.levels == OutputPart::default();
        for line in [&mut self.stdout, &mut self.stderr] {
            let last =
                |of_stream| journalctl::last_value(STAMP, &[own[0], own[1], (CONTAINER, self.source.id), of_stream]);
            let former = || last(("PRIORITY", line.former_level)).filter(|_| is_default);
            if let Some(last) = last((STREAM, line.stream)).or_else(former) {
                line.last = last;
            }
        }
    }

    /// Relays until the engine closes the streams, which it does when the container has ended.
    ///
    /// # Errors
    /// The engine went away, or the container is gone. Called again, it continues after the last line.
    pub async fn follow(&mut self) -> Result<(), EngineError> {
        loop {
            match self.follow_stream().await {
                Ok(()) => return Ok(()),
                Err(Broken::Engine(error)) => return Err(error),
                Err(Broken::Journal) => self.resume(),
            }
        }
    }

    async fn follow_stream(&mut self) -> Result<(), Broken> {
        self.throttle.renew(self.source.engine, self.source.id).await;
        self.stdout.begin();
        self.stderr.begin();
        let newest = self.stdout.last.as_str().max(self.stderr.last.as_str()).to_owned();
        // Whether nothing is missing between what the journal has and what the engine still has.
        let mut is_whole = newest.is_empty();
        let request = LogRequest { id: self.source.id, since: &self.since(), tty: self.source.tty };
        let mut logs = self.source.engine.follow_logs(&request).await?;
        let mut is_open = true;
        while is_open {
            is_open = tokio::select! {
                more = logs.more() => more?,
                () = tokio::time::sleep(QUIET), if self.throttle.is_uncertain() => {
                    self.throttle.all_relayed();
                    continue;
                }
            };
            self.progress.received.set(self.progress.received.get() + 1);
            let mut relayed = 0;
            while let Some(printed) = logs.take() {
                let line = if printed.is_stderr { &mut self.stderr } else { &mut self.stdout };
                is_whole |= printed.stamp == newest;
                let is_new = match line.is_new(printed.stamp) {
                    Some(is_new) => is_new,
                    None => {
                        let still_comes = self.source.engine.has_line(&request, printed.is_stderr, &line.last).await?;
                        line.place = if still_comes { Place::Approaching } else { Place::New };
                        !still_comes
                    }
                };
                if !is_new {
                    continue;
                }
                if !is_whole && printed.stamp > newest.as_str() {
                    message::warning(&format!(
                        "lines of output between {newest} and {} are lost: the engine has forgotten them",
                        printed.stamp
                    ));
                    is_whole = true;
                }
                line.accept(printed.stamp, printed.text, &mut self.journal);
                relayed += if self.throttle.is_counted(printed.stamp) { printed.text.len() } else { 0 };
                if self.journal.is_full() {
                    self.send(std::mem::take(&mut relayed)).await?;
                }
            }
            if !is_open {
                self.stdout.finish(&mut self.journal);
                self.stderr.finish(&mut self.journal);
            }
            self.send(relayed).await?;
        }
        Ok(())
    }

    /// Sends what waits for the journal, which is so many bytes of output.
    async fn send(&mut self, bytes: usize) -> Result<(), Cut> {
        self.progress.waits_for_journal.set(true);
        let sent = self.journal.send().await;
        self.progress.waits_for_journal.set(false);
        self.throttle.relayed(bytes);
        sent
    }

    /// The older of the two streams' last lines, in seconds of the epoch. Lines that come again are skipped by their stamp.
    fn since(&self) -> String {
        let older = self.stdout.last.as_str().min(self.stderr.last.as_str());
        let time = humantime::parse_rfc3339(older).unwrap_or(UNIX_EPOCH);
        // The clock was set back: the engine would take new lines for older ones.
        let time = if time > SystemTime::now() { UNIX_EPOCH } else { time };
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{}.{:09}", since.as_secs(), since.subsec_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_later_stamp_is_not_taken_for_a_new_one_while_the_last_line_still_comes() {
        let mut line = Line::new(Stream::Stdout, &OutputPart::default());
        assert_eq!(line.is_new("1"), Some(true), "nothing was relayed before");

        line.last = "2".to_owned();
        line.begin();
        assert_eq!(line.is_new("1"), Some(false));
        assert_eq!(line.is_new("3"), None, "forgotten, or the clock was set back");
        line.place = Place::Approaching;
        let seen: Vec<Option<bool>> = ["3", "2", "2", "1", "4"].iter().map(|stamp| line.is_new(stamp)).collect();
        assert_eq!(seen, [Some(false), Some(false), Some(false), Some(true), Some(true)]);
    }
}
