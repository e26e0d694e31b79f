//! Entries of the journal → events: entries that belong together are one event.
//!
//! In: what the entries say, oldest first. Out: events, each unit's in order. Invariant: a pure function. The order of systemd's
//! entries is that of systemd 257: a crash is exit, failure, restart scheduled, starting, started; a restart by a job is stopping,
//! stopped (by a job `restart`), starting, started; wharfd's own entry comes first.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::entry::{Fact, ProcessEnd, UnitEntry};
use super::event::{Actor, Event, Kind, Reason};
use super::units::{Owner, Units};
use crate::name::UnitName;
use crate::spec::exit;
use crate::systemd::{UnitResult, Verb};

/// The events of all units.
pub fn events(entries: Vec<UnitEntry>, units: &Units) -> Vec<Event> {
    let mut correlators: BTreeMap<UnitName, Correlator> = BTreeMap::new();
    for entry in entries {
        let Some(owner) = units.owner(&entry.unit) else { continue };
        let correlator = correlators.entry(entry.unit.clone());
        correlator.or_insert_with(|| Correlator::new(entry.unit.clone(), owner.clone())).add(entry);
    }
    correlators.into_values().flat_map(Correlator::finish).collect()
}

/// One unit's events so far, and the event that is not complete yet.
struct Correlator {
    unit: UnitName,
    owner: Owner,
    boot: String,
    pending: Pending,
    events: Vec<Event>,
}

/// An event that is not complete yet.
#[derive(Debug, Clone, Default)]
struct Pending {
    /// When it began.
    began: Option<SystemTime>,
    action: Option<Action>,
    exit: Option<ProcessEnd>,
    /// Why wharf-run gave up, in its words.
    unable: Option<String>,
    /// The same, of the run that ended before the start that is under way.
    unable_before: Option<String>,
    /// Why the unit failed, and when.
    failed: Option<(SystemTime, Reason)>,
    /// It ended by itself, with success.
    ended: bool,
    stopping: bool,
    /// It stopped, to be started again.
    restarting: bool,
    /// systemd will start it again by itself.
    scheduled: bool,
    /// Another attempt: the one before is an event already.
    again: bool,
    /// So many attempts of this start have failed.
    failed_attempts: u32,
    starting: bool,
    /// It ended with success while it was starting, as jobs do.
    done: bool,
}

/// What wharfd is doing.
#[derive(Debug, Clone)]
struct Action {
    verb: Verb,
    reason: Reason,
    by: Actor,
    detail: Option<String>,
}

impl Pending {
    /// Whether there is only an entry of wharfd so far, about one of these.
    fn waits_for(&self, verbs: &[Verb]) -> bool {
        let under_way = self.stopping || self.restarting || self.scheduled || self.starting;
        let over = self.failed.is_some() || self.ended;
        self.action.as_ref().is_some_and(|action| verbs.contains(&action.verb)) && !under_way && !over
    }

    /// Why systemd restarted it by itself.
    fn restart_reason(&self) -> Reason {
        match &self.failed {
            None => Reason::Ended,
            Some((_, Reason::Other(word))) if !is_process_end(word) => Reason::Other(word.clone()),
            Some(_) if self.exit == Some(ProcessEnd::Status(exit::UNAVAILABLE.into())) => Reason::Unavailable,
            Some(_) => Reason::Crashed,
        }
    }
}

/// Results that mean the end of a process, of which systemd has written an entry before.
fn is_process_end(result: &str) -> bool {
    UnitResult::from(result).is_of_process()
}

impl Correlator {
    fn new(unit: UnitName, owner: Owner) -> Self {
        Self { unit, owner, boot: String::new(), pending: Pending::default(), events: Vec::new() }
    }

    fn finish(mut self) -> Vec<Event> {
        self.close();
        self.events
    }

