//! Reads one entry of the journal.
//!
//! In: an entry. Out: a fact about a unit ([`UnitEntry`]), or what a command of Wharf did ([`CommandEntry`]).

use std::time::{Duration, SystemTime};

use super::event::{Actor, Event, Kind, Reason};
use crate::mark::is_spec;
use crate::message_id as id;
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::systemd::Verb;
use crate::systemd::journalctl::Entry;

/// All fields that are read.
pub const FIELDS: [&str; 34] = [
    "MESSAGE",
    "MESSAGE_ID",
    "SYSLOG_IDENTIFIER",
    "UNIT",
    "OBJECT_SYSTEMD_UNIT",
    "JOB_TYPE",
    "JOB_RESULT",
    "UNIT_RESULT",
    "EXIT_CODE",
    "EXIT_STATUS",
    "WHARF_ACT",
    "WHARF_REASON",
    "WHARF_CALLER_UID",
    "WHARF_CALLER_PID",
    "WHARF_CALLER_COMM",
    "WHARF_CALLER_UNIT",
    "WHARF_PROJECT",
    "WHARF_SOURCE",
    "WHARF_BEGAN",
    "WHARF_SUDO_USER",
    "WHARF_WRITTEN",
    "WHARF_REMOVED",
    "WHARF_ENABLED",
    "WHARF_STARTED",
    "WHARF_RESTARTED",
    "WHARF_STOPPED",
    "WHARF_FAILED",
    "_BOOT_ID",
    "_UID",
    "_PID",
    "_COMM",
    "_AUDIT_LOGINUID",
    "_SYSTEMD_OWNER_UID",
    "_SYSTEMD_UNIT",
];

/// One thing that happened to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// wharfd is about to act.
    Acting {
        verb: Verb,
        reason: Reason,
        by: Actor,
    },
    /// What the healthcheck printed.
    ProbeOutput(String),
    /// Why wharf-run gave up; or, for a main process that systemd could not execute, why it could not.
    Unable(String),
    /// What wharfd did had no effect, or it could not do it.
    ActionFailed {
        message: String,
        reason: Reason,
        by: Actor,
    },
    Starting,
    Started,
    Stopping,
    /// `restart`: to be started again.
    Stopped {
        restart: bool,
    },
    Reloaded,
    /// A job to start the unit failed, e.g. by a `dependency`.
    JobFailed {
        result: String,
    },
    Exited(ProcessEnd),
    /// The unit has failed; `Result` of org.freedesktop.systemd1(5).
    Failed {
        result: String,
    },
    /// The unit has ended with success.
    Succeeded,
    /// systemd restarts the unit by itself.
    Scheduled,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessEnd {
    Status(i32),
    Signal(i32),
}

/// What happened to which unit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitEntry {
    pub time: SystemTime,
    pub boot: String,
    pub unit: UnitName,
    pub fact: Fact,
}

