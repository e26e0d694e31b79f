//! How the life of a container ended, and what systemd is told of it: the exit status by which it decides what comes next.

use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::timeout;

use super::error::StartError;
use super::exit::{exit_status, failed, start_failed};
use super::handover::Handover;
use super::{leftover, message, throttle};
use crate::backoff::Backoff;
use crate::engine::{Container, Engine, EngineError};
use crate::spec::exit;
use crate::systemd::{any_runs, ask_state, own_unit, service};

/// How long the engine may take to remove the container.
const REMOVAL: Duration = Duration::from_secs(10);

/// How long those may take to end that ended with the engine.
const PREDECESSORS: Duration = Duration::from_secs(15);

/// The unit of the engine.
const ENGINE: &str = "docker.service";

/// Why this wharf-run follows the container no longer.
pub enum End {
    /// The container ended.
    Exited(Container),
    /// The container of this name, whose namespace it shares, ended; the namespace is of no use without it.
    OwnerEnded(String),
    /// Somebody else removed it.
    Gone,
    /// The engine went down and took the container with it (no live-restore).
    EngineWentDown,
    /// systemd asked for the stop.
    Stopped,
    /// It did not become ready.
    NeverReady(StartError),
}

/// Removes the container and reports how it ended.
pub async fn conclude(mut end: End, engine: &Engine, handover: &Handover, project: &str) -> ExitCode {
    // When the engine is stopped, it stops its containers. It may be another one by now.
    let asked = match &end {
        End::Exited(container) if is_of_a_stop(container.exit_code) => Some(ask_state(ENGINE)),
        _ => None,
    };
    match timeout(REMOVAL, engine.remove_container(&handover.id)).await {
        Ok(Ok(())) if handover.attached => throttle::close(),
        Ok(Ok(())) => (),
        Ok(Err(error)) => leave(&error),
        Err(_) => leave(&EngineError::Hangs),
    }
    if let End::Exited(container) = &end
        && asked.is_some_and(|asked| asked.was_changing_at(container.finished))
        && !engine.live_restore().await.unwrap_or(false)
    {
        message::warning(&format!("{ENGINE} was stopped, and the container with it: it {}", ended(container)));
        end = End::EngineWentDown;
    }
    match end {
        End::Stopped => ExitCode::SUCCESS,
        End::NeverReady(error) => start_failed(&error),
        End::EngineWentDown => {
            let _out_of_order = timeout(PREDECESSORS, predecessors_ended(project)).await;
            own_unit::forget_starts();
            ExitCode::from(exit::UNAVAILABLE)
        }
        End::OwnerEnded(name) => {
            message::info(&format!("container {name} has ended; restarting to join the namespace of its successor"));
            ExitCode::from(exit::UNAVAILABLE)
        }
        End::Gone => failed("the container was removed, but not by its unit", exit::TRY_AGAIN),
        End::Exited(container) => exited(&container),
    }
}

/// The next start removes the container, also if it runs.
fn leave(error: &EngineError) {
    if let Some(unit) = own_unit::name() {
        leftover::note(&unit);
    }
    message::warning(&format!("cannot remove the container, the next start will: {error}"));
}

/// All containers have ended with the engine, and systemd is about to start each again. It keeps to the order of those for which
/// it has a job by then: so what this unit starts after ends first.
async fn predecessors_ended(project: &str) {
    let predecessors = own_unit::predecessors(&format!("{project}-"));
    let mut pause = Backoff::default();
    while any_runs(&predecessors) {
        pause.wait().await;
    }
}

/// The container ended before it was ready. Its own exit status says more, unless systemd must stop retrying.
pub fn never_ready(end: End, before: &str) -> End {
    let reason = match &end {
        End::Exited(container) => format!("the container {} before {before}", ended(container)),
        End::Gone => format!("the container was removed before {before}"),
        _ => return end,
    };
    let error = StartError::NeverReady(reason);
    let history = own_unit::start_history();
    let is_last_attempt =
        exit_status(&error, history) == exit::CANNOT_START && history.is_some_and(|history| history.restarts > 0);
    if is_last_attempt || matches!(end, End::Gone) {
        return End::NeverReady(error);
    }
    message::warning(&error.to_string());
    end
}

fn exited(container: &Container) -> ExitCode {
    let line = format!("Container {}", ended(container));
    if container.exit_code == 0 {
        message::info(&line);
    } else {
        message::error(&line);
    }
    service::status(&line);
    if container.oom_killed {
        own_unit::mark_oom_kill();
    }
    let status = u8::try_from(container.exit_code).unwrap_or(u8::MAX);
    let means_something =
        [exit::EXEC, exit::CAPABILITIES, exit::CREDENTIALS, exit::UNAVAILABLE, exit::TRY_AGAIN, exit::CANNOT_START];
    let means_something = means_something.contains(&status);
    ExitCode::from(if means_something { exit::FAILED } else { status })
}

/// With success, or by a signal: as a container ends that is asked to.
fn is_of_a_stop(exit_code: i64) -> bool {
    exit_code == 0 || exit_code > 128
}

/// `exited with status 3`, `was ended by signal 9 (SIGKILL)`, `was killed: out of memory, status 137`
pub fn ended(container: &Container) -> String {
    match container.exit_code {
        _ if container.oom_killed => format!("was killed: out of memory, status {}", container.exit_code),
        code @ 129..=192 => {
            let number = i32::try_from(code - 128).unwrap_or_default();
            let name = Signal::try_from(number).map_or("a real-time signal", Signal::as_str);
            format!("was ended by signal {number} ({name}), status {code}")
        }
        code => format!("exited with status {code}"),
    }
}
