//! `ExecStopPost=` of a container unit: no container is left behind, whatever became of the main process.

use std::process::ExitCode;
use std::time::Duration;

use super::message;
use crate::engine::{Container, Engine, EngineError};
use crate::spec::ContainerSpec;

const PATIENCE: Duration = Duration::from_secs(20);

/// Removes the unit's container, unless only its supervisor died: then the container runs on, and the next one adopts it.
pub async fn remove_container(spec: &ContainerSpec) -> ExitCode {
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
    matches!(result.as_str(), "signal" | "core-dump" | "oom-kill" | "watchdog")
}
