//! What was said about a unit → what happened to it: messages that belong together are one event.
//!
//! In: facts, oldest first. Out: events, each unit's in order. Invariant: a pure function. The order in which systemd says things
//! was taken from systemd 257: a crash is exit, failure, restart scheduled, starting, started; a restart by a job is stopping,
//! stopped (by a job `restart`), starting, started; what wharfd says comes first.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::entry::{Exit, Fact, Told};
use super::{By, Event, Kind, Reason};
use crate::spec::exit;
use crate::systemd::{UnitResult, Verb};

/// The events of all units.
pub fn events(told: Vec<Told>) -> Vec<Event> {
    let mut courses: BTreeMap<String, Course> = BTreeMap::new();
    for told in told {
        let course = courses.entry(told.unit.clone()).or_insert_with(|| Course::new(&told.unit));
        course.hear(told);
    }
    courses.into_values().flat_map(Course::finish).collect()
}

/// One unit's events so far, and what is under way.
struct Course {
    unit: String,
    boot: String,
    open: Open,
    events: Vec<Event>,
}

/// An event of which not all has been said yet.
#[derive(Debug, Clone, Default)]
struct Open {
    /// When it began.
    began: Option<SystemTime>,
    asked: Option<Asked>,
    exit: Option<Exit>,
    /// Why the unit failed, and when.
    failed: Option<(SystemTime, Reason)>,
    /// It ended by itself, with success.
    ended: bool,
    stopping: bool,
    /// It stopped, to be started again.
    pausing: bool,
    /// systemd will start it again by itself.
    scheduled: bool,
    /// Not for the first time: the attempt before has been told of.
    again: bool,
    starting: bool,
    /// It ended with success while it was starting, as jobs do.
    done: bool,
}

/// What wharfd was to do.
#[derive(Debug, Clone)]
struct Asked {
    verb: Verb,
    reason: Reason,
    by: By,
    detail: Option<String>,
}

impl Open {
    /// Whether nothing but wharfd has spoken, and it was about one of these.
    fn waits_for(&self, acts: &[Verb]) -> bool {
        let under_way = self.stopping || self.pausing || self.scheduled || self.starting;
        let over = self.failed.is_some() || self.ended;
        self.asked.as_ref().is_some_and(|asked| acts.contains(&asked.verb)) && !under_way && !over
    }

    /// Why systemd started it again by itself.
    fn why_scheduled(&self) -> Reason {
        match &self.failed {
            None => Reason::Ended,
            Some((_, Reason::Other(word))) if !ends_a_process(word) => Reason::Other(word.clone()),
            Some(_) => Reason::Crashed,
        }
    }
}

/// Results that stand for how a process ended; systemd has said before how.
fn ends_a_process(result: &str) -> bool {
    UnitResult::from(result).is_of_process()
}

impl Course {
    fn new(unit: &str) -> Self {
        Self { unit: unit.to_owned(), boot: String::new(), open: Open::default(), events: Vec::new() }
    }

    fn finish(mut self) -> Vec<Event> {
        self.close();
        self.events
    }

    fn hear(&mut self, told: Told) {
        if self.boot != told.boot {
            self.close();
            self.boot = told.boot;
        }
        let time = told.time;
        match told.fact {
            Fact::Asked { verb, reason, by } => {
                self.close();
                self.open.asked = Some(Asked { verb, reason, by, detail: None });
            }
            Fact::Probed(output) => return self.probed(output),
            Fact::NotHelped { why, reason, by } => return self.not_helped(time, &why, reason, by),
            Fact::JobFailed { result } => return self.job_failed(time, &result),
            Fact::Reloaded => return self.push(Kind::Reloaded, time, None),
            Fact::Stopping => {
                if !self.open.waits_for(&[Verb::Stop, Verb::Restart]) {
                    self.close();
                }
                self.open.stopping = true;
            }
            Fact::Stopped { restart: true } => self.open.pausing = true,
            Fact::Stopped { restart: false } => return self.stopped(time),
            Fact::Exited(exit) => self.exited(exit),
            Fact::Failed { result } => return self.failed(time, &result),
            Fact::Succeeded => self.succeeded(),
            Fact::Scheduled => self.scheduled(),
            Fact::Starting => {
                let goes_on = self.open.scheduled || self.open.pausing;
                if !goes_on && !self.open.waits_for(&[Verb::Start, Verb::Restart]) {
                    self.close();
                }
                self.open.starting = true;
            }
            Fact::Started => return self.started(time),
        }
        self.open.began.get_or_insert(time);
    }

    fn started(&mut self, time: SystemTime) {
        // Units that start in no time, as targets do, do not say that they begin to.
        let goes_on = self.open.starting || self.open.scheduled || self.open.pausing;
        if !goes_on && !self.open.waits_for(&[Verb::Start, Verb::Restart]) {
            self.close();
        }
        let open = std::mem::take(&mut self.open);
        let began = open.began.unwrap_or(time);
        let asked_to_restart = open.asked.as_ref().is_some_and(|asked| asked.verb == Verb::Restart);
        if open.done || open.again || !(open.scheduled || open.pausing || asked_to_restart) {
            let kind = if open.done { Kind::Finished } else { Kind::Started };
            self.push(kind, time, open.asked);
        } else if open.scheduled && open.asked.is_none() {
            let reason = open.why_scheduled();
            self.push(Kind::Restarted, began, None);
            self.amend(Some(reason), open.exit.or(open.ended.then_some(Exit::Status(0))));
        } else {
            self.push(Kind::Restarted, began, open.asked);
        }
    }

