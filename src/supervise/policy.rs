//! What to restart or stop, and when: a pure function of what was observed.
//!
//! In: the state of each unit, the health of its container, and the time. Out: what to restart or stop, now, and when to ask again.
//! Invariant: repeating what is known already changes nothing, so a snapshot of the whole host may be passed in at any time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::name::UnitName;
use crate::spec::OnUnhealthy;
use crate::systemd::Verb;

/// How soon an action is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// The pause before the second consecutive attempt; it doubles from then on.
    pub first: Duration,
    pub longest: Duration,
    /// After so long without interruption healthy, a unit's attempts count from one again.
    pub recovered: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            longest: Duration::from_secs(5 * 60),
            recovered: Duration::from_secs(10 * 60),
        }
    }
}

/// Whether a unit may be acted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnitActivity {
    /// It does not run, or a job or its end is under way: it is left alone.
    #[default]
    Other,
    /// Active, and no job is under way.
    Running,
}

/// An action that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub unit: UnitName,
    pub verb: Verb,
    /// Counts consecutive attempts, from 1.
    pub attempt: u32,
}

/// What is known of all units.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    pauses: Pauses,
    units: BTreeMap<UnitName, Unit>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Unit {
    on_unhealthy: OnUnhealthy,
    activity: UnitActivity,
    unhealthy: bool,
    /// Since when it has been healthy without interruption.
    healthy_since: Option<Instant>,
    attempts: u32,
    last_attempt: Option<Instant>,
    /// The job of the last attempt has not ended yet.
    under_way: bool,
}

impl Policy {
    pub fn new(pauses: Pauses) -> Self {
        Self { pauses, ..Self::default() }
    }

    /// Other pauses from now on.
    pub fn set_pauses(&mut self, pauses: Pauses) {
        self.pauses = pauses;
    }

    /// Consecutive attempts before this policy began, and when the last one was made.
    pub fn resume(&mut self, unit: &UnitName, attempts: u32, last_attempt: Instant) {
        let unit = self.of(unit);
        (unit.attempts, unit.last_attempt) = (attempts, Some(last_attempt));
    }

    /// What its service asks for, `on_unhealthy`.
    pub fn set_on_unhealthy(&mut self, unit: &UnitName, on_unhealthy: OnUnhealthy) {
        self.of(unit).on_unhealthy = on_unhealthy;
    }

    /// Whether systemd has it running.
    pub fn set_activity(&mut self, unit: &UnitName, activity: UnitActivity) {
        self.of(unit).activity = activity;
    }

    /// Its container is unhealthy.
    pub fn unhealthy(&mut self, unit: &UnitName, now: Instant) {
        self.no_longer_healthy(unit, now).unhealthy = true;
    }

    /// Its container is healthy.
    pub fn healthy(&mut self, unit: &UnitName, now: Instant) {
        let unit = self.of(unit);
        unit.unhealthy = false;
        unit.healthy_since.get_or_insert(now);
    }

    /// Its container is starting, has no health check, or is gone: nothing is known of its health.
    pub fn unknown(&mut self, unit: &UnitName, now: Instant) {
        self.no_longer_healthy(unit, now).unhealthy = false;
    }

    /// It is no longer on this host.
    pub fn forget(&mut self, unit: &UnitName) {
        self.units.remove(unit);
    }

    /// What is due now. Each counts as begun; the caller reports the end of its job by [`Policy::ended`].
    pub fn take_due(&mut self, now: Instant) -> Vec<Decision> {
        let pauses = self.pauses;
        let mut decisions = Vec::new();
        for (name, unit) in &mut self.units {
            let Some((verb, _)) = unit.due(now, pauses).filter(|(_, due)| *due <= now) else { continue };
            unit.attempts += 1;
            unit.last_attempt = Some(now);
            unit.under_way = true;
            decisions.push(Decision { unit: name.clone(), verb, attempt: unit.attempts });
        }
        decisions
    }

    /// The job of a decision has ended.
    pub fn ended(&mut self, unit: &UnitName) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.under_way = false;
        }
    }

    /// A decision was not carried out, as the unit was no longer running: it does not count.
    pub fn left_alone(&mut self, unit: &UnitName) {
        if let Some(unit) = self.units.get_mut(unit).filter(|unit| unit.under_way) {
            unit.under_way = false;
            unit.attempts = unit.attempts.saturating_sub(1);
        }
    }

    /// When [`Policy::take_due`] will next return something, if nothing else happens.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        self.units.values().filter_map(|unit| unit.due(now, self.pauses)).map(|(_, due)| due).min()
    }

    /// Its healthy time ends; if that was long enough, the attempts before it are forgotten.
    fn no_longer_healthy(&mut self, unit: &UnitName, now: Instant) -> &mut Unit {
        let recovered = self.pauses.recovered;
        let unit = self.of(unit);
        if unit.healthy_since.take().is_some_and(|since| now.duration_since(since) >= recovered) {
            (unit.attempts, unit.last_attempt) = (0, None);
        }
        unit
    }

    fn of(&mut self, unit: &UnitName) -> &mut Unit {
        self.units.entry(unit.clone()).or_default()
    }
}

