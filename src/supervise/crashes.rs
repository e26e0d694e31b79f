//! Crash loops: units that systemd restarts again and again, and that are never failed for long enough to be seen.
//!
//! In: each restart and the time. Out: which units begin to loop, and which have ended; a pure decision.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::name::UnitName;

/// So many restarts in this time are a loop.
pub const MANY: usize = 5;
pub const WITHIN: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Default)]
pub struct Crashes {
    units: BTreeMap<UnitName, Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    restarts: VecDeque<Instant>,
    is_loop: bool,
}

impl Crashes {
    /// systemd has restarted the unit. Whether a loop begins by it.
    pub fn restarted(&mut self, unit: &UnitName, now: Instant) -> bool {
        let recent = self.units.entry(unit.clone()).or_default();
        recent.restarts.push_back(now);
        while recent.restarts.len() > MANY {
            recent.restarts.pop_front();
        }
        let first = recent.restarts.front().copied();
        let are_many = recent.restarts.len() == MANY && first.is_some_and(|first| now.duration_since(first) <= WITHIN);
        are_many && !std::mem::replace(&mut recent.is_loop, true)
    }

    /// Those whose last restart is so long ago that their loop has ended.
    pub fn take_ended(&mut self, now: Instant) -> Vec<UnitName> {
        let is_past = |recent: &Recent| recent.end().is_none_or(|end| end <= now);
        let ended = self.units.iter().filter(|(_, recent)| recent.is_loop && is_past(recent));
        let ended = ended.map(|(unit, _)| unit.clone()).collect();
        self.units.retain(|_, recent| !is_past(recent));
        ended
    }

    /// When the next loop ends, if there is no further restart.
    pub fn next_due(&self) -> Option<Instant> {
        self.units.values().filter(|recent| recent.is_loop).filter_map(Recent::end).min()
    }

    pub fn forget(&mut self, unit: &UnitName) {
        self.units.remove(unit);
    }
}

impl Recent {
    fn end(&self) -> Option<Instant> {
        self.restarts.back().map(|last| *last + WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> UnitName {
        UnitName::parse("shop-web.service").unwrap()
    }

    #[test]
    fn a_loop_begins_with_the_fifth_restart_and_ends_when_none_came_for_long() {
        let (mut crashes, start) = (Crashes::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let began: Vec<bool> = (0..8).map(|number| crashes.restarted(&unit(), at(number * 60))).collect();
        assert_eq!(began, [false, false, false, false, true, false, false, false], "it is told once");
        assert_eq!(crashes.next_due(), Some(at(7 * 60 + 600)));
        assert!(crashes.take_ended(at(7 * 60 + 599)).is_empty());
        assert_eq!(crashes.take_ended(at(7 * 60 + 600)), [unit()]);
        assert_eq!((crashes.next_due(), crashes.take_ended(at(9000)).len()), (None, 0));
    }

    #[test]
    fn restarts_now_and_then_are_no_loop() {
        let (mut crashes, start) = (Crashes::default(), Instant::now());
        for number in 0..100 {
            assert!(!crashes.restarted(&unit(), start + Duration::from_secs(number * 151)));
        }
        assert_eq!(crashes.next_due(), None);
        crashes.forget(&unit());
        assert!((0..4).all(|_| !crashes.restarted(&unit(), start)));
    }
}
