//! What is to be done, and when: a pure function of what was seen.
//!
//! In: how each unit and its container fare, and the time. Out: what to restart or stop, now, and when to ask again.
//! Invariant: telling twice what is known already changes nothing, so a picture of the whole host may be told at any time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::spec::OnUnhealthy;
use crate::systemd::Act;

/// How soon an act is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// The pause before the second act in a row; it doubles from then on.
    pub first: Duration,
    pub longest: Duration,
    /// Healthy for so long, a unit begins anew.
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

/// How systemd has a unit stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// It does not run, or its administrator, or a job of somebody, is at it: hands off.
    #[default]
    Other,
    /// Active, with nothing under way.
    Running,
}

/// An act that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub unit: String,
    pub act: Act,
    /// The how manieth in a row.
    pub attempt: u32,
}

/// What is known of all units.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    pauses: Pauses,
    units: BTreeMap<String, Unit>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Unit {
    wish: OnUnhealthy,
    standing: Standing,
    unhealthy: bool,
    /// Since when it has been healthy without interruption.
    healthy_since: Option<Instant>,
    acts: u32,
    last_act: Option<Instant>,
    /// Its job has not ended yet.
    under_way: bool,
}

impl Policy {
    pub fn new(pauses: Pauses) -> Self {
        Self { pauses, ..Self::default() }
    }

    /// From now on.
    pub fn pause_for(&mut self, pauses: Pauses) {
        self.pauses = pauses;
    }

    /// What was done before this policy began: so many acts in a row, the last one then.
    pub fn resume(&mut self, unit: &str, acts: u32, last_act: Instant) {
        let unit = self.of(unit);
        (unit.acts, unit.last_act) = (acts, Some(last_act));
    }

    /// What its service wants.
    pub fn wants(&mut self, unit: &str, wish: OnUnhealthy) {
        self.of(unit).wish = wish;
    }

    /// How systemd has it stand.
    pub fn stands(&mut self, unit: &str, standing: Standing) {
        self.of(unit).standing = standing;
    }

    /// Its container is unhealthy.
    pub fn unhealthy(&mut self, unit: &str, now: Instant) {
        self.no_longer_healthy(unit, now).unhealthy = true;
    }

    /// Its container is healthy.
    pub fn healthy(&mut self, unit: &str, now: Instant) {
        let unit = self.of(unit);
        unit.unhealthy = false;
        unit.healthy_since.get_or_insert(now);
    }

    /// Its container is starting, has no health check, or is gone: nothing is known of its health.
    pub fn unknown(&mut self, unit: &str, now: Instant) {
        self.no_longer_healthy(unit, now).unhealthy = false;
    }

    /// It is no longer on this host.
    pub fn forget(&mut self, unit: &str) {
        self.units.remove(unit);
    }

    /// All units of which something is known.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        self.units.keys().map(String::as_str)
    }

    /// What is due now. Each counts as done at once; that its job has ended is to be told by [`Policy::ended`].
    pub fn take_due(&mut self, now: Instant) -> Vec<Decision> {
        let pauses = self.pauses;
        let mut decisions = Vec::new();
        for (name, unit) in &mut self.units {
            let Some((act, _)) = unit.due(now, pauses).filter(|(_, due)| *due <= now) else { continue };
            unit.acts += 1;
            unit.last_act = Some(now);
            unit.under_way = true;
            decisions.push(Decision { unit: name.clone(), act, attempt: unit.acts });
        }
        decisions
    }

    /// The job of a decision has ended.
    pub fn ended(&mut self, unit: &str) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.under_way = false;
        }
    }

    /// A decision was not carried out, as the unit turned out to stand otherwise: it does not count.
    pub fn left_alone(&mut self, unit: &str) {
        if let Some(unit) = self.units.get_mut(unit).filter(|unit| unit.under_way) {
            unit.under_way = false;
            unit.acts = unit.acts.saturating_sub(1);
        }
    }

    /// When [`Policy::take_due`] will next have something, if nothing else happens.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        self.units.values().filter_map(|unit| unit.due(now, self.pauses)).map(|(_, due)| due).min()
    }

    /// Its healthy time ends; if that was long enough, all acts before it are forgotten.
    fn no_longer_healthy(&mut self, unit: &str, now: Instant) -> &mut Unit {
        let recovered = self.pauses.recovered;
        let unit = self.of(unit);
        if unit.healthy_since.take().is_some_and(|since| now.duration_since(since) >= recovered) {
            (unit.acts, unit.last_act) = (0, None);
        }
        unit
    }

    fn of(&mut self, unit: &str) -> &mut Unit {
        self.units.entry(unit.to_owned()).or_default()
    }
}

