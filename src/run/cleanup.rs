//! `ExecStopPost=` of a container unit: leaves no container behind, however the main process ended.

use std::process::ExitCode;
use std::time::Duration;

use super::{leftover, message, secrets};
use crate::engine::{Container, Engine, EngineError};
use crate::name::short_id;
use crate::spec::ContainerSpec;
use crate::systemd::{UnitResult, own_unit};

const PATIENCE: Duration = Duration::from_secs(20);

/// Removes the unit's container. If only wharf-run died, the container keeps running, and the next wharf-run adopts it.
pub async fn remove_container(spec: &ContainerSpec) -> ExitCode {
    report_missing_credentials(spec);
    let is_to_go = !wharf_run_died() || own_unit::is_asked_to_stop();
    if is_to_go {
        // Noted before it is tried: systemd may end this process, too.
        leftover::note();
    }
    let removal = async {
        let engine = Engine::connect().await?;
        match engine.container(&spec.wharf.name).await? {
            Some(container) if container.belongs_to(spec) => remove(&engine, &container, is_to_go).await,
            _ => Ok(()),
        }
    };
    match tokio::time::timeout(PATIENCE, removal).await {
        Ok(Ok(())) => {
            leftover::take();
        }
        Ok(Err(error)) => message::warning(&cannot(&error.to_string())),
        Err(_) => message::warning(&cannot("the engine does not answer")),
    }
    ExitCode::SUCCESS
}

/// The status of a main process that systemd could not execute because a credential is missing (systemd.exec(5), Process Exit
/// Codes). systemd's own message is only "Failed to set up credentials".
const CREDENTIALS: &str = "243";

fn report_missing_credentials(spec: &ContainerSpec) {
    if std::env::var("EXIT_STATUS").is_ok_and(|status| status == CREDENTIALS) {
        let missing = secrets::missing(spec);
        missing.iter().for_each(|line| message::error(line));
        if missing.is_empty() {
            message::error(
                "a secret or config of this unit cannot be loaded: it may be encrypted for another host or under another \
                 name, be a directory, or be larger than a megabyte",
            );
        }
    }
}

async fn remove(engine: &Engine, container: &Container, is_to_go: bool) -> Result<(), EngineError> {
    let id = short_id(&container.id);
    if container.running && !is_to_go {
        message::warning(&format!("wharf-run died; container {id} keeps running"));
        return Ok(());
    }
    engine.remove_container(&container.id).await
}

fn cannot(reason: &str) -> String {
    format!("cannot check whether a container is left, the next start will: {reason}")
}

/// Whether a signal ended the main process although nobody had asked the unit to stop (systemd.exec(5), $SERVICE_RESULT).
fn wharf_run_died() -> bool {
    let result = std::env::var("SERVICE_RESULT").unwrap_or_default();
    let result = UnitResult::from(result.as_str());
    matches!(result, UnitResult::Signal | UnitResult::CoreDump | UnitResult::OomKill | UnitResult::Watchdog)
}