    fn add(&mut self, entry: UnitEntry) {
        if self.boot != entry.boot {
            self.close();
            self.boot = entry.boot;
        }
        let time = entry.time;
        match entry.fact {
            Fact::Acting { verb, reason, by } => {
                self.close();
                self.pending.action = Some(Action { verb, reason, by, detail: None });
            }
            Fact::ProbeOutput(output) => return self.probe_output(output),
            Fact::Unable(why) => return self.unable(why),
            Fact::ActionFailed { message, reason, by } => {
                return self.action_failed(time, &message, Action { verb: Verb::Restart, reason, by, detail: None });
            }
            Fact::JobFailed { result } => return self.job_failed(time, &result),
            Fact::Reloaded => return self.push(Kind::Reloaded, time, None),
            Fact::Stopping => {
                if !self.pending.waits_for(&[Verb::Stop, Verb::Restart]) {
                    self.close();
                }
                self.pending.stopping = true;
            }
            // It was not up yet: the start begins again.
            Fact::Stopped { restart: true } if self.pending.starting => self.pending = Pending::default(),
            Fact::Stopped { restart: true } => self.pending.restarting = true,
            Fact::Stopped { restart: false } => return self.stopped(time),
            Fact::Exited(exit) => self.exited(exit),
            Fact::Failed { result } => return self.failed(time, &result),
            Fact::Succeeded => self.succeeded(),
            Fact::Scheduled => self.scheduled(),
            Fact::Starting => {
                let is_restart = self.pending.restarting && self.pending.failed.is_none();
                let continues = self.pending.scheduled || is_restart;
                if !continues && !self.pending.waits_for(&[Verb::Start, Verb::Restart]) {
                    self.close();
                }
                self.pending.starting = true;
                self.pending.unable_before = self.pending.unable.take();
            }
            Fact::Started => return self.started(time),
        }
        self.pending.began.get_or_insert(time);
    }

    fn started(&mut self, time: SystemTime) {
        // Units that start at once, as targets do, have no entry for the beginning.
        let continues = self.pending.starting || self.pending.scheduled || self.pending.restarting;
        if !continues && !self.pending.waits_for(&[Verb::Start, Verb::Restart]) {
            self.close();
        }
        let pending = std::mem::take(&mut self.pending);
        let began = pending.began.unwrap_or(time);
        let wharfd_restarts = pending.action.as_ref().is_some_and(|action| action.verb == Verb::Restart);
        if pending.done || pending.again || !(pending.scheduled || pending.restarting || wharfd_restarts) {
            let kind = if pending.done { Kind::Finished } else { Kind::Started };
            self.push(kind, time, pending.action);
        } else if pending.scheduled && pending.action.is_none() {
            let reason = pending.restart_reason();
            self.push(Kind::Restarted, began, None);
            self.amend(
                Some(reason),
                pending.exit.or(pending.ended.then_some(ProcessEnd::Status(0))),
                pending.unable_before,
            );
        } else {
            self.push(Kind::Restarted, began, pending.action);
        }
    }

    fn stopped(&mut self, time: SystemTime) {
        if self.pending.failed.is_some() && !self.pending.stopping {
            self.close();
        }
        let pending = std::mem::take(&mut self.pending);
        // A stop instead of a restart was not wharfd's; wharfd itself reports that its restart failed.
        self.push(Kind::Stopped, time, pending.action.filter(|action| action.verb == Verb::Stop));
        self.amend(None, pending.exit, None);
    }

    fn exited(&mut self, exit: ProcessEnd) {
        if self.pending.starting && self.pending.scheduled {
            // The attempt to restart it has failed too.
            let (failed_attempts, unable) = (self.pending.failed_attempts, self.pending.unable.take());
            self.close();
            self.pending = Pending { starting: true, failed_attempts, unable, ..Pending::default() };
        } else if self.pending.waits_for(&[Verb::Start, Verb::Stop]) {
            self.close();
        }
        self.pending.exit.get_or_insert(exit);
    }

    fn failed(&mut self, time: SystemTime, result: &str) {
        let was_not_started = self.pending.scheduled && !self.pending.starting;
        let nothing_ended = is_process_end(result) && self.pending.exit.is_none();
        let at_limit = was_not_started || nothing_ended || UnitResult::from(result) == UnitResult::StartLimitHit;
        let reason = if at_limit { Reason::StartLimit } else { Reason::Other(result.to_owned()) };
        self.pending.failed = Some((time, reason));
        self.pending.began.get_or_insert(time);
        if at_limit {
            self.close();
        }
    }

    fn succeeded(&mut self) {
        if self.pending.starting {
            self.pending.done = true;
        } else if !self.pending.stopping {
            if self.pending.failed.is_some() {
                self.close();
            }
            self.pending.ended = true;
        }
    }

    fn scheduled(&mut self) {
        if self.pending.starting {
            let (exit, failed_attempts) = (self.pending.exit, self.pending.failed_attempts + 1);
            self.close();
            self.pending = Pending { exit, again: true, failed_attempts, ..Pending::default() };
        }
        self.pending.scheduled = true;
    }

    /// Only dependencies: every other failure has an entry of the unit itself.
    fn job_failed(&mut self, time: SystemTime, result: &str) {
        if result == "dependency" {
            self.close();
            self.push(Kind::Failed, time, None);
            self.amend(Some(Reason::Dependency), None, None);
        }
    }