    fn stopped(&mut self, time: SystemTime) {
        if self.open.failed.is_some() && !self.open.stopping {
            self.close();
        }
        let open = std::mem::take(&mut self.open);
        // A stop that came instead of a restart was not wharfd's; that its restart came to nothing, wharfd says itself.
        self.push(Kind::Stopped, time, open.asked.filter(|asked| asked.verb == Verb::Stop));
        self.amend(None, open.exit);
    }

    fn exited(&mut self, exit: Exit) {
        if self.open.starting && self.open.scheduled {
            // The attempt to start it again has failed, too.
            self.close();
            self.open.starting = true;
        } else if self.open.waits_for(&[Verb::Start, Verb::Stop]) {
            self.close();
        }
        self.open.exit.get_or_insert(exit);
    }

    fn failed(&mut self, time: SystemTime, result: &str) {
        let was_not_started = self.open.scheduled && !self.open.starting;
        let nothing_ended = ends_a_process(result) && self.open.exit.is_none();
        let at_limit = was_not_started || nothing_ended || UnitResult::from(result) == UnitResult::StartLimitHit;
        let reason = if at_limit { Reason::StartLimit } else { Reason::Other(result.to_owned()) };
        self.open.failed = Some((time, reason));
        self.open.began.get_or_insert(time);
        if at_limit {
            self.close();
        }
    }

    fn succeeded(&mut self) {
        if self.open.starting {
            self.open.done = true;
        } else if !self.open.stopping {
            if self.open.failed.is_some() {
                self.close();
            }
            self.open.ended = true;
        }
    }

    fn scheduled(&mut self) {
        if self.open.starting {
            let exit = self.open.exit;
            self.close();
            self.open = Open { exit, again: true, ..Open::default() };
        }
        self.open.scheduled = true;
    }

    /// Only what systemd does not say otherwise: a service that fails says so itself.
    fn job_failed(&mut self, time: SystemTime, result: &str) {
        if result == "dependency" {
            self.close();
            self.push(Kind::Failed, time, None);
            self.amend(Some(Reason::Dependency), None);
        }
    }

    /// The probe's output comes at the same time as the job: before or after what systemd says of it.
    fn probed(&mut self, output: String) {
        let is_unhealthy = |reason: &Reason| *reason == Reason::Unhealthy;
        if let Some(asked) = self.open.asked.as_mut().filter(|asked| is_unhealthy(&asked.reason)) {
            asked.detail = Some(output);
        } else if let Some(last) = self.events.last_mut().filter(|last| last.reason.as_ref().is_some_and(is_unhealthy))
        {
            last.detail.get_or_insert(output);
        }
    }

    fn not_helped(&mut self, time: SystemTime, why: &str, reason: Reason, by: By) {
        let is_told = |event: &Event| event.event == Kind::Failed && event.reason.as_ref() == Some(&reason);
        if self.open.asked.is_some() {
            // Said before the unit has failed itself, or instead of it.
            if self.open.failed.is_none() {
                self.open.failed = Some((time, reason));
            }
            if let Some(asked) = &mut self.open.asked {
                asked.detail = Some(joined(asked.detail.take(), why));
            }
            self.close();
        } else if let Some(last) = self.events.last_mut().filter(|last| is_told(last)) {
            last.detail = Some(joined(last.detail.take(), why));
        } else {
            let asked = Asked { verb: Verb::Restart, reason, by, detail: Some(why.to_owned()) };
            self.push(Kind::Failed, time, Some(asked));
        }
    }

    /// Ends what is under way, of which no more is said.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        let Some(began) = open.began else { return };
        if let Some((time, reason)) = open.failed {
            self.push(Kind::Failed, time, open.asked);
            self.amend(Some(reason), open.exit);
        } else if open.ended {
            self.push(Kind::Finished, began, open.asked);
        } else if let Some(asked) = open.asked {
            let kind = match asked.verb {
                Verb::Start => Kind::Starting,
                Verb::Stop => Kind::Stopping,
                Verb::Restart => Kind::Restarting,
            };
            self.push(kind, began, Some(asked));
        }
    }

    fn push(&mut self, event: Kind, time: SystemTime, asked: Option<Asked>) {
        let (reason, by, detail) = match asked {
            Some(asked) => (Some(asked.reason), Some(asked.by), asked.detail),
            None => (None, None, None),
        };
        let unit = Some(self.unit.clone());
        let project = String::new();
        self.events.push(Event { time, project, unit, service: None, event, reason, detail, by, exit_status: None });
    }

    /// Adds to the last event why it happened, unless that is known, and how the main process ended.
    fn amend(&mut self, reason: Option<Reason>, exit: Option<Exit>) {
        let Some(last) = self.events.last_mut() else { return };
        if last.reason.is_none() {
            last.reason = reason;
        }
        match exit {
            Some(Exit::Status(status)) => {
                last.exit_status = Some(status);
                if let Some(meaning) = meaning(status) {
                    last.detail.get_or_insert(meaning.to_owned());
                }
            }
            Some(Exit::Signal(signal)) => {
                last.detail.get_or_insert(format!("killed by {}", signal_name(signal)));
            }
            None => {}
        }
    }
}

fn joined(before: Option<String>, more: &str) -> String {
    before.map_or_else(|| more.to_owned(), |before| format!("{more}: {before}"))
}

/// What the supervisor's own exit statuses say.
fn meaning(status: i32) -> Option<&'static str> {
    match u8::try_from(status).ok()? {
        exit::UNAVAILABLE => Some("the engine or a registry cannot be reached"),
        exit::TRY_AGAIN => Some("the container could not be started, or was not healthy in time"),
        exit::CANNOT_START => Some("the container could not be started, and trying again is of no use"),
        _ => None,
    }
}

fn signal_name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => format!("signal {signal}"),
    }
}