impl UnitEntry {
    pub fn read(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Option<Self> {
        let unit = unit_of(entry)?;
        let fact = match entry.get("MESSAGE_ID") {
            Some(message_id) => fact(&message_id, &unit, entry, user_name)?,
            None => Fact::Unable(entry.get("MESSAGE")?),
        };
        Some(Self { time: time_of(entry.time()), boot: entry.get("_BOOT_ID").unwrap_or_default(), unit, fact })
    }
}

/// What the journal calls the messages of wharf-run.
pub const OF_WHARF_RUN: &str = "wharf-run";

/// The unit that an entry of systemd, wharfd or wharf-run is about.
pub fn unit_of(entry: &Entry) -> Option<UnitName> {
    let Some(message_id) = entry.get("MESSAGE_ID") else {
        let own = UnitName::parse(&entry.get("_SYSTEMD_UNIT").filter(|_| is_of_wharf_run(entry))?).ok()?;
        return own.cleaned_up().or(Some(own));
    };
    let field = if id::OF_WHARFD.contains(&message_id.as_str()) { "OBJECT_SYSTEMD_UNIT" } else { "UNIT" };
    UnitName::parse(&entry.get(field)?).ok()
}

fn is_of_wharf_run(entry: &Entry) -> bool {
    entry.get("SYSLOG_IDENTIFIER").is_some_and(|identifier| identifier == OF_WHARF_RUN)
}

fn fact(message_id: &str, unit: &str, entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Option<Fact> {
    let word = |field: &str| entry.get(field).unwrap_or_default();
    Some(match message_id {
        id::UNHEALTHY_RESTARTED | id::UNHEALTHY_STOPPED | id::DEPENDENCY_RESTARTED | id::REQUESTED => Fact::Acting {
            verb: Verb::parse(&word("WHARF_ACT"))?,
            reason: reason(entry),
            by: requester(entry, user_name),
        },
        id::PROBED => Fact::ProbeOutput(without_start(&word("MESSAGE"), &format!("{unit}{}", id::PROBE_OUTPUT))),
        id::NOT_HELPED => {
            let message = without_start(&word("MESSAGE"), &format!("{unit}: "));
            Fact::ActionFailed { message, reason: reason(entry), by: requester(entry, user_name) }
        }
        id::UNIT_STARTING => Fact::Starting,
        id::UNIT_STARTED => Fact::Started,
        id::UNIT_STOPPING => Fact::Stopping,
        id::UNIT_STOPPED => Fact::Stopped { restart: word("JOB_TYPE") == "restart" },
        id::UNIT_RELOADED if word("JOB_RESULT") == "done" => Fact::Reloaded,
        id::UNIT_FAILED => Fact::JobFailed { result: word("JOB_RESULT") },
        id::UNIT_PROCESS_EXIT => Fact::Exited(process_end(entry)?),
        id::UNIT_FAILURE_RESULT => Fact::Failed { result: word("UNIT_RESULT") },
        id::UNIT_SUCCESS => Fact::Succeeded,
        id::UNIT_RESTART_SCHEDULED => Fact::Scheduled,
        _ => return None,
    })
}

fn reason(entry: &Entry) -> Reason {
    match entry.get("WHARF_REASON").as_deref() {
        Some("requested") => Reason::Requested,
        Some("dependency") => Reason::Dependency,
        None | Some("unhealthy") => Reason::Unhealthy,
        Some(other) => Reason::Other(other.to_owned()),
    }
}

fn process_end(entry: &Entry) -> Option<ProcessEnd> {
    let status = entry.number("EXIT_STATUS")?;
    Some(if entry.get("EXIT_CODE")? == "exited" { ProcessEnd::Status(status) } else { ProcessEnd::Signal(status) })
}

fn without_start(message: &str, start: &str) -> String {
    message.strip_prefix(start).unwrap_or(message).trim().to_owned()
}

/// Who asked wharfd, if wharfd says so; else wharfd itself.
fn requester(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Actor {
    let Some(uid) = entry.number("WHARF_CALLER_UID") else { return writer(entry, user_name) };
    Actor {
        uid: Some(uid),
        pid: entry.number("WHARF_CALLER_PID"),
        comm: entry.get("WHARF_CALLER_COMM").filter(|comm| !comm.is_empty()),
        unit: entry.get("WHARF_CALLER_UNIT").filter(|unit| !unit.is_empty()),
        user: user_name(uid),
    }
}

/// Who wrote an entry: systemd.journal-fields(7), "Trusted Journal Fields". The user that wharf itself read from sudo(8)
/// counts only if the journal does not know who had logged in.
fn writer(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Actor {
    let uid = entry.number("_UID");
    let name = |uid: Option<u32>| uid.and_then(user_name);
    let logged_in = name(entry.number("_AUDIT_LOGINUID")).or_else(|| name(entry.number("_SYSTEMD_OWNER_UID")));
    Actor {
        uid,
        pid: entry.number("_PID"),
        comm: entry.get("_COMM"),
        unit: entry.get("_SYSTEMD_UNIT"),
        user: logged_in.or_else(|| entry.get("WHARF_SUDO_USER")).or_else(|| name(uid)),
    }
}

/// What a command of Wharf did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEntry {
    time: SystemTime,
    /// When the command began to act on units.
    began: SystemTime,
    operation: Operation,
    project: ProjectName,
    source: Option<String>,
    by: Actor,
    written: Vec<String>,
    removed: Vec<String>,
    enabled: Vec<String>,
    /// Without the project's name.
    message: String,
    /// Units that the command started, restarted or stopped, or could not.
    touched: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Generated,
    Applied,
    Removed,
    Updated,
    RolledBack,
}

impl CommandEntry {
    pub fn read(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Option<Self> {
        let operation = match entry.get("MESSAGE_ID")?.as_str() {
            id::GENERATED => Operation::Generated,
            id::APPLIED => Operation::Applied,
            id::REMOVED => Operation::Removed,
            id::UPDATED => Operation::Updated,
            id::ROLLED_BACK => Operation::RolledBack,
            _ => return None,
        };
        let project = ProjectName::parse(&entry.get("WHARF_PROJECT")?).ok()?;
        let message = entry.get("MESSAGE").unwrap_or_default();
        let touched = ["WHARF_STARTED", "WHARF_RESTARTED", "WHARF_STOPPED", "WHARF_FAILED"];
        Some(Self {
            time: time_of(entry.time()),
            began: time_of(entry.number("WHARF_BEGAN").unwrap_or_else(|| entry.time())),
            operation,
            message: without_start(&message, &format!("{project}: ")),
            project,
            source: entry.get("WHARF_SOURCE"),
            by: writer(entry, user_name),
            written: entry.words("WHARF_WRITTEN"),
            removed: entry.words("WHARF_REMOVED"),
            enabled: entry.words("WHARF_ENABLED"),
            touched: touched.iter().flat_map(|field| entry.words(field)).collect(),
        })
    }

    /// Adds this command as the one who asked for an event that systemd carried out meanwhile.
    pub fn explain(&self, event: &mut Event) {
        let is_ours = self.operation != Operation::Generated
            && event.unit.as_ref().is_some_and(|unit| self.touched.iter().any(|touched| *unit == touched.as_str()));
        let by_systemd = matches!(event.reason, Some(Reason::Crashed | Reason::Unavailable | Reason::Ended));
        let in_time = (self.began..=self.time).contains(&event.time);
        if !is_ours || by_systemd || event.by.is_some() || !in_time {
            return;
        }
        event.by = Some(self.by.clone());
        let reason = match (self.operation, event.event) {
            (Operation::Removed, _) => Reason::Removed,
            (Operation::Updated | Operation::RolledBack, _) => Reason::Updated,
            (_, Kind::Restarted | Kind::Stopped) => Reason::Changed,
            _ => Reason::Requested,
        };
        event.reason.get_or_insert(reason);
    }

    /// The event of the command itself; what it did to units are events of those.
    pub fn into_event(self) -> Option<Event> {
        let event = match self.operation {
            Operation::Generated => Kind::Generated,
            Operation::Removed => Kind::Removed,
            Operation::Updated => Kind::Updated,
            Operation::RolledBack => Kind::RolledBack,
            Operation::Applied => return None,
        };
        let lists = [("wrote", &self.written), ("removed", &self.removed), ("enabled", &self.enabled)];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let done: Vec<String> = lists.map(|(verb, names)| format!("{verb} {}", main_files(names).join(" "))).collect();
        let detail = match self.operation {
            Operation::Updated | Operation::RolledBack => self.message,
            _ => {
                let parts = [self.source.unwrap_or_default(), done.join(", ")];
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
            }
        };
        Some(Event {
            time: self.time,
            project: self.project,
            unit: None,
            service: None,
            event,
            reason: None,
            detail: Some(detail),
            by: Some(self.by),
            exit_status: None,
            attempts: None,
        })
    }
}

/// The units without their slices and specifications; if there is nothing else, all files.
fn main_files(names: &[String]) -> Vec<&str> {
    let all = names.iter().map(String::as_str);
    let is_slice = |name: &str| UnitName::parse(name).is_ok_and(|unit| unit.is(UnitKind::Slice));
    let units: Vec<&str> = all.clone().filter(|name| !is_spec(name) && !is_slice(name)).collect();
    if units.is_empty() { all.collect() } else { units }
}

fn time_of(microseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds)
}