    /// The probe's output is written concurrently with the job: before or after systemd's entries.
    fn probe_output(&mut self, output: String) {
        let is_unhealthy = |reason: &Reason| *reason == Reason::Unhealthy;
        if let Some(action) = self.pending.action.as_mut().filter(|action| is_unhealthy(&action.reason)) {
            action.detail = Some(output);
        } else if let Some(last) = self.events.last_mut().filter(|last| last.reason.as_ref().is_some_and(is_unhealthy))
        {
            last.detail.get_or_insert(output);
        }
    }

    /// wharf-run writes it before it exits, and it may be in the journal before systemd's entry of that or after it. The cleanup of a
    /// unit that has failed writes it later.
    fn unable(&mut self, why: String) {
        self.pending.unable = Some(why);
    }

    fn action_failed(&mut self, time: SystemTime, message: &str, action: Action) {
        let is_reported = |event: &Event| event.event == Kind::Failed && event.reason.as_ref() == Some(&action.reason);
        if let Some(pending) = &mut self.pending.action {
            // wharfd's entry came before the unit's own failure, or there is none.
            pending.detail = Some(joined(pending.detail.take(), message));
            self.pending.failed.get_or_insert((time, action.reason));
            self.close();
        } else if let Some(last) = self.events.last_mut().filter(|last| is_reported(last)) {
            last.detail = Some(joined(last.detail.take(), message));
        } else {
            self.push(Kind::Failed, time, Some(Action { detail: Some(message.to_owned()), ..action }));
        }
    }

    /// Ends the pending event: no more entries belong to it.
    fn close(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let Some(began) = pending.began else { return };
        if let Some((time, reason)) = pending.failed {
            if pending.starting && pending.failed_attempts > 0 {
                self.events.pop_if(|before| before.event == Kind::Failed);
            }
            self.push(Kind::Failed, time, pending.action);
            self.amend(Some(reason), pending.exit, pending.unable_before.or(pending.unable));
            if let Some(last) = self.events.last_mut().filter(|_| pending.starting) {
                last.attempts = Some(pending.failed_attempts + 1).filter(|attempts| *attempts > 1);
            }
        } else if pending.ended {
            self.push(Kind::Finished, began, pending.action);
        } else if let Some(action) = pending.action {
            let kind = match action.verb {
                Verb::Start => Kind::Starting,
                Verb::Stop => Kind::Stopping,
                Verb::Restart => Kind::Restarting,
            };
            self.push(kind, began, Some(action));
        }
    }

    fn push(&mut self, event: Kind, time: SystemTime, action: Option<Action>) {
        let (reason, by, detail) = match action {
            Some(action) => (Some(action.reason), Some(action.by), action.detail),
            None => (None, None, None),
        };
        let Owner { project, service } = self.owner.clone();
        let unit = Some(self.unit.clone());
        let event =
            Event { time, project, unit, service, event, reason, detail, by, exit_status: None, attempts: None };
        self.events.push(event);
    }

    /// Adds to the last event why it happened, unless that is known, and how the main process ended; `unable`: why it gave up.
    fn amend(&mut self, reason: Option<Reason>, exit: Option<ProcessEnd>, unable: Option<String>) {
        let Some(last) = self.events.last_mut() else { return };
        if last.reason.is_none() {
            last.reason = reason;
        }
        match exit {
            Some(ProcessEnd::Status(status)) => {
                last.exit_status = Some(status);
                if let Some(meaning) = meaning(status) {
                    last.detail.get_or_insert_with(|| unable.unwrap_or_else(|| meaning.to_owned()));
                }
            }
            Some(ProcessEnd::Signal(signal)) => {
                last.detail.get_or_insert(format!("killed by {}", signal_name(signal)));
            }
            None => {}
        }
    }
}

fn joined(before: Option<String>, more: &str) -> String {
    before.map_or_else(|| more.to_owned(), |before| format!("{more}: {before}"))
}

/// The meaning of wharf-run's own exit statuses, and of the one of systemd that a secret's missing file has.
fn meaning(status: i32) -> Option<&'static str> {
    match u8::try_from(status).ok()? {
        exit::UNAVAILABLE => Some("the engine or a registry was away, or a container ended whose namespace it shares"),
        exit::TRY_AGAIN => Some("the container could not be started, or was not healthy in time"),
        exit::CANNOT_START => {
            Some("the container could not be started, or was not healthy in time; it is not tried again")
        }
        exit::CREDENTIALS => Some("a secret or config could not be loaded"),
        _ => None,
    }
}

fn signal_name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    }
}
