//! `ExecStopPost=` of a container unit: no container is left behind, whatever became of the main process.

use std::process::ExitCode;
use std::time::Duration;

use super::{message, secrets};
use crate::engine::{Container, Engine, EngineError};
use crate::spec::ContainerSpec;
use crate::systemd::UnitResult;

const PATIENCE: Duration = Duration::from_secs(20);

/// Removes the unit's container, unless only its supervisor died: then the container runs on, and the next one adopts it.
pub async fn remove_container(spec: &ContainerSpec) -> ExitCode {
    say_what_could_not_be_loaded(spec);
    let removal = async {
        let engine = Engine::connect().await?;
        match engine.container(&spec.wharf.name).await? {
            Some(container) if container.belongs_to(spec) => remove(&engine, &container).await,
            _ => Ok(()),
        }
    };
    match tokio::time::timeout(PATIENCE, removal).await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => failed(&error.to_string()),
        Err(_) => failed("the engine does not answer"),
    }
}

/// The status of a main process that systemd could not even execute, for want of a credential (systemd.exec(5), Process Exit
/// Codes). All that systemd says then is "Failed to set up credentials".
const CREDENTIALS: &str = "243";

fn say_what_could_not_be_loaded(spec: &ContainerSpec) {
    if std::env::var("EXIT_STATUS").is_ok_and(|status| status == CREDENTIALS) {
        let missing = secrets::missing(spec);
        missing.iter().for_each(|line| message::error(line));
        if missing.is_empty() {
            message::error(
                "a secret or config of this unit cannot be loaded: it may be encrypted for another host or under another \
                 name, a directory, or larger than a megabyte",
            );
        }
    }
}

async fn remove(engine: &Engine, container: &Container) -> Result<(), EngineError> {
    let short = message::short(&container.id);
    if container.running && supervisor_died() {
        message::warning(&format!("wharf-run died; container {short} runs on"));
        return Ok(());
    }
    engine.remove_container(&container.id).await
}

fn failed(why: &str) -> ExitCode {
    message::warning(&format!("cannot see to it that no container is left, the next start will: {why}"));
    ExitCode::SUCCESS
}

/// As systemd tells the commands of `ExecStopPost=` (systemd.exec(5), $SERVICE_RESULT): a signal ended the main process, and
/// nobody had asked the unit to stop.
fn supervisor_died() -> bool {
    let result = std::env::var("SERVICE_RESULT").unwrap_or_default();
    let result = UnitResult::from(result.as_str());
    matches!(result, UnitResult::Signal | UnitResult::CoreDump | UnitResult::OomKill | UnitResult::Watchdog)
}
