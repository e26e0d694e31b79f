//! From an error to the exit status by which systemd tries again, or reports the failure.

use std::process::ExitCode;

use super::error::StartError;
use super::message;
use crate::engine::EngineError;
use crate::spec::exit;
use crate::systemd::own_unit::{self, StartHistory};
use crate::systemd::service;

/// A start that failed before the unit was ever ready is tried this many times, so that `systemctl start` has an answer; a unit
/// that was ready once is restarted without limit.
const FIRST_ATTEMPTS: u32 = 3;

/// Reports why there is no running container.
pub fn start_failed(error: &StartError) -> ExitCode {
    failed(&error.to_string(), exit_status(error, own_unit::start_history()))
}

/// Reports a failure in the journal and as the unit's status.
pub fn failed(reason: &str, status: u8) -> ExitCode {
    message::error(reason);
    service::status(reason);
    ExitCode::from(status)
}

/// `history`: the unit's starts so far; `None`: this process is not part of a unit that would be started again.
pub fn exit_status(error: &StartError, history: Option<StartHistory>) -> u8 {
    if matches!(error, StartError::Engine { error, .. } if error.is_unreachable()) {
        return without_engine(history);
    }
    match history {
        Some(history) if history.was_active => exit::TRY_AGAIN,
        Some(history) if is_temporary(error) && is_tried_again(history) => exit::TRY_AGAIN,
        _ => exit::CANNOT_START,
    }
}

/// The exit status while the engine cannot be reached.
pub fn without_engine(history: Option<StartHistory>) -> u8 {
    match history {
        Some(history) if history.was_active || is_tried_again(history) => exit::UNAVAILABLE,
        _ => exit::CANNOT_START,
    }
}

fn is_tried_again(history: StartHistory) -> bool {
    history.restarts + 1 < FIRST_ATTEMPTS
}

/// Whether another attempt may succeed without anybody changing anything.
fn is_temporary(error: &StartError) -> bool {
    match error {
        // A conflict: somebody else removes the container, or made one of its name, in this moment.
        StartError::Engine { error, .. } => {
            matches!(error, EngineError::Refused(_) | EngineError::RegistryAway(_) | EngineError::Conflict(_))
        }
        StartError::NeverReady(_)
        | StartError::Removed
        | StartError::Resource(_)
        | StartError::NoOwner(_)
        | StartError::Hook(_)
        | StartError::Stopped => true,
        StartError::File(_)
        | StartError::NameTaken(_)
        | StartError::VolumeTaken { .. }
        | StartError::NoVolume(_)
        | StartError::NoNetwork(_)
        | StartError::NoImage(_)
        | StartError::NotBuilt { .. }
        | StartError::Labelled { .. }
        | StartError::LargeLabels(_)
        | StartError::NoCommand(_)
        | StartError::NoHealthcheck => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine_error(error: EngineError) -> StartError {
        StartError::Engine { step: "cannot start".to_owned(), error }
    }

    #[test]
    fn a_first_start_is_tried_three_times_and_a_hopeless_one_once() {
        let refused = engine_error(EngineError::Refused("port is taken".into()));
        let hopeless = StartError::NoImage("shop:1".to_owned());
        let first = |restarts| Some(StartHistory { restarts, was_active: false });
        let statuses: Vec<u8> = (0..4).map(|restarts| exit_status(&refused, first(restarts))).collect();
        assert_eq!(statuses, [exit::TRY_AGAIN, exit::TRY_AGAIN, exit::CANNOT_START, exit::CANNOT_START]);
        assert_eq!(exit_status(&hopeless, first(0)), exit::CANNOT_START);
        assert_eq!(exit_status(&refused, None), exit::CANNOT_START);
    }

    #[test]
    fn what_was_active_once_is_always_tried_again() {
        let before = Some(StartHistory { restarts: 100, was_active: true });
        assert_eq!(exit_status(&StartError::NoHealthcheck, before), exit::TRY_AGAIN);
    }

    #[test]
    fn an_engine_that_is_away_is_waited_for_without_end_only_by_what_was_active() {
        let away = engine_error(EngineError::Unreachable("connection refused".into()));
        let status = |restarts, was_active| exit_status(&away, Some(StartHistory { restarts, was_active }));
        assert_eq!(
            [status(0, false), status(1, false), status(2, false)],
            [exit::UNAVAILABLE, exit::UNAVAILABLE, exit::CANNOT_START]
        );
        assert_eq!(status(100, true), exit::UNAVAILABLE);
        assert_eq!(exit_status(&away, None), exit::CANNOT_START);
    }
}
