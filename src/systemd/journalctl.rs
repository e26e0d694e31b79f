//! Reading the journal: journalctl(1) and its JSON, systemd's "Journal JSON Format".
//!
//! In: which entries are wanted. Out: their fields, oldest first. What the caller may not read, it does not see.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use serde_json::{Map, Value};
use thiserror::Error;
use tokio::sync::mpsc::{Receiver, channel};

/// Entries that have, for each of these fields, one of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match(Vec<(&'static str, Vec<String>)>);

impl Match {
    /// Also this field has one of these values. No value at all is never met.
    #[must_use]
    pub fn and<S: Into<String>>(mut self, field: &'static str, values: impl IntoIterator<Item = S>) -> Self {
        self.0.push((field, values.into_iter().map(Into::into).collect()));
        self
    }

    fn can_be_met(&self) -> bool {
        self.0.iter().all(|(_, values)| !values.is_empty())
    }

    fn terms(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(field, values)| values.iter().map(move |value| format!("{field}={value}")))
    }
}

/// What is asked of the journal: entries that meet one of `matches`.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    pub matches: Vec<Match>,
    /// The fields that are wanted.
    pub fields: &'a [&'a str],
    /// Of this boot alone.
    pub this_boot: bool,
    /// As systemd.time(7) writes points in time.
    pub since: Option<&'a str>,
    pub until: Option<&'a str>,
    /// The newest so many, or `all`, as journalctl(1) takes it. `None`: all, or as journalctl(1) does with `--follow`.
    pub lines: Option<&'a str>,
    /// Also those that come later, until the caller has enough.
    pub follow: bool,
}

impl Query<'_> {
    fn arguments(&self) -> Vec<String> {
        let matches: Vec<&Match> = self.matches.iter().filter(|one| one.can_be_met()).collect();
        let mut arguments = vec!["--output=json".to_owned(), "--all".to_owned()];
        arguments.push(format!("--output-fields={}", self.fields.join(",")));
        arguments.extend(self.this_boot.then(|| "--boot".to_owned()));
        arguments.extend(self.since.map(|time| format!("--since={time}")));
        arguments.extend(self.until.map(|time| format!("--until={time}")));
        arguments.extend(self.lines.map(|lines| format!("--lines={lines}")));
        arguments.extend(self.follow.then(|| "--follow".to_owned()));
        for (number, one) in matches.iter().enumerate() {
            arguments.extend((number > 0).then(|| "+".to_owned()));
            arguments.extend(one.terms());
        }
        if matches.is_empty() {
            // Without any, journalctl would show everything.
            arguments.push("--lines=0".to_owned());
        }
        arguments
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// The caller may not read the system's journal: only its own messages were looked at, if any.
    pub limited: bool,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// One line of `journalctl --output=json`; `None`: it is something else.
    pub fn of_json(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok().map(Self)
    }

    /// A field's value; of several the last. What is not UTF-8 is shown as far as it goes.
    pub fn get(&self, field: &str) -> Option<String> {
        value_of(self.0.get(field)?)
    }

    pub fn number<N: std::str::FromStr>(&self, field: &str) -> Option<N> {
        self.get(field)?.parse().ok()
    }

    /// A field that is a list of words.
    pub fn words(&self, field: &str) -> Vec<String> {
        self.get(field).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }

    /// When the journal took it: microseconds since 1970.
    pub fn time(&self) -> u64 {
        self.number("__REALTIME_TIMESTAMP").unwrap_or_default()
    }
}

/// Bytes that are no text are an array of numbers; several values are an array of values.
fn value_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(values) if values.iter().all(Value::is_u64) => {
            let bytes = values.iter().filter_map(Value::as_u64).filter_map(|byte| u8::try_from(byte).ok());
            Some(String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned())
        }
        Value::Array(values) => value_of(values.last()?),
        _ => None,
    }
}

/// Why the journal could not be read.
#[derive(Debug, Error)]
pub enum JournalctlError {
    #[error("cannot run journalctl: {0}")]
    CannotRun(io::Error),
    /// In journalctl's own words.
    #[error("journalctl: {0}")]
    Failed(String),
}

/// Reads what a query asks for.
///
/// # Errors
/// journalctl is not there, or refuses, e.g. a time that it does not understand.
pub fn read(query: &Query) -> Result<Found, JournalctlError> {
    read_if(query, |_| true)
}

/// Reads of what a query asks for the entries that are wanted. The others take no memory.
///
/// # Errors
/// As [`read`].
pub fn read_if(query: &Query, is_wanted: impl Fn(&Entry) -> bool) -> Result<Found, JournalctlError> {
    let mut entries = Vec::new();
    journalctl(&query.arguments(), |line| entries.extend(Entry::of_json(line).filter(&is_wanted)))?;
    Ok(Found { entries, limited: !sees_all() })
}

/// Waits until journald has stored all that was sent to it so far.
pub fn sync() {
    // A journal that cannot be synced is read as it is.
    let _as_it_is = Command::new("journalctl").arg("--sync").output();
}

/// The value of `field` in the newest entry that has all of `matches`; `None` also if the journal cannot be read.
pub fn last_value(field: &str, matches: &[(&str, &str)]) -> Option<String> {
    let mut arguments = ["--quiet", "--lines=1", "--output=json"].map(str::to_owned).to_vec();
    arguments.push(format!("--output-fields={field}"));
    arguments.extend(matches.iter().map(|(name, value)| format!("{name}={value}")));
    let mut value = None;
    journalctl(&arguments, |line| value = value.take().or_else(|| Entry::of_json(line)?.get(field))).ok()?;
    value
}