impl Unit {
    /// What is to be done and when; not before `now`.
    fn due(&self, now: Instant, pauses: Pauses) -> Option<(Verb, Instant)> {
        if !self.unhealthy || self.under_way || self.activity != UnitActivity::Running {
            return None;
        }
        let verb = match self.on_unhealthy {
            OnUnhealthy::Restart => Verb::Restart,
            OnUnhealthy::Stop => Verb::Stop,
            OnUnhealthy::None => return None,
        };
        let earliest = self.last_attempt.map(|last| last + pauses.after(self.attempts));
        Some((verb, earliest.map_or(now, |earliest| earliest.max(now))))
    }
}

impl Pauses {
    /// After so many consecutive attempts.
    fn after(self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(16);
        self.first.saturating_mul(2_u32.pow(doublings)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::name::UnitKind;

    const FIRST_PAUSE: Duration = Duration::from_secs(10);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
    static WEB: LazyLock<UnitName> = LazyLock::new(|| UnitName::new("shop-web", UnitKind::Service));

    fn running(unit: &UnitName) -> Policy {
        let mut policy = Policy::default();
        policy.set_activity(unit, UnitActivity::Running);
        policy
    }

    #[test]
    fn the_first_restart_is_at_once_and_the_next_ones_wait_longer_and_longer() {
        let mut policy = running(&WEB);
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for attempt in 1..=8 {
            policy.unhealthy(&WEB, now);
            let due = policy.next_due(now).expect("a restart is due");
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(policy.take_due(now), [Decision { unit: WEB.clone(), verb: Verb::Restart, attempt }]);
            assert_eq!(policy.next_due(now), None, "restarted once, not again");
            policy.unknown(&WEB, now);
            policy.ended(&WEB);
        }
        assert_eq!(pauses, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn ten_healthy_minutes_reset_the_attempts_and_fewer_do_not() {
        let start = Instant::now();
        for (healthy, restarted_meanwhile, waits) in
            [(599, false, true), (600, false, false), (599, true, true), (600, true, false)]
        {
            let mut policy = running(&WEB);
            policy.unhealthy(&WEB, start);
            policy.take_due(start);
            policy.ended(&WEB);
            policy.healthy(&WEB, start);
            let now = start + Duration::from_secs(healthy);
            if restarted_meanwhile {
                policy.unknown(&WEB, now);
            }
            policy.unhealthy(&WEB, now);
            policy.take_due(now);
            policy.ended(&WEB);
            policy.unhealthy(&WEB, now);
            let pause = policy.next_due(now).unwrap() - now;
            assert_eq!(pause > FIRST_PAUSE, waits, "{pause:?} after {healthy} s");
        }
    }

    #[test]
    fn what_was_done_before_is_taken_into_account() {
        let now = Instant::now();
        let mut policy = running(&WEB);
        policy.resume(&WEB, 3, now);
        policy.unhealthy(&WEB, now);
        assert_eq!(policy.next_due(now), Some(now + Duration::from_secs(40)));
        assert_eq!(policy.take_due(now + Duration::from_secs(40))[0].attempt, 4);
    }

    #[test]
    fn an_attempt_that_was_not_made_does_not_count() {
        let now = Instant::now();
        let mut policy = running(&WEB);
        policy.unhealthy(&WEB, now);
        policy.take_due(now);
        policy.left_alone(&WEB);
        policy.left_alone(&WEB);
        assert_eq!(policy.next_due(now), Some(now + FIRST_PAUSE));
        assert_eq!(policy.take_due(now + FIRST_PAUSE)[0].attempt, 1);
    }

    #[test]
    fn the_service_says_what_is_done() {
        let now = Instant::now();
        for (on_unhealthy, verb) in [
            (OnUnhealthy::Restart, Some(Verb::Restart)),
            (OnUnhealthy::Stop, Some(Verb::Stop)),
            (OnUnhealthy::None, None),
        ] {
            let mut policy = running(&WEB);
            policy.set_on_unhealthy(&WEB, on_unhealthy);
            policy.unhealthy(&WEB, now);
            assert_eq!(policy.take_due(now).first().map(|decision| decision.verb), verb);
        }
    }

    /// What may happen to a unit.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Unhealthy,
        Healthy,
        Unknown,
        Runs,
        Busy,
        OnUnhealthy(OnUnhealthy),
        Ended,
        Forgotten,
        /// Seconds pass.
        Later(u64),
    }

    fn numbered(number: u8) -> UnitName {
        UnitName::new(&format!("unit{number}"), UnitKind::Service)
    }

    fn event() -> impl Strategy<Value = (u8, Event)> {
        let settings = prop_oneof![Just(OnUnhealthy::Restart), Just(OnUnhealthy::Stop), Just(OnUnhealthy::None)];
        let event = prop_oneof![
            4 => Just(Event::Unhealthy),
            2 => Just(Event::Healthy),
            1 => Just(Event::Unknown),
            4 => Just(Event::Runs),
            1 => Just(Event::Busy),
            1 => settings.prop_map(Event::OnUnhealthy),
            4 => Just(Event::Ended),
            1 => Just(Event::Forgotten),
            4 => (0_u64..900).prop_map(Event::Later),
        ];
        (0_u8..3, event)
    }

    fn apply(policy: &mut Policy, unit: &UnitName, event: Event, now: &mut Instant) {
        match event {
            Event::Unhealthy => policy.unhealthy(unit, *now),
            Event::Healthy => policy.healthy(unit, *now),
            Event::Unknown => policy.unknown(unit, *now),
            Event::Runs => policy.set_activity(unit, UnitActivity::Running),
            Event::Busy => policy.set_activity(unit, UnitActivity::Other),
            Event::OnUnhealthy(on_unhealthy) => policy.set_on_unhealthy(unit, on_unhealthy),
            Event::Ended => policy.ended(unit),
            Event::Forgotten => policy.forget(unit),
            Event::Later(seconds) => *now += Duration::from_secs(seconds),
        }
    }

    proptest! {
        /// Whatever happens in whatever order.
        #[test]
        fn nothing_is_done_that_must_not_be(events in prop::collection::vec(event(), 0..200)) {
            let mut policy = Policy::default();
            let mut now = Instant::now();
            let mut last: BTreeMap<UnitName, Instant> = BTreeMap::new();
            for (number, event) in events {
                let unit = numbered(number);
                apply(&mut policy, &unit, event, &mut now);
                if matches!(event, Event::Forgotten) {
                    last.remove(&unit);
                }
                let before = policy.clone();
                let due = policy.next_due(now);
                let decisions = policy.take_due(now);
                // What is due is taken, and only that.
                prop_assert_eq!(due.is_some_and(|due| due <= now), !decisions.is_empty());
                for Decision { unit, verb, attempt } in decisions {
                    let known = &before.units[&unit];
                    prop_assert!(known.unhealthy && known.activity == UnitActivity::Running && !known.under_way);
                    prop_assert_eq!(known.on_unhealthy == OnUnhealthy::Stop, verb == Verb::Stop);
                    prop_assert!(known.on_unhealthy != OnUnhealthy::None);
                    // Never sooner than ten seconds after the last, however often a container says that it is healthy in between.
                    if let Some(last) = last.insert(unit, now).filter(|_| attempt > 1) {
                        prop_assert!(now - last >= FIRST_PAUSE);
                    }
                }
                // Nothing is due twice.
                prop_assert_eq!(policy.take_due(now), Vec::new());
            }
        }

        /// What hangs and may be restarted is restarted, at the latest after the longest pause.
        #[test]
        fn nobody_is_left_hanging(events in prop::collection::vec(event(), 0..200)) {
            let mut policy = Policy::default();
            let mut now = Instant::now();
            for (number, event) in events {
                apply(&mut policy, &numbered(number), event, &mut now);
                policy.take_due(now);
            }
            policy.set_on_unhealthy(&WEB, OnUnhealthy::Restart);
            policy.set_activity(&WEB, UnitActivity::Running);
            policy.unhealthy(&WEB, now);
            policy.ended(&WEB);
            let later = now + LONGEST_PAUSE;
            let taken = policy.next_due(now).is_some_and(|due| due <= later) && !policy.take_due(later).is_empty();
            prop_assert!(taken);
        }

        /// A snapshot of the whole host may be passed in at any time.
        #[test]
        fn repeating_an_event_changes_nothing(events in prop::collection::vec(event(), 0..100)) {
            let mut policy = Policy::default();
            let mut now = Instant::now();
            for (number, event) in events {
                let unit = numbered(number);
                apply(&mut policy, &unit, event, &mut now);
                if !matches!(event, Event::Later(_)) {
                    let once = policy.clone();
                    apply(&mut policy, &unit, event, &mut now);
                    prop_assert_eq!(&policy, &once);
                }
                policy.take_due(now);
            }
        }
    }
}