impl Unit {
    /// What is to be done and when; not before `now`.
    fn due(&self, now: Instant, pauses: Pauses) -> Option<(Act, Instant)> {
        if !self.unhealthy || self.under_way || self.standing != Standing::Running {
            return None;
        }
        let act = match self.wish {
            OnUnhealthy::Restart => Act::Restart,
            OnUnhealthy::Stop => Act::Stop,
            OnUnhealthy::None => return None,
        };
        let earliest = self.last_act.map(|last| last + pauses.after(self.acts));
        Some((act, earliest.map_or(now, |earliest| earliest.max(now))))
    }
}

impl Pauses {
    /// After so many acts in a row.
    fn after(self, acts: u32) -> Duration {
        let doublings = acts.saturating_sub(1).min(16);
        self.first.saturating_mul(2_u32.pow(doublings)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST_PAUSE: Duration = Duration::from_secs(10);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
    const WEB: &str = "shop-web.service";

    fn running(unit: &str) -> Policy {
        let mut policy = Policy::default();
        policy.stands(unit, Standing::Running);
        policy
    }

    #[test]
    fn the_first_restart_is_at_once_and_the_next_ones_wait_longer_and_longer() {
        let mut policy = running(WEB);
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for attempt in 1..=8 {
            policy.unhealthy(WEB, now);
            let due = policy.next_due(now).expect("a restart is due");
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(policy.take_due(now), [Decision { unit: WEB.into(), act: Act::Restart, attempt }]);
            assert_eq!(policy.next_due(now), None, "restarted once, not again");
            policy.unknown(WEB, now);
            policy.ended(WEB);
        }
        assert_eq!(pauses, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn ten_healthy_minutes_make_a_unit_begin_anew_and_fewer_do_not() {
        let start = Instant::now();
        for (healthy, restarted_meanwhile, waits) in
            [(599, false, true), (600, false, false), (599, true, true), (600, true, false)]
        {
            let mut policy = running(WEB);
            policy.unhealthy(WEB, start);
            policy.take_due(start);
            policy.ended(WEB);
            policy.healthy(WEB, start);
            let now = start + Duration::from_secs(healthy);
            if restarted_meanwhile {
                policy.unknown(WEB, now);
            }
            policy.unhealthy(WEB, now);
            policy.take_due(now);
            policy.ended(WEB);
            policy.unhealthy(WEB, now);
            let pause = policy.next_due(now).unwrap() - now;
            assert_eq!(pause > FIRST_PAUSE, waits, "{pause:?} after {healthy} s");
        }
    }

    #[test]
    fn what_was_done_before_is_taken_into_account() {
        let now = Instant::now();
        let mut policy = running(WEB);
        policy.resume(WEB, 3, now);
        policy.unhealthy(WEB, now);
        assert_eq!(policy.next_due(now), Some(now + Duration::from_secs(40)));
        assert_eq!(policy.take_due(now + Duration::from_secs(40))[0].attempt, 4);
    }

    #[test]
    fn an_act_that_was_not_done_does_not_count() {
        let now = Instant::now();
        let mut policy = running(WEB);
        policy.unhealthy(WEB, now);
        policy.take_due(now);
        policy.left_alone(WEB);
        policy.left_alone(WEB);
        assert_eq!(policy.next_due(now), Some(now + FIRST_PAUSE));
        assert_eq!(policy.take_due(now + FIRST_PAUSE)[0].attempt, 1);
    }

    #[test]
    fn the_service_says_what_is_done() {
        let now = Instant::now();
        for (wish, act) in [
            (OnUnhealthy::Restart, Some(Act::Restart)),
            (OnUnhealthy::Stop, Some(Act::Stop)),
            (OnUnhealthy::None, None),
        ] {
            let mut policy = running(WEB);
            policy.wants(WEB, wish);
            policy.unhealthy(WEB, now);
            assert_eq!(policy.take_due(now).first().map(|decision| decision.act), act);
        }
    }

    /// What may be told of a unit.
    #[derive(Debug, Clone, Copy)]
    enum Told {
        Unhealthy,
        Healthy,
        Unknown,
        Runs,
        StandsOtherwise,
        Wants(OnUnhealthy),
        Ended,
        Forgotten,
        /// Seconds pass.
        Later(u64),
    }

    fn told() -> impl Strategy<Value = (u8, Told)> {
        let wishes = prop_oneof![Just(OnUnhealthy::Restart), Just(OnUnhealthy::Stop), Just(OnUnhealthy::None)];
        let event = prop_oneof![
            4 => Just(Told::Unhealthy),
            2 => Just(Told::Healthy),
            1 => Just(Told::Unknown),
            4 => Just(Told::Runs),
            1 => Just(Told::StandsOtherwise),
            1 => wishes.prop_map(Told::Wants),
            4 => Just(Told::Ended),
            1 => Just(Told::Forgotten),
            4 => (0_u64..900).prop_map(Told::Later),
        ];
        (0_u8..3, event)
    }

    fn tell(policy: &mut Policy, unit: &str, event: Told, now: &mut Instant) {
        match event {
            Told::Unhealthy => policy.unhealthy(unit, *now),
            Told::Healthy => policy.healthy(unit, *now),
            Told::Unknown => policy.unknown(unit, *now),
            Told::Runs => policy.stands(unit, Standing::Running),
            Told::StandsOtherwise => policy.stands(unit, Standing::Other),
            Told::Wants(wish) => policy.wants(unit, wish),
            Told::Ended => policy.ended(unit),
            Told::Forgotten => policy.forget(unit),
            Told::Later(seconds) => *now += Duration::from_secs(seconds),
        }
    }

    proptest! {
        /// Whatever happens in whatever order.
        #[test]
        fn nothing_is_done_that_must_not_be(events in prop::collection::vec(told(), 0..200)) {
            let mut policy = Policy::default();
            let mut now = Instant::now();
            let mut last: BTreeMap<String, Instant> = BTreeMap::new();
            for (unit, event) in events {
                let unit = format!("unit{unit}.service");
                tell(&mut policy, &unit, event, &mut now);
                if matches!(event, Told::Forgotten) {
                    last.remove(&unit);
                }
                let before = policy.clone();
                let due = policy.next_due(now);
                let decisions = policy.take_due(now);
                // What is due is taken, and only that.
                prop_assert_eq!(due.is_some_and(|due| due <= now), !decisions.is_empty());
                for Decision { unit, act, attempt } in decisions {
                    let known = &before.units[&unit];
                    prop_assert!(known.unhealthy && known.standing == Standing::Running && !known.under_way);
                    prop_assert_eq!(known.wish == OnUnhealthy::Stop, act == Act::Stop);
                    prop_assert!(known.wish != OnUnhealthy::None);
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
        fn nobody_is_left_hanging(events in prop::collection::vec(told(), 0..200)) {
            let mut policy = Policy::default();
            let mut now = Instant::now();
            for (unit, event) in events {
                tell(&mut policy, &format!("unit{unit}.service"), event, &mut now);
                policy.take_due(now);
            }
            policy.wants(WEB, OnUnhealthy::Restart);
            policy.stands(WEB, Standing::Running);
            policy.unhealthy(WEB, now);
            policy.ended(WEB);
            let later = now + LONGEST_PAUSE;
            let taken = policy.next_due(now).is_some_and(|due| due <= later) && !policy.take_due(later).is_empty();
            prop_assert!(taken);
        }

        /// A picture of the whole host may be told again at any time.
        #[test]
        fn telling_twice_changes_nothing(events in prop::collection::vec(told(), 0..100)) {
            let mut policy = Policy::default();
            let mut now = Instant::now();
            for (unit, event) in events {
                let unit = format!("unit{unit}.service");
                tell(&mut policy, &unit, event, &mut now);
                if !matches!(event, Told::Later(_)) {
                    let once = policy.clone();
                    tell(&mut policy, &unit, event, &mut now);
                    prop_assert_eq!(&policy, &once);
                }
                policy.take_due(now);
            }
        }
    }
}
