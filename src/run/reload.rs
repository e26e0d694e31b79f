//! `systemctl reload`: makes the container read its configuration again.
//!
//! Source: systemd.service(5), ExecReload=. A process of its own, beside the one that follows the container.

use std::process::ExitCode;

use thiserror::Error;

use super::error::HookError;
use super::hooks::Hooks;
use super::message;
use super::output::Origin;
use crate::engine::{Engine, EngineError};
use crate::spec::{ContainerPart, ContainerSpec, ReloadPart, exit};
use crate::systemd::own_unit;

#[derive(Debug, Error)]
enum ReloadError {
    #[error("the service has neither a reload_signal nor a reload_command")]
    Undefined,
    #[error("container {0} is not running")]
    NotRunning(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Command(#[from] HookError),
}

/// Sends the container its signal, or runs its command in it. The reload fails if the command does.
pub async fn reload_container(spec: &ContainerSpec) -> ExitCode {
    match reload(spec).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            message::error(&format!("cannot reload: {error}"));
            ExitCode::from(exit::TRY_AGAIN)
        }
    }
}

async fn reload(spec: &ContainerSpec) -> Result<(), ReloadError> {
    let part = &spec.wharf;
    let reload = part.reload.as_ref().ok_or(ReloadError::Undefined)?;
    let engine = Engine::connect().await?;
    let found = engine.container(&part.name).await?;
    let container = found.filter(|found| found.running).ok_or_else(|| ReloadError::NotRunning(part.name.clone()))?;
    match reload {
        ReloadPart::Signal(signal) => engine.signal_container(&container.id, signal).await?,
        ReloadPart::Exec(command) => {
            let image = spec.container.image.as_deref().unwrap_or_default();
            let ContainerPart { name, project, service, .. } = part;
            let origin = Origin { id: &container.id, name, image, project, service };
            let unit = own_unit::name();
            let mut fields = origin.fields();
            // journald learns the unit of an entry from its process, which may have ended by then.
            fields.extend(unit.as_ref().map(|unit| ("OBJECT_SYSTEMD_UNIT", unit.as_str())));
            let hooks = Hooks { engine: &engine, container: &container.id, fields };
            hooks.reload(command).await?;
        }
    }
    Ok(())
}
