//! All that is known of one container: its declaration, the state of its unit, what the engine has.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::action::Reason;
use super::declared::Declared;
use super::drift::Difference;
use crate::engine::Health;
use crate::spec::exit;
use crate::systemd::{ActiveState, UnitResult, UnitState};

/// One container, whether it runs or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub declared: Declared,
    pub unit: UnitState,
    pub observed: Observed,
    /// The id of a container that seems to be this one, until its inspection shows whether it is; empty: none.
    pub candidate: String,
    pub restarts: Restarts,
    /// systemd restarts it again and again.
    pub crash_loop: bool,
    /// The engine does not answer, and the container has no process any more: its health is not what it was.
    pub is_lost: bool,
    /// With which status the container ended last, or by which signal; `None`: it has not since wharfd was started.
    pub last_exit: Option<i32>,
}

impl Facts {
    /// Nothing has been observed yet.
    pub fn new(declared: Declared, unit: UnitState) -> Self {
        let (observed, restarts) = (Observed::default(), Restarts::default());
        let candidate = String::new();
        Self { declared, unit, observed, candidate, restarts, crash_loop: false, is_lost: false, last_exit: None }
    }

    /// `none`, `starting`, `healthy`, `unhealthy`; `unknown` of a container that has ended with the engine; empty: nothing runs.
    pub fn health(&self) -> &str {
        match &self.observed.health {
            Some(health) if self.is_lost && *health != Health::NONE => "unknown",
            health => health.as_ref().map_or("", AsRef::as_ref),
        }
    }

    /// Whether its last end says something about the container: not that the engine was away.
    pub fn is_crash(&self) -> bool {
        self.last_exit != Some(i32::from(exit::UNAVAILABLE))
    }
}

/// The definition as it was read last, and the container as the engine showed it last. Empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// The image that the definition names.
    pub image: String,
    /// The definition's hash.
    pub spec_hash: String,
    pub container_id: String,
    /// A container that looks like this one and that Wharf has not made: by its name, or as an image handed the labels on.
    pub foreign_id: String,
    pub image_id: String,
    /// The hash of the definition that the container was made of.
    pub running_spec_hash: String,
    /// `None`: nothing runs, or its health is not known yet.
    pub health: Option<Health>,
    /// What the healthcheck printed last.
    pub health_output: String,
    /// As `docker ps` shows them.
    pub ports: Vec<String>,
    pub drift: Vec<Difference>,
}

/// The restarts since wharfd was started: by systemd after a failure, by wharfd, and through it; not those by `systemctl`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restarts {
    by_reason: BTreeMap<RestartReason, u32>,
    pub last: Option<Restart>,
    /// How the unit failed last, as systemd forgets it with the next start.
    failure: Option<(RestartReason, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    pub at: SystemTime,
    pub reason: RestartReason,
    /// More, for people: the exit status, who made the request. Everybody sees it: nothing that a container printed.
    pub detail: String,
}

/// Who restarted a unit, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartReason {
    /// systemd, because of this result; `success`: the container had ended by itself.
    Systemd(UnitResult),
    /// systemd, because the engine was away, or the container whose namespace this one shares.
    Unavailable,
    Wharfd(Reason),
}

impl RestartReason {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Systemd(result) => result.as_str(),
            Self::Unavailable => "unavailable",
            Self::Wharfd(reason) => reason.as_str(),
        }
    }
}

impl Restarts {
    /// How many there were, by reason.
    pub fn by_reason(&self) -> impl Iterator<Item = (&str, u32)> {
        self.by_reason.iter().map(|(reason, count)| (reason.as_str(), *count))
    }

    pub fn count(&self) -> u32 {
        self.by_reason.values().sum()
    }

    pub fn add(&mut self, restart: Restart) {
        *self.by_reason.entry(restart.reason.clone()).or_default() += 1;
        self.last = Some(restart);
    }

    /// Looks at the unit as it was and as it is: systemd may have restarted it meanwhile, and says why only until it has.
    pub fn compare(&mut self, before: &UnitState, now: &UnitState) -> Option<Restart> {
        if now.result.is_failure() {
            let detail = if now.exec_main_status == 0 { String::new() } else { now.exec_main_status.to_string() };
            let is_unavailable =
                now.result == UnitResult::ExitCode && now.exec_main_status == i32::from(exit::UNAVAILABLE);
            let reason =
                if is_unavailable { RestartReason::Unavailable } else { RestartReason::Systemd(now.result.clone()) };
            self.failure = Some((reason, detail));
        }
        if now.restarts <= before.restarts {
            // Started by somebody else since.
            if now.result == UnitResult::Success && now.active == ActiveState::Active {
                self.failure = None;
            }
            return None;
        }
        let success = || (RestartReason::Systemd(UnitResult::Success), String::new());
        let (reason, detail) = self.failure.take().unwrap_or_else(success);
        let restart = Restart { at: SystemTime::now(), reason, detail };
        self.add(restart.clone());
        Some(restart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_by_systemd_has_the_result_from_before_it() {
        let mut restarts = Restarts::default();
        let running = UnitState { result: UnitResult::Success, ..UnitState::default() };
        let failed = UnitState { result: UnitResult::ExitCode, exec_main_status: 3, ..UnitState::default() };
        let again = UnitState { restarts: 1, ..running.clone() };
        assert_eq!(restarts.compare(&running, &failed), None);
        let restart = restarts.compare(&failed, &again).unwrap();
        assert_eq!((restart.reason.as_str(), restart.detail.as_str()), ("exit-code", "3"));
        let away = UnitState { exec_main_status: 250, ..failed.clone() };
        let twice = UnitState { restarts: 2, ..running.clone() };
        assert_eq!(restarts.compare(&again, &away), None);
        assert_eq!(restarts.compare(&away, &twice).unwrap().reason.as_str(), "unavailable");
        // Started by hand, systemd counts from zero; then the container ends well.
        let by_hand = UnitState { active: ActiveState::Active, ..running.clone() };
        assert_eq!(restarts.compare(&again, &failed), None);
        assert_eq!(restarts.compare(&failed, &by_hand), None);
        assert_eq!(restarts.compare(&by_hand, &again).unwrap().reason.as_str(), "success");
        assert_eq!(restarts.count(), 3);
    }
}
