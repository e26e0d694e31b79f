//! `systemctl reload`: the container is told to read its configuration anew.
//!
//! Source: systemd.service(5), ExecReload=. A process of its own, beside the one that follows the container.

use std::process::ExitCode;

use super::{hooks, message, output};
use crate::engine::Engine;
use crate::spec::{ContainerSpec, ReloadPart, exit};

/// Sends the container its signal, or runs its command in it; the reload has failed if the command has.
pub async fn reload_container(spec: &ContainerSpec) -> ExitCode {
    match reload(spec).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            message::error(&format!("cannot reload: {why}"));
            ExitCode::from(exit::TRY_AGAIN)
        }
    }
}

async fn reload(spec: &ContainerSpec) -> Result<(), String> {
    let part = &spec.wharf;
    let Some(how) = &part.reload else {
        return Err("the service has no reload_signal and no reload_command".to_owned());
    };
    let engine = Engine::connect().await.map_err(|error| error.to_string())?;
    let found = engine.container(&part.name).await.map_err(|error| error.to_string())?;
    let Some(container) = found.filter(|found| found.running) else {
        return Err(format!("container {} does not run", part.name));
    };
    match how {
        ReloadPart::Signal(signal) => {
            engine.signal_container(&container.id, signal).await.map_err(|error| error.to_string())
        }
        ReloadPart::Exec(command) => {
            let image = spec.container.image.as_deref().unwrap_or_default();
            let fields = output::fields(&container.id, &part.name, image, &part.project, &part.service);
            hooks::run_reload(&engine, &container.id, command, &fields).await.map_err(|failed| failed.to_string())
        }
    }
}
