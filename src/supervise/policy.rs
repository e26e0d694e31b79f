//! When to restart what is unhealthy: at once the first time, then after growing pauses.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The pause before the second restart in a row; it doubles from then on.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Healthy for so long, a unit begins anew.
const RECOVERED: Duration = Duration::from_secs(10 * 60);

/// What is remembered of each unit that was unhealthy.
#[derive(Debug, Default)]
pub struct Policy {
    units: BTreeMap<String, Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    restarts: u32,
    last_restart: Option<Instant>,
    healthy_since: Option<Instant>,
    due: Option<Instant>,
}

impl Policy {
    /// A unit's container is unhealthy: its restart becomes due.
    pub fn unhealthy(&mut self, unit: &str, now: Instant) {
        let trouble = self.units.entry(unit.to_owned()).or_default();
        if trouble.healthy_since.take().is_some_and(|since| now.duration_since(since) >= RECOVERED) {
            *trouble = Trouble::default();
        }
        if trouble.due.is_none() {
            let earliest = trouble.last_restart.map(|last| last + pause(trouble.restarts));
            trouble.due = Some(earliest.map_or(now, |earliest| earliest.max(now)));
        }
    }

    /// A unit's container is healthy, or begins anew.
    pub fn healthy(&mut self, unit: &str, now: Instant) {
        if let Some(trouble) = self.units.get_mut(unit) {
            trouble.due = None;
            trouble.healthy_since.get_or_insert(now);
        }
    }

    /// The units to restart now; each counts as restarted.
    pub fn take_due(&mut self, now: Instant) -> Vec<String> {
        let due = self.units.iter_mut().filter(|(_, trouble)| trouble.due.is_some_and(|due| due <= now));
        due.map(|(unit, trouble)| {
            trouble.due = None;
            trouble.restarts += 1;
            trouble.last_restart = Some(now);
            unit.clone()
        })
        .collect()
    }

    /// When [`Policy::take_due`] will next have something.
    pub fn next_due(&self) -> Option<Instant> {
        self.units.values().filter_map(|trouble| trouble.due).min()
    }
}

fn pause(restarts: u32) -> Duration {
    let doublings = restarts.saturating_sub(1).min(16);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_next_ones_wait_longer_and_longer() {
        let mut policy = Policy::default();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            policy.unhealthy("web.service", now);
            let due = policy.next_due().expect("a restart is due");
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(policy.take_due(now), ["web.service"]);
            assert_eq!(policy.next_due(), None, "restarted once, not again");
        }
        assert_eq!(pauses, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn ten_healthy_minutes_make_a_unit_begin_anew_and_fewer_do_not() {
        let start = Instant::now();
        for (healthy, pause) in [(599, true), (600, false)] {
            let mut policy = Policy::default();
            policy.unhealthy("web.service", start);
            policy.take_due(start);
            policy.unhealthy("web.service", start);
            let second = policy.next_due().unwrap();
            policy.take_due(second);
            policy.healthy("web.service", second);
            let now = second + Duration::from_secs(healthy);
            policy.unhealthy("web.service", now);
            policy.take_due(now);
            policy.unhealthy("web.service", now);
            let pauses = policy.next_due().unwrap() - now;
            assert_eq!(pauses > FIRST_PAUSE, pause, "{pauses:?} after {healthy} s");
        }
    }

    #[test]
    fn a_unit_that_recovers_before_its_restart_is_due_is_left_alone() {
        let mut policy = Policy::default();
        let now = Instant::now();
        policy.unhealthy("web.service", now);
        policy.take_due(now);
        policy.unhealthy("web.service", now);
        policy.healthy("web.service", now);
        assert_eq!(policy.next_due(), None);
    }
}
