//! Cases that are written out, and properties that hold whatever happens.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::name::UnitKind;

static WEB: LazyLock<UnitName> = LazyLock::new(|| UnitName::new("shop-web", UnitKind::Service));

fn agenda() -> (Agenda<u32>, Instant) {
    let now = Instant::now();
    let mut agenda = Agenda::new(None, now);
    agenda.declared(&WEB);
    agenda.connected();
    (agenda, now)
}

#[test]
fn containers_are_inspected_before_all_are_listed() {
    let (mut agenda, now) = agenda();
    let other = |number| UnitName::new(&format!("other{number}"), UnitKind::Service);
    for number in 0..AT_ONCE {
        agenda.declared(&other(number));
    }
    assert!(!agenda.is_complete());
    let first = agenda.take_due(now);
    assert_eq!(first.len(), AT_ONCE);
    assert!(!first.contains(&Task::List));
    assert_eq!(agenda.take_due(now), []);
    assert_eq!(agenda.inspected(&other(0)), Some(Vec::new()));
    assert_eq!(agenda.take_due(now), [Task::Inspect(WEB.clone()), Task::List]);
    assert_eq!(agenda.next_due(), None);
}

#[test]
fn what_is_older_than_a_change_is_not_believed() {
    let (mut agenda, now) = agenda();
    agenda.take_due(now);
    assert_eq!(agenda.answer_after_inspection(&WEB, 1), None);
    assert_eq!(agenda.inspected(&WEB), None);
    assert_eq!(agenda.take_due(now), [Task::Inspect(WEB.clone())]);
    assert_eq!(agenda.inspected(&WEB), Some(vec![1]));
    assert!(agenda.is_complete());
}

#[test]
fn what_failed_is_repeated_after_a_pause() {
    let (mut agenda, now) = agenda();
    agenda.take_due(now);
    assert_eq!(agenda.inspected(&WEB), Some(Vec::new()));
    agenda.retry(&WEB, now);
    assert_eq!((agenda.take_due(now), agenda.next_due()), (Vec::new(), Some(now + RETRY)));
    assert_eq!(agenda.take_due(now + RETRY), [Task::Inspect(WEB.clone())]);
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

fn numbered(number: u8) -> UnitName {
    UnitName::new(&format!("unit{number}"), UnitKind::Service)
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
    declared: BTreeSet<UnitName>,
    inspected: BTreeSet<UnitName>,
    acted_on: Vec<UnitName>,
    is_listing: bool,
    /// What changed since its inspection began.
    changed: BTreeSet<UnitName>,
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
        match event {
            Event::Declared(unit) => {
                self.agenda.declared(&numbered(unit));
                self.declared.insert(numbered(unit));
                self.changed.insert(numbered(unit));
            }
            Event::Removed(unit) => {
                self.answered.extend(self.agenda.removed(&numbered(unit)));
                self.declared.remove(&numbered(unit));
                self.changed.remove(&numbered(unit));
            }
            Event::Changed(unit) => {
                self.agenda.changed(&numbered(unit));
                self.changed.extend(self.declared.get(&numbered(unit)).cloned());
            }
            Event::ListChanged => self.agenda.list_changed(),
            Event::Connected => {
                self.agenda.connected();
                self.changed.extend(self.declared.iter().cloned());
            }
            Event::Disconnected => self.answered.extend(self.agenda.disconnected()),
            Event::ActionBegun(unit) => {
                self.agenda.action_begun(&numbered(unit));
                self.acted_on.push(numbered(unit));
            }
            Event::ActionEnded(unit) => {
                if let Some(index) = self.acted_on.iter().position(|it| *it == numbered(unit)) {
                    self.acted_on.remove(index);
                    self.agenda.action_ended(&numbered(unit));
                    self.changed.extend(self.declared.get(&numbered(unit)).cloned());
                }
            }
            Event::Inspected(unit, failed) => {
                if self.inspected.remove(&numbered(unit)) {
                    self.end_inspection(&numbered(unit), failed);
                }
            }
            Event::Listed => {
                if std::mem::take(&mut self.is_listing) {
                    self.agenda.listed();
                }
            }
            Event::Answer(unit) => {
                self.asked += 1;
                match self.agenda.answer_after_inspection(&numbered(unit), self.asked) {
                    Some(answer) => self.answered.push(answer),
                    None => _ = self.changed.insert(numbered(unit)),
                }
            }
            Event::Later(seconds) => self.now += Duration::from_secs(seconds),
        }
    }

    /// What it found is believed if nothing changed since it began, and its unit is still there.
    fn end_inspection(&mut self, unit: &UnitName, failed: bool) {
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
            while world.acted_on.contains(&numbered(unit)) {
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
        let kept: BTreeSet<UnitName> = world.agenda.units.keys().cloned().collect();
        prop_assert_eq!(kept, world.declared, "what went away is forgotten");
    }
}
