//! What wharfd asks the engine, and when: a pure function of what happened.
//!
//! In: which units there are, what changed, what has ended, and the time. Out: containers to inspect, the list of all containers,
//! images to check, now; and when to ask again.
//! Invariant: whatever changed is inspected after the change, as soon as the engine is there; no container is inspected twice at
//! the same time; and the time to ask again is only named if something is due then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::name::UnitName;

/// Containers that are inspected side by side.
const AT_ONCE: usize = 4;

/// The pause after an inspection that failed.
const RETRY: Duration = Duration::from_secs(10);

/// Something to ask the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The container of this unit. Its end is reported by [`Agenda::inspected`].
    Inspect(UnitName),
    /// All containers. Its end is reported by [`Agenda::listed`].
    List,
    /// The digests that the registries have.
    CheckImages,
}

/// `A`: an answer to a caller, kept until what is known is as new as the answer.
#[derive(Debug, Clone)]
pub struct Agenda<A> {
    engine: EngineState,
    units: BTreeMap<UnitName, Unit>,
    answers: Vec<(UnitName, A)>,
    /// Containers may have come or gone that no stack declares.
    list_is_outdated: bool,
    is_listing: bool,
    /// How often images are checked; `None`: never.
    check_every: Option<Duration>,
    next_check: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EngineState {
    /// It has not been looked for yet.
    Unknown,
    Connected,
    Away,
}

/// How a unit's container is inspected.
#[derive(Debug, Clone, Default)]
struct Unit {
    /// Else it was removed while something was under way.
    is_declared: bool,
    /// Something changed since the last inspection began.
    is_outdated: bool,
    /// The last inspection failed; it is repeated then.
    retry: Option<Instant>,
    is_inspected: bool,
    /// Actions that are under way. The container is inspected after them: the engine has enough to do.
    actions: usize,
}

impl Unit {
    fn is_ready(&self) -> bool {
        self.is_declared && !self.is_inspected && self.actions == 0
    }
}

impl<A> Agenda<A> {
    pub fn new(check_every: Option<Duration>, now: Instant) -> Self {
        let mut agenda = Self {
            engine: EngineState::Unknown,
            units: BTreeMap::new(),
            answers: Vec::new(),
            list_is_outdated: false,
            is_listing: false,
            check_every: None,
            next_check: None,
        };
        agenda.check_images_every(check_every, now);
        agenda
    }

    /// How often images are checked from now on.
    pub fn check_images_every(&mut self, every: Option<Duration>, now: Instant) {
        self.check_every = every;
        self.next_check = every.map(|every| now + every);
    }

    /// The engine answers; everything may have changed.
    pub fn connected(&mut self) {
        self.engine = EngineState::Connected;
        self.list_is_outdated = true;
        for unit in self.units.values_mut().filter(|unit| unit.is_declared) {
            unit.is_outdated = true;
        }
    }

    /// The engine does not answer. Returns all answers: nothing newer will be known for now.
    pub fn disconnected(&mut self) -> Vec<A> {
        self.engine = EngineState::Away;
        self.take_answers(|_| true)
    }

    /// This unit is declared, or is declared differently.
    pub fn declared(&mut self, unit: &UnitName) {
        let unit = self.units.entry(unit.clone()).or_default();
        (unit.is_declared, unit.is_outdated) = (true, true);
    }

    /// This unit is no longer on this host. Returns the answers that waited for it.
    pub fn removed(&mut self, name: &UnitName) -> Vec<A> {
        if let Some(unit) = self.units.get_mut(name) {
            (unit.is_declared, unit.is_outdated, unit.retry) = (false, false, None);
        }
        self.forget_if_over(name);
        self.take_answers(|about| about == name)
    }

    /// Something about the unit's container changed.
    pub fn changed(&mut self, unit: &UnitName) {
        if let Some(unit) = self.units.get_mut(unit).filter(|unit| unit.is_declared) {
            unit.is_outdated = true;
        }
    }

    /// Containers may have come or gone that no stack declares.
    pub fn list_changed(&mut self) {
        self.list_is_outdated = true;
    }

    pub fn action_begun(&mut self, unit: &UnitName) {
        self.units.entry(unit.clone()).or_default().actions += 1;
    }

