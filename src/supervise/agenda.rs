//! What wharfd asks the engine, and when: a pure function of what happened.
//!
//! In: which units there are, what changed, what has ended, and the time. Out: containers to inspect, the list of all containers,
//! images to check, now; and when to ask again.
//! Invariant: whatever changed is inspected after the change, as soon as the engine is there; no container is inspected twice at
//! the same time; and the time to ask again is only named if something is due then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Containers that are inspected side by side.
const AT_ONCE: usize = 4;

/// The pause after an inspection that failed.
const RETRY: Duration = Duration::from_secs(10);

/// Something to ask the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The container of this unit. Its end is reported by [`Agenda::inspected`].
    Inspect(String),
    /// All containers. Its end is reported by [`Agenda::listed`].
    List,
    /// The digests that the registries have.
    CheckImages,
}

/// `A`: an answer to a caller, kept until what is known is as new as the answer.
#[derive(Debug, Clone)]
pub struct Agenda<A> {
    engine: EngineState,
    units: BTreeMap<String, Unit>,
    answers: Vec<(String, A)>,
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
    pub fn declared(&mut self, unit: &str) {
        let unit = self.units.entry(unit.to_owned()).or_default();
        (unit.is_declared, unit.is_outdated) = (true, true);
    }

    /// This unit is no longer on this host. Returns the answers that waited for it.
    pub fn removed(&mut self, name: &str) -> Vec<A> {
        if let Some(unit) = self.units.get_mut(name) {
            (unit.is_declared, unit.is_outdated, unit.retry) = (false, false, None);
        }
        self.forget_if_over(name);
        self.take_answers(|about| about == name)
    }

    /// Something about the unit's container changed.
    pub fn changed(&mut self, unit: &str) {
        if let Some(unit) = self.units.get_mut(unit).filter(|unit| unit.is_declared) {
            unit.is_outdated = true;
        }
    }

    /// Containers may have come or gone that no stack declares.
    pub fn list_changed(&mut self) {
        self.list_is_outdated = true;
    }

    pub fn action_begun(&mut self, unit: &str) {
        self.units.entry(unit.to_owned()).or_default().actions += 1;
    }

    pub fn action_ended(&mut self, unit: &str) {
        self.changed(unit);
        if let Some(unit) = self.units.get_mut(unit) {
            unit.actions = unit.actions.saturating_sub(1);
        }
        self.forget_if_over(unit);
    }

    /// An inspection has ended. `None`: what it found is outdated, and it is repeated. Else the answers that waited for it.
    pub fn inspected(&mut self, name: &str) -> Option<Vec<A>> {
        let unit = self.units.get_mut(name)?;
        unit.is_inspected = false;
        let is_current = unit.is_declared && !unit.is_outdated;
        self.forget_if_over(name);
        is_current.then(|| self.take_answers(|about| about == name))
    }

    /// What [`Agenda::inspected`] reported had failed: it is repeated after a pause.
    pub fn retry(&mut self, unit: &str, now: Instant) {
        if let Some(unit) = self.units.get_mut(unit).filter(|unit| unit.is_declared) {
            unit.retry = Some(now + RETRY);
        }
    }

    /// The list of all containers is there, or has failed: with the engine back, it is asked for again.
    pub fn listed(&mut self) {
        self.is_listing = false;
    }

