//! What one entry of the journal says.
//!
//! In: an entry. Out: a fact about a unit ([`Told`]), or what a command of Wharf did ([`Record`]).

use std::time::SystemTime;

use super::{By, Event, Kind, Reason, time_of};
use crate::message_id as id;
use crate::systemd::Verb;
use crate::systemd::journalctl::Entry;

/// All fields that are looked at.
pub const FIELDS: [&str; 33] = [
    "MESSAGE",
    "MESSAGE_ID",
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

/// One thing that was said about a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// wharfd is about to act.
    Asked {
        verb: Verb,
        reason: Reason,
        by: By,
    },
    /// What the healthcheck said.
    Probed(String),
    /// wharfd's act came to nothing.
    NotHelped {
        why: String,
        reason: Reason,
        by: By,
    },
    Starting,
    Started,
    Stopping,
    /// `restart`: in order to start again.
    Stopped {
        restart: bool,
    },
    Reloaded,
    /// A job to start the unit failed, e.g. by a `dependency`.
    JobFailed {
        result: String,
    },
    Exited(Exit),
    /// The unit has failed, with systemd's word for why.
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
pub enum Exit {
    Status(i32),
    Signal(i32),
}

/// A fact, of which unit and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub time: SystemTime,
    pub boot: String,
    pub unit: String,
    pub fact: Fact,
}

