//! Why there is no running container, and what systemd shall do about it.

use std::fmt;
use std::process::ExitCode;

use super::hooks::FailedHook;
use super::message;
use super::secrets::FileError;
use crate::engine::EngineError;
use crate::spec::exit;
use crate::systemd::own_unit::{self, StartHistory};
use crate::systemd::service;

/// A start that failed before the unit was ever ready is tried this many times, so that `systemctl start` has an answer; what
/// was ready once is restarted without end.
const FIRST_ATTEMPTS: u32 = 3;

/// Tells why there is no running container.
pub fn start_failed(error: &StartError) -> ExitCode {
    message::error(&error.to_string());
    service::status(&error.to_string());
    ExitCode::from(error.exit_status(own_unit::start_history()))
}

/// Names the step that an engine error comes from.
pub fn at<T>(step: impl Into<String>, result: Result<T, EngineError>) -> Result<T, StartError> {
    result.map_err(|error| StartError::Engine { step: step.into(), error })
}

/// Why there is no running container.
#[derive(Debug)]
pub enum StartError {
    Engine {
        step: String,
        error: EngineError,
    },
    /// A container of that name exists which is not this service's.
    NameTaken(String),
    /// `pull_policy` is `never` and the image is not there.
    NoImage(String),
    /// The image is built by a unit that has done so, and is gone.
    NotBuilt {
        image: String,
        unit: String,
    },
    /// A container whose namespace this one was to share does not run.
    NoOwner(String),
    /// A network or volume cannot be made.
    Resource(String),
    /// A secret or config cannot be given to the container.
    File(FileError),
    /// It was told to stop before there was a container.
    Stopped,
    /// The unit waits for health, and nobody has said how to tell.
    NoHealthcheck,
    /// A hook of the start failed; the container was stopped for it.
    Hook(FailedHook),
    /// The container was unhealthy, or ended, before it was ready.
    NeverReady(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine { step, error } => write!(f, "{step}: {error}"),
            Self::NameTaken(name) => write!(
                f,
                "a container named {name} exists that this unit did not make: remove it (docker rm {name}), or give the \
                 service another container_name"
            ),
            Self::NoOwner(name) => write!(f, "container {name}, whose namespace is to be shared, does not run"),
            Self::NoImage(image) => {
                write!(
                    f,
                    "image {image} is not on this host, and pull_policy is \"never\": load it, or change the policy"
                )
            }
            Self::NotBuilt { image, unit } => {
                write!(f, "image {image} was removed after it was built: build it again (systemctl restart {unit})")
            }
            Self::File(error) => error.fmt(f),
            Self::Stopped => f.write_str("told to stop while starting"),
            Self::NoHealthcheck => f.write_str(
                "the unit waits for the container to be healthy, but neither the service nor the image has a healthcheck",
            ),
            Self::Hook(hook) => write!(f, "{hook}: the container is stopped for it"),
            Self::NeverReady(why) | Self::Resource(why) => f.write_str(why),
        }
    }
}

impl StartError {
    /// The exit status that lets systemd do the right thing: try again, or report the failure.
    ///
    /// `history`: what systemd says of the unit's starts; `None`: there is no unit that would be started again.
    pub fn exit_status(&self, history: Option<StartHistory>) -> u8 {
        if matches!(self, Self::Engine { error: EngineError::Unreachable(_), .. }) {
            return exit::UNAVAILABLE;
        }
        match history {
            Some(history) if history.was_active => exit::TRY_AGAIN,
            Some(history) if self.may_pass() && history.restarts + 1 < FIRST_ATTEMPTS => exit::TRY_AGAIN,
            _ => exit::CANNOT_START,
        }
    }

    /// Whether another attempt may succeed without anybody changing anything.
    fn may_pass(&self) -> bool {
        match self {
            Self::Engine { error, .. } => matches!(error, EngineError::Refused(_) | EngineError::RegistryAway(_)),
            Self::NeverReady(_) | Self::Resource(_) | Self::NoOwner(_) | Self::Hook(_) | Self::Stopped => true,
            Self::File(_) | Self::NameTaken(_) | Self::NoImage(_) | Self::NotBuilt { .. } | Self::NoHealthcheck => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_engine(error: EngineError) -> StartError {
        StartError::Engine { step: "cannot start".to_owned(), error }
    }

    #[test]
    fn a_first_start_is_tried_three_times_and_a_hopeless_one_once() {
        let refused = of_engine(EngineError::Refused("port is taken".to_owned()));
        let hopeless = StartError::NoImage("shop:1".to_owned());
        let first = |restarts| Some(StartHistory { restarts, was_active: false });
        let statuses: Vec<u8> = (0..4).map(|restarts| refused.exit_status(first(restarts))).collect();
        assert_eq!(statuses, [exit::TRY_AGAIN, exit::TRY_AGAIN, exit::CANNOT_START, exit::CANNOT_START]);
        assert_eq!(hopeless.exit_status(first(0)), exit::CANNOT_START);
        assert_eq!(refused.exit_status(None), exit::CANNOT_START);
    }

    #[test]
    fn what_was_active_once_is_always_tried_again() {
        let before = Some(StartHistory { restarts: 100, was_active: true });
        assert_eq!(StartError::NoHealthcheck.exit_status(before), exit::TRY_AGAIN);
    }

    #[test]
    fn an_engine_that_is_away_is_waited_for_whatever_was_before() {
        let away = of_engine(EngineError::Unreachable("connection refused".to_owned()));
        assert_eq!(away.exit_status(None), exit::UNAVAILABLE);
    }
}