    /// Keeps an answer until the unit's container has been inspected; returns it if that will not be.
    pub fn answer_after_inspection(&mut self, unit: &str, answer: A) -> Option<A> {
        let is_declared = self.units.get(unit).is_some_and(|unit| unit.is_declared);
        if self.engine != EngineState::Connected || !is_declared {
            return Some(answer);
        }
        self.changed(unit);
        self.answers.push((unit.to_owned(), answer));
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

    fn forget_if_over(&mut self, name: &str) {
        if self.units.get(name).is_some_and(|unit| !unit.is_declared && !unit.is_inspected && unit.actions == 0) {
            self.units.remove(name);
        }
    }

    fn take_answers(&mut self, about: impl Fn(&str) -> bool) -> Vec<A> {
        self.answers.extract_if(.., |(unit, _)| about(unit)).map(|(_, answer)| answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const WEB: &str = "shop-web.service";

    fn agenda() -> (Agenda<u32>, Instant) {
        let now = Instant::now();
        let mut agenda = Agenda::new(None, now);
        agenda.declared(WEB);
        agenda.connected();
        (agenda, now)
    }

    #[test]
    fn containers_are_inspected_before_all_are_listed() {
        let (mut agenda, now) = agenda();
        for number in 0..AT_ONCE {
            agenda.declared(&format!("other{number}.service"));
        }
        assert!(!agenda.is_complete());
        let first = agenda.take_due(now);
        assert_eq!(first.len(), AT_ONCE);
        assert!(!first.contains(&Task::List));
        assert_eq!(agenda.take_due(now), []);
        assert_eq!(agenda.inspected("other0.service"), Some(Vec::new()));
        assert_eq!(agenda.take_due(now), [Task::Inspect(WEB.into()), Task::List]);
        assert_eq!(agenda.next_due(), None);
    }

    #[test]
    fn what_is_older_than_a_change_is_not_believed() {
        let (mut agenda, now) = agenda();
        agenda.take_due(now);
        assert_eq!(agenda.answer_after_inspection(WEB, 1), None);
        assert_eq!(agenda.inspected(WEB), None);
        assert_eq!(agenda.take_due(now), [Task::Inspect(WEB.into())]);
        assert_eq!(agenda.inspected(WEB), Some(vec![1]));
        assert!(agenda.is_complete());
    }

    #[test]
    fn what_failed_is_repeated_after_a_pause() {
        let (mut agenda, now) = agenda();
        agenda.take_due(now);
        assert_eq!(agenda.inspected(WEB), Some(Vec::new()));
        agenda.retry(WEB, now);
        assert_eq!((agenda.take_due(now), agenda.next_due()), (Vec::new(), Some(now + RETRY)));
        assert_eq!(agenda.take_due(now + RETRY), [Task::Inspect(WEB.into())]);
    }

    #[test]
    fn images_are_checked_in_intervals_and_not_while_the_engine_is_away() {
        let (mut agenda, start) = agenda();
        let hour = Duration::from_secs(3600);
        agenda.check_images_every(Some(hour), start);
        agenda.take_due(start);
        assert_eq!(agenda.next_due(), Some(start + hour));
        agenda.disconnected();
        assert_eq!((agenda.take_due(start + hour), agenda.next_due()), (Vec::new(), None));
        agenda.connected();
        assert!(agenda.take_due(start + hour).contains(&Task::CheckImages));
        assert_eq!(agenda.next_due(), Some(start + 2 * hour));
    }

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Declared(u8),
        Removed(u8),
        Changed(u8),
        ListChanged,
        Connected,
        Disconnected,
        ActionBegun(u8),
        ActionEnded(u8),
        /// One of what is being inspected ends; whether it failed.
        Inspected(u8, bool),
        Listed,
        Answer(u8),
        /// Seconds pass.
        Later(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        let unit = 0_u8..8;
        prop_oneof![
            3 => unit.clone().prop_map(Event::Declared),
            1 => unit.clone().prop_map(Event::Removed),
            3 => unit.clone().prop_map(Event::Changed),
            1 => Just(Event::ListChanged),
            2 => Just(Event::Connected),
            1 => Just(Event::Disconnected),
            1 => unit.clone().prop_map(Event::ActionBegun),
            2 => unit.clone().prop_map(Event::ActionEnded),
            6 => (unit.clone(), any::<bool>()).prop_map(|(unit, failed)| Event::Inspected(unit, failed)),
            2 => Just(Event::Listed),
            2 => unit.prop_map(Event::Answer),
            2 => (0_u64..20).prop_map(Event::Later),
        ]
    }

    /// The world around an agenda: what is declared, what is under way, and what has to come.
    struct World {
        agenda: Agenda<u32>,
        now: Instant,
        declared: BTreeSet<String>,
        inspected: BTreeSet<String>,
        acted_on: Vec<String>,
        is_listing: bool,
        /// What changed since its inspection began.
        changed: BTreeSet<String>,
        asked: u32,
        answered: Vec<u32>,
    }

    impl World {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                agenda: Agenda::new(Some(Duration::from_secs(60)), now),
                now,
                declared: BTreeSet::new(),
                inspected: BTreeSet::new(),
                acted_on: Vec::new(),
                is_listing: false,
                changed: BTreeSet::new(),
                asked: 0,
                answered: Vec::new(),
            }
        }

        fn apply(&mut self, event: Event) {
            let name = |number: u8| format!("unit{number}.service");
            match event {
                Event::Declared(unit) => {
                    self.agenda.declared(&name(unit));
                    self.declared.insert(name(unit));
                    self.changed.insert(name(unit));
                }
                Event::Removed(unit) => {
                    self.answered.extend(self.agenda.removed(&name(unit)));
                    self.declared.remove(&name(unit));
                    self.changed.remove(&name(unit));
                }
                Event::Changed(unit) => {
                    self.agenda.changed(&name(unit));
                    self.changed.extend(self.declared.get(&name(unit)).cloned());
                }
                Event::ListChanged => self.agenda.list_changed(),
                Event::Connected => {
                    self.agenda.connected();
                    self.changed.extend(self.declared.iter().cloned());
                }
                Event::Disconnected => self.answered.extend(self.agenda.disconnected()),
                Event::ActionBegun(unit) => {
                    self.agenda.action_begun(&name(unit));
                    self.acted_on.push(name(unit));
                }
                Event::ActionEnded(unit) => {
                    if let Some(index) = self.acted_on.iter().position(|it| *it == name(unit)) {
                        self.acted_on.remove(index);
                        self.agenda.action_ended(&name(unit));
                        self.changed.extend(self.declared.get(&name(unit)).cloned());
                    }
                }
                Event::Inspected(unit, failed) => {
                    if self.inspected.remove(&name(unit)) {
                        self.end_inspection(&name(unit), failed);
                    }
                }
                Event::Listed => {
                    if std::mem::take(&mut self.is_listing) {
                        self.agenda.listed();
                    }
                }
                Event::Answer(unit) => {
                    self.asked += 1;
                    match self.agenda.answer_after_inspection(&name(unit), self.asked) {
                        Some(answer) => self.answered.push(answer),
                        None => _ = self.changed.insert(name(unit)),
                    }
                }
                Event::Later(seconds) => self.now += Duration::from_secs(seconds),
            }
        }

        /// What it found is believed if nothing changed since it began, and its unit is still there.
        fn end_inspection(&mut self, unit: &str, failed: bool) {
            let answers = self.agenda.inspected(unit);
            assert_eq!(answers.is_some(), self.declared.contains(unit) && !self.changed.contains(unit));
            if answers.is_some() && failed {
                self.agenda.retry(unit, self.now);
            }
            self.answered.extend(answers.into_iter().flatten());
        }

        /// Takes what is due; how much it was.
        fn take_due(&mut self) -> usize {
            let tasks = self.agenda.take_due(self.now);
            for task in &tasks {
                match task {
                    Task::Inspect(unit) => {
                        assert!(self.declared.contains(unit), "{unit} is gone");
                        assert!(!self.acted_on.contains(unit), "{unit} has an action under way");
                        assert!(self.inspected.insert(unit.clone()), "{unit} is inspected twice at the same time");
                        self.changed.remove(unit);
                    }
                    Task::List => assert!(!std::mem::replace(&mut self.is_listing, true)),
                    Task::CheckImages => {}
                }
            }
            assert!(self.inspected.len() <= AT_ONCE);
            tasks.len()
        }
    }

    proptest! {
        /// Nothing is inspected twice at a time, nothing that is gone, and nothing in vain: asserted by the world.
        #[test]
        fn it_is_woken_only_if_there_is_something_to_do(events in prop::collection::vec(event(), 0..200)) {
            let mut world = World::new();
            for event in events {
                world.apply(event);
                world.take_due();
                prop_assert_eq!(world.agenda.clone().take_due(world.now), Vec::new(), "nothing is taken twice");
                if let Some(due) = world.agenda.next_due() {
                    prop_assert!(due > world.now);
                    prop_assert!(!world.agenda.clone().take_due(due).is_empty());
                }
            }
        }

        /// Whatever happens, in the end everything that changed is inspected, and every answer is given, once.
        #[test]
        fn everything_is_inspected_in_the_end(events in prop::collection::vec(event(), 0..200)) {
            let mut world = World::new();
            for event in events {
                world.apply(event);
                world.take_due();
            }
            for unit in 0..8 {
                while world.acted_on.contains(&format!("unit{unit}.service")) {
                    world.apply(Event::ActionEnded(unit));
                }
            }
            world.apply(Event::Connected);
            while world.take_due() > 0 || !world.inspected.is_empty() || world.is_listing {
                (0..8).for_each(|unit| world.apply(Event::Inspected(unit, false)));
                world.apply(Event::Listed);
            }
            prop_assert!(world.agenda.is_complete());
            prop_assert!(world.changed.is_empty(), "{:?}", world.changed);
            world.answered.sort_unstable();
            prop_assert_eq!(world.answered, (1..=world.asked).collect::<Vec<_>>());
            let kept: BTreeSet<String> = world.agenda.units.keys().cloned().collect();
            prop_assert_eq!(kept, world.declared, "what went away is forgotten");
        }
    }
}