/// Entries as journalctl finds them. Dropped, it ends journalctl.
pub struct Stream {
    child: Child,
    entries: Receiver<Entry>,
    errors: Option<Errors>,
}

/// So many entries wait for the caller at most; then journalctl waits.
const MOST_WAITING: usize = 256;

/// Begins to read what a query asks for.
///
/// # Errors
/// journalctl is not there.
pub fn stream(query: &Query) -> Result<Stream, JournalctlError> {
    let (mut child, errors, output) = spawn(&query.arguments()).map_err(JournalctlError::CannotRun)?;
    let (sender, entries) = channel(MOST_WAITING);
    let reader = std::thread::Builder::new().name("journalctl".to_owned());
    let reader = reader.spawn(move || {
        let mut takes = true;
        // Whoever does not want more has ended journalctl.
        let _ended = for_each_line(output, |line| {
            takes = takes && Entry::of_json(line).is_none_or(|entry| sender.blocking_send(entry).is_ok());
        });
    });
    if let Err(error) = reader {
        let _gone = child.kill();
        return Err(JournalctlError::CannotRun(error));
    }
    Ok(Stream { child, entries, errors: Some(errors) })
}

impl Stream {
    /// The next entry; `None`: there are no more.
    ///
    /// # Errors
    /// journalctl refuses, e.g. a time that it does not understand.
    pub async fn next(&mut self) -> Result<Option<Entry>, JournalctlError> {
        match self.entries.recv().await {
            Some(entry) => Ok(Some(entry)),
            None => self.finish().map(|()| None),
        }
    }

    /// The entries that are there already.
    pub fn try_next(&mut self) -> Option<Entry> {
        self.entries.try_recv().ok()
    }

    fn finish(&mut self) -> Result<(), JournalctlError> {
        let said = self.errors.take().map(text_of).transpose().map_err(JournalctlError::CannotRun)?.unwrap_or_default();
        judge(self.child.wait().map_err(JournalctlError::CannotRun)?, &said)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// Runs journalctl, and takes each line that it prints as it comes.
fn journalctl(arguments: &[String], take: impl FnMut(&str)) -> Result<(), JournalctlError> {
    let run = || {
        let (mut child, errors, output) = spawn(arguments)?;
        for_each_line(output, take)?;
        Ok((text_of(errors)?, child.wait()?))
    };
    let (said, status) = run().map_err(JournalctlError::CannotRun)?;
    judge(status, &said)
}

type Errors = JoinHandle<io::Result<String>>;

/// journalctl, what it prints on standard error, and its standard output.
fn spawn(arguments: &[String]) -> io::Result<(Child, Errors, ChildStdout)> {
    let mut command = Command::new("journalctl");
    command.arg("--no-pager").args(arguments).env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut errors = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
    // Beside standard output: a full pipe of errors would keep that back.
    let errors = std::thread::spawn(move || {
        let mut said = Vec::new();
        errors.read_to_end(&mut said).map(|_| String::from_utf8_lossy(&said).into_owned())
    });
    Ok((child, errors, output))
}

fn text_of(errors: Errors) -> io::Result<String> {
    errors.join().unwrap_or_else(|_| Ok(String::new()))
}

fn for_each_line(output: ChildStdout, mut take: impl FnMut(&str)) -> io::Result<()> {
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        take(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

/// Nothing that the caller may read is nothing found.
fn judge(status: ExitStatus, said: &str) -> Result<(), JournalctlError> {
    if status.success() || said.contains("insufficient permissions") {
        return Ok(());
    }
    let last = said.lines().rfind(|line| !line.is_empty()).unwrap_or("failed, and did not say why");
    Err(JournalctlError::Failed(last.to_owned()))
}

/// Whether the caller may read the system's journal (journalctl says so, but not with `--output=json`): its file is
/// /var/log/journal/MACHINE-ID/system.journal, or below /run, see systemd-journald.service(8).
pub fn sees_all() -> bool {
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let denied = |directory: &str| {
        let file = Path::new(directory).join(machine.trim()).join("system.journal");
        File::open(file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    !["/var/log/journal", "/run/log/journal"].into_iter().any(denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_text_bytes_or_one_of_several() {
        let entry = Entry::of_json(r#"{"A":"x y","B":[104,195,188,255],"C":["one","two"],"D":null,"E":["a",[98]]}"#);
        let entry = entry.expect("an entry");
        assert_eq!(entry.words("A"), ["x", "y"]);
        assert_eq!(entry.get("B").as_deref(), Some("hü\u{fffd}"));
        assert_eq!(entry.get("C").as_deref(), Some("two"));
        assert_eq!(entry.get("D"), None);
        assert_eq!(entry.get("E").as_deref(), Some("b"));
        assert_eq!(Entry::of_json("-- Boot --"), None);
    }

    #[test]
    fn a_match_without_a_value_is_never_met() {
        let none: [&str; 0] = [];
        assert!(Match::default().and("A", ["1"]).can_be_met());
        assert!(!Match::default().and("A", ["1"]).and("B", none).can_be_met());
    }
}
