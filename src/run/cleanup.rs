//! Leaves no container behind when wharf-run cannot remove it in its own time.
//!
//! Normally the process that follows a container removes it. systemd starts `wharf-cleanup@UNIT.service` when a container unit has
//! failed (`OnFailure=`): then that process may have been killed. Invariant: a unit that has failed, or was stopped, has no
//! container; what cannot be removed now, the next start removes.

use std::process::ExitCode;
use std::time::Duration;

use super::{leftover, message, secrets};
use crate::engine::Engine;
use crate::name::UnitName;
use crate::spec::{self, ContainerSpec, exit};
use crate::systemd::file_of_failed;

const PATIENCE: Duration = Duration::from_secs(20);

/// `wharf-run cleanup UNIT`
pub async fn clean_up(unit: &str) -> ExitCode {
    let Ok(unit) = UnitName::parse(unit) else { return super::cannot_start(&format!("{unit:?} is not a unit")) };
    // It may have been started again, or its file be gone with its container.
    let Some(file) = file_of_failed(&unit) else { return ExitCode::SUCCESS };
    match spec::read(&file.with_file_name(ContainerSpec::file_of(&unit))) {
        Ok(spec) => {
            let spec = unit.instance().into_iter().fold(spec, ContainerSpec::of_instance);
            report_missing_credentials(&spec, &unit);
            remove_container(&spec, &unit).await;
            ExitCode::SUCCESS
        }
        Err(error) => super::cannot_start(&error),
    }
}

/// Removes the container of a spec, or notes for the next start that it is to go.
pub async fn remove_container(spec: &ContainerSpec, unit: &UnitName) {
    // Noted before it is tried: systemd may end this process, too.
    leftover::note(unit);
    let removal = async {
        let engine = Engine::connect().await?;
        match engine.container(&spec.wharf.name).await? {
            Some(container) if container.belongs_to(spec) => engine.remove_container(&container.id).await,
            _ => Ok(()),
        }
    };
    match tokio::time::timeout(PATIENCE, removal).await {
        Ok(Ok(())) => {
            leftover::take(unit);
        }
        Ok(Err(error)) => message::warning(&cannot(&error.to_string())),
        Err(_) => message::warning(&cannot("the engine does not answer")),
    }
}

/// Where systemd could not execute the main process because a credential is missing: its own message is only "Failed to set up
/// credentials".
fn report_missing_credentials(spec: &ContainerSpec, unit: &UnitName) {
    if std::env::var("MONITOR_EXIT_STATUS").is_ok_and(|status| status == exit::CREDENTIALS.to_string()) {
        let missing = secrets::missing(spec);
        if missing.is_empty() {
            message::error(
                "a secret or config of this unit cannot be loaded: it may be encrypted for another host or under another \
                 name, be a directory, or be larger than a megabyte",
            );
        } else {
            message::error(&format!("{}: create it, then `systemctl start {unit}`", missing.join(", ")));
        }
    }
}

fn cannot(reason: &str) -> String {
    format!("cannot check whether a container is left, the next start will: {reason}")
}
