//! Whether a unit that was replaced does what it should. Pure.
//!
//! Invariant: a unit that systemd restarts by itself has failed, although it never is `failed` for long.

use crate::printable::one_line;
use crate::spec::exit;
use crate::systemd::{ActiveState, UnitResult, UnitState};

/// The longest text of a unit or a probe that is shown, in characters.
pub const LONGEST: usize = 160;

/// Only the journal knows more.
pub const RESTARTED: &str = "it was restarted";

/// What is to be thought of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has not got there yet.
    Starting,
    Good,
    Bad(String),
}

/// Judges a unit that is replaced. `before`: its invocation until then; `since`: its first one after that, once it has started; `health`:
/// that of its container.
pub fn judge(state: &UnitState, before: Option<[u8; 16]>, since: Option<[u8; 16]>, health: &Health) -> Verdict {
    let is_new = state.invocation != before;
    let engine_is_away = state.exec_main_status == i32::from(exit::UNAVAILABLE);
    if let Some(since) = since
        && state.invocation.is_some_and(|now| now != since)
        && state.active.is_running()
    {
        return Verdict::Bad(RESTARTED.to_owned());
    }
    if is_new && !engine_is_away && (state.sub.is_auto_restart() || (state.restarts > 0 && since.is_none())) {
        return Verdict::Bad(ended(state, "crashed"));
    }
    match (&state.active, health) {
        (ActiveState::Failed, _) => Verdict::Bad(ended(state, "crashed")),
        (ActiveState::Inactive, _) if since.is_some() && state.result.is_failure() => {
            Verdict::Bad(ended(state, "crashed"))
        }
        (ActiveState::Inactive, _) if since.is_some() => Verdict::Good,
        (ActiveState::Active | ActiveState::Reloading | ActiveState::Refreshing, Health::Unhealthy(output)) => {
            Verdict::Bad(if output.is_empty() { "unhealthy".to_owned() } else { format!("unhealthy: {output}") })
        }
        (_, Health::Starting) => Verdict::Starting,
        (ActiveState::Active | ActiveState::Reloading | ActiveState::Refreshing, _) => Verdict::Good,
        _ => Verdict::Starting,
    }
}

/// How the main process of a unit ended, in the words of `wharf history`, or why it did not start. `verb`: what that is called.
pub fn ended(state: &UnitState, verb: &str) -> String {
    let status = state.exec_main_status;
    let text = one_line(&state.status_text, LONGEST);
    let how = match (status, &state.result) {
        (0, result) if !result.is_failure() => RESTARTED.to_owned(),
        (0, result) => format!("it failed: {result}"),
        // The text says why.
        (status, _) if status == i32::from(exit::CANNOT_START) && !text.is_empty() => return text,
        (status, UnitResult::Signal | UnitResult::CoreDump) => format!("{verb}: signal {status}"),
        (status, _) => format!("{verb}: exit status {status}"),
    };
    let says_more = !text.is_empty() && !text.ends_with(&format!("exited with status {status}"));
    if says_more { format!("{how}: {text}") } else { how }
}

/// The health of a container, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is healthy, or nothing checks it.
    Fine,
    Starting,
    /// With what the last probe printed.
    Unhealthy(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemd::{SubState, UnitResult};

    const BEFORE: Option<[u8; 16]> = Some([1; 16]);
    const NOW: Option<[u8; 16]> = Some([2; 16]);
    const LATER: Option<[u8; 16]> = Some([3; 16]);

    fn state(active: ActiveState, sub: SubState, invocation: Option<[u8; 16]>) -> UnitState {
        UnitState { active, sub, invocation, ..UnitState::default() }
    }

    fn bad(reason: &str) -> Verdict {
        Verdict::Bad(reason.to_owned())
    }

    #[test]
    fn a_unit_is_good_while_it_runs_as_it_was_started_and_is_not_unhealthy() {
        let runs = || state(ActiveState::Active, SubState::Running, NOW);
        assert_eq!(judge(&runs(), BEFORE, NOW, &Health::Fine), Verdict::Good);
        assert_eq!(judge(&runs(), BEFORE, NOW, &Health::Starting), Verdict::Starting);
        assert_eq!(judge(&runs(), BEFORE, NOW, &Health::Unhealthy("no".to_owned())), bad("unhealthy: no"));
        let again = state(ActiveState::Active, SubState::Running, LATER);
        assert_eq!(judge(&again, BEFORE, NOW, &Health::Fine), bad(RESTARTED));
        // A service that has done its work.
        let done = state(ActiveState::Inactive, SubState::Dead, NOW);
        assert_eq!(judge(&done, BEFORE, NOW, &Health::Fine), Verdict::Good);
        let failed = UnitState { result: UnitResult::ExitCode, exec_main_status: 3, ..done };
        assert_eq!(judge(&failed, BEFORE, NOW, &Health::Fine), bad("crashed: exit status 3"));
    }

    #[test]
    fn a_unit_that_systemd_tries_again_has_failed_unless_the_engine_is_away() {
        let stopping = UnitState { restarts: 4, ..state(ActiveState::Deactivating, SubState::Running, BEFORE) };
        assert_eq!(judge(&stopping, BEFORE, None, &Health::Fine), Verdict::Starting);
        let starting = state(ActiveState::Activating, SubState::Start, NOW);
        assert_eq!(judge(&starting, BEFORE, None, &Health::Fine), Verdict::Starting);
        let waits = UnitState { exec_main_status: 7, ..state(ActiveState::Activating, SubState::AutoRestart, NOW) };
        assert_eq!(judge(&waits, BEFORE, None, &Health::Fine), bad("crashed: exit status 7"));
        let again = UnitState { restarts: 1, ..state(ActiveState::Activating, SubState::Start, LATER) };
        assert_eq!(judge(&again, BEFORE, None, &Health::Fine), bad(RESTARTED));
        let away = UnitState { exec_main_status: i32::from(exit::UNAVAILABLE), ..waits };
        assert_eq!(judge(&away, BEFORE, None, &Health::Fine), Verdict::Starting);
    }
}