    pub fn action_ended(&mut self, unit: &UnitName) {
        self.changed(unit);
        if let Some(unit) = self.units.get_mut(unit) {
            unit.actions = unit.actions.saturating_sub(1);
        }
        self.forget_if_over(unit);
    }

    /// An inspection has ended. `None`: what it found is outdated, and it is repeated. Else the answers that waited for it.
    pub fn inspected(&mut self, name: &UnitName) -> Option<Vec<A>> {
        let unit = self.units.get_mut(name)?;
        unit.is_inspected = false;
        let is_current = unit.is_declared && !unit.is_outdated;
        self.forget_if_over(name);
        is_current.then(|| self.take_answers(|about| about == name))
    }

    /// What [`Agenda::inspected`] reported had failed: it is repeated after a pause.
    pub fn retry(&mut self, unit: &UnitName, now: Instant) {
        if let Some(unit) = self.units.get_mut(unit).filter(|unit| unit.is_declared) {
            unit.retry = Some(now + RETRY);
        }
    }

    /// The list of all containers is there, or has failed: with the engine back, it is asked for again.
    pub fn listed(&mut self) {
        self.is_listing = false;
    }

    /// Keeps an answer until the unit's container has been inspected; returns it if that will not be.
    pub fn answer_after_inspection(&mut self, unit: &UnitName, answer: A) -> Option<A> {
        let is_declared = self.units.get(unit).is_some_and(|unit| unit.is_declared);
        if self.engine != EngineState::Connected || !is_declared {
            return Some(answer);
        }
        self.changed(unit);
        self.answers.push((unit.clone(), answer));
        None
    }

    /// What is due now. Each task counts as begun.
    pub fn take_due(&mut self, now: Instant) -> Vec<Task> {
        let mut tasks = Vec::new();
        if self.engine != EngineState::Connected {
            return tasks;
        }
        let mut free = self.free();
        for (name, unit) in self.units.iter_mut().filter(|(_, unit)| unit.is_ready()) {
            if free > 0 && (unit.is_outdated || unit.retry.is_some_and(|retry| retry <= now)) {
                (unit.is_outdated, unit.retry, unit.is_inspected) = (false, None, true);
                tasks.push(Task::Inspect(name.clone()));
                free -= 1;
            }
        }
        // A container is known as declared only once it has been inspected.
        let waits = self.units.values().any(|unit| unit.is_outdated && unit.actions == 0);
        if self.list_is_outdated && !self.is_listing && !waits {
            (self.list_is_outdated, self.is_listing) = (false, true);
            tasks.push(Task::List);
        }
        if self.next_check.is_some_and(|check| check <= now) {
            self.next_check = self.check_every.map(|every| now + every);
            tasks.push(Task::CheckImages);
        }
        tasks
    }

    /// When [`Agenda::take_due`] will next return something, if nothing else happens; to be asked after it.
    pub fn next_due(&self) -> Option<Instant> {
        if self.engine != EngineState::Connected {
            return None;
        }
        let retries = self.units.values().filter(|unit| unit.is_ready() && self.free() > 0);
        retries.filter_map(|unit| unit.retry).chain(self.next_check).min()
    }

    /// Whether there is nothing to inspect, or nothing can be inspected.
    pub fn is_complete(&self) -> bool {
        match self.engine {
            EngineState::Unknown => false,
            EngineState::Connected => !self.units.values().any(|unit| unit.is_outdated || unit.is_inspected),
            EngineState::Away => true,
        }
    }

    /// How many inspections may be begun.
    fn free(&self) -> usize {
        AT_ONCE.saturating_sub(self.units.values().filter(|unit| unit.is_inspected).count())
    }

    fn forget_if_over(&mut self, name: &UnitName) {
        if self.units.get(name).is_some_and(|unit| !unit.is_declared && !unit.is_inspected && unit.actions == 0) {
            self.units.remove(name);
        }
    }

    fn take_answers(&mut self, about: impl Fn(&UnitName) -> bool) -> Vec<A> {
        self.answers.extract_if(.., |(unit, _)| about(unit)).map(|(_, answer)| answer).collect()
    }
}

#[cfg(test)]
mod tests;