impl Told {
    pub fn of(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Option<Self> {
        let message_id = entry.get("MESSAGE_ID")?;
        let field = if id::OF_WHARFD.contains(&message_id.as_str()) { "OBJECT_SYSTEMD_UNIT" } else { "UNIT" };
        let unit = entry.get(field)?;
        let fact = fact(&message_id, &unit, entry, user_name)?;
        Some(Self { time: time_of(entry.time()), boot: entry.get("_BOOT_ID").unwrap_or_default(), unit, fact })
    }
}

fn fact(message_id: &str, unit: &str, entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Option<Fact> {
    let word = |field: &str| entry.get(field).unwrap_or_default();
    Some(match message_id {
        id::UNHEALTHY_RESTARTED | id::UNHEALTHY_STOPPED | id::DEPENDENCY_RESTARTED | id::REQUESTED => {
            Fact::Asked { verb: Verb::parse(&word("WHARF_ACT"))?, reason: reason(entry), by: asker(entry, user_name) }
        }
        id::PROBED => Fact::Probed(without_start(&word("MESSAGE"), &format!("{unit}: the healthcheck said: "))),
        id::NOT_HELPED => {
            let why = without_start(&word("MESSAGE"), &format!("{unit}: "));
            Fact::NotHelped { why, reason: reason(entry), by: asker(entry, user_name) }
        }
        id::UNIT_STARTING => Fact::Starting,
        id::UNIT_STARTED => Fact::Started,
        id::UNIT_STOPPING => Fact::Stopping,
        id::UNIT_STOPPED => Fact::Stopped { restart: word("JOB_TYPE") == "restart" },
        id::UNIT_RELOADED if word("JOB_RESULT") == "done" => Fact::Reloaded,
        id::UNIT_FAILED => Fact::JobFailed { result: word("JOB_RESULT") },
        id::UNIT_PROCESS_EXIT => Fact::Exited(exit(entry)?),
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

fn exit(entry: &Entry) -> Option<Exit> {
    let status = entry.number("EXIT_STATUS")?;
    Some(if entry.get("EXIT_CODE")? == "exited" { Exit::Status(status) } else { Exit::Signal(status) })
}

fn without_start(message: &str, start: &str) -> String {
    message.strip_prefix(start).unwrap_or(message).trim().to_owned()
}

/// Who asked wharfd, if it says so; else wharfd.
fn asker(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> By {
    let Some(uid) = entry.number("WHARF_CALLER_UID") else { return writer(entry, user_name) };
    By {
        uid: Some(uid),
        pid: entry.number("WHARF_CALLER_PID"),
        comm: entry.get("WHARF_CALLER_COMM").filter(|comm| !comm.is_empty()),
        unit: entry.get("WHARF_CALLER_UNIT").filter(|unit| !unit.is_empty()),
        user: user_name(uid),
    }
}

/// Who wrote an entry: systemd.journal-fields(7), "Trusted Journal Fields". What wharf itself says of sudo(8) counts only where
/// the journal does not know who had logged in.
fn writer(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> By {
    let uid = entry.number("_UID");
    let name = |uid: Option<u32>| uid.and_then(user_name);
    let logged_in = name(entry.number("_AUDIT_LOGINUID")).or_else(|| name(entry.number("_SYSTEMD_OWNER_UID")));
    By {
        uid,
        pid: entry.number("_PID"),
        comm: entry.get("_COMM"),
        unit: entry.get("_SYSTEMD_UNIT"),
        user: logged_in.or_else(|| entry.get("WHARF_SUDO_USER")).or_else(|| name(uid)),
    }
}

/// What a command of Wharf did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    time: SystemTime,
    /// When the command began to act on units.
    began: SystemTime,
    deed: Deed,
    project: String,
    source: Option<String>,
    by: By,
    written: Vec<String>,
    removed: Vec<String>,
    enabled: Vec<String>,
    /// Units to which the command did something.
    touched: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Generated,
    Applied,
    Removed,
}

impl Record {
    pub fn of(entry: &Entry, user_name: &dyn Fn(u32) -> Option<String>) -> Option<Self> {
        let deed = match entry.get("MESSAGE_ID")?.as_str() {
            id::GENERATED => Deed::Generated,
            id::APPLIED => Deed::Applied,
            id::REMOVED => Deed::Removed,
            _ => return None,
        };
        let touched = ["WHARF_STARTED", "WHARF_RESTARTED", "WHARF_STOPPED", "WHARF_FAILED"];
        Some(Self {
            time: time_of(entry.time()),
            began: time_of(entry.number("WHARF_BEGAN").unwrap_or_else(|| entry.time())),
            deed,
            project: entry.get("WHARF_PROJECT")?,
            source: entry.get("WHARF_SOURCE"),
            by: writer(entry, user_name),
            written: entry.words("WHARF_WRITTEN"),
            removed: entry.words("WHARF_REMOVED"),
            enabled: entry.words("WHARF_ENABLED"),
            touched: touched.iter().flat_map(|field| entry.words(field)).collect(),
        })
    }

    /// Says of what systemd did meanwhile that it was this command that had asked for it.
    pub fn explain(&self, event: &mut Event) {
        let is_ours =
            self.deed != Deed::Generated && event.unit.as_ref().is_some_and(|unit| self.touched.contains(unit));
        let by_systemd = matches!(event.reason, Some(Reason::Crashed | Reason::Ended));
        let in_time = (self.began..=self.time).contains(&event.time);
        if !is_ours || by_systemd || event.by.is_some() || !in_time {
            return;
        }
        event.by = Some(self.by.clone());
        let reason = match (self.deed, event.event) {
            (Deed::Removed, _) => Reason::Removed,
            (_, Kind::Restarted | Kind::Stopped) => Reason::Changed,
            _ => Reason::Requested,
        };
        event.reason.get_or_insert(reason);
    }

    /// The event that it is by itself; what was done to units is told by theirs.
    pub fn into_event(self) -> Option<Event> {
        let event = match self.deed {
            Deed::Generated => Kind::Generated,
            Deed::Removed => Kind::Removed,
            Deed::Applied => return None,
        };
        let lists = [("wrote", &self.written), ("removed", &self.removed), ("enabled", &self.enabled)];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let done: Vec<String> =
            lists.map(|(verb, names)| format!("{verb} {}", worth_naming(names).join(" "))).collect();
        let said = [self.source.unwrap_or_default(), done.join(", ")];
        let said: Vec<&str> = said.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        Some(Event {
            time: self.time,
            project: self.project,
            unit: None,
            service: None,
            event,
            reason: None,
            detail: Some(said.join(": ")),
            by: Some(self.by),
            exit_status: None,
        })
    }
}

/// The files that an administrator has names for: of a unit, neither its slice nor its specification; if there is nothing else, all.
fn worth_naming(names: &[String]) -> Vec<&str> {
    let all = names.iter().map(String::as_str);
    let units: Vec<&str> = all.clone().filter(|name| !name.ends_with(".json") && !name.ends_with(".slice")).collect();
    if units.is_empty() { all.collect() } else { units }
}
