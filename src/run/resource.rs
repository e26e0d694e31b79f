//! Networks and volumes: they exist while their unit is active.

use std::path::Path;
use std::process::ExitCode;

use super::error::ResourceError;
use super::exit::{failed, without_engine};
use super::message;
use super::patience::connect;
use crate::engine::{Engine, EngineError, NetworkState};
use crate::printable::one_line;
use crate::spec::{self, NetworkSpec, ResourceSpec, VolumeSpec, exit, label};
use crate::systemd::own_unit;

/// Makes sure that the network or volume of a spec file exists; one with another definition is used as it is. Its name.
///
/// # Errors
/// The spec cannot be read, or the engine refuses.
pub async fn ensure(engine: &Engine, path: &Path) -> Result<String, ResourceError> {
    let spec: ResourceSpec = spec::read(path).map_err(ResourceError::Spec)?;
    match &spec {
        ResourceSpec::Network(spec) => match engine.network(&spec.network.name).await? {
            Some(state) if state.project.as_ref() == Some(&spec.wharf.project) => {}
            _ => ensure_network(engine, spec).await?,
        },
        ResourceSpec::Volume(spec) => ensure_volume(engine, spec).await?,
    }
    Ok(spec.name().to_owned())
}

/// Makes sure that the network exists as the spec defines it.
pub async fn create_network(spec: &NetworkSpec) -> ExitCode {
    with_engine(async |engine| ensure_network(engine, spec).await).await
}

/// Removes the network. If containers of others are connected to it, it stays, and that is an error.
pub async fn remove_network(spec: &NetworkSpec) -> ExitCode {
    with_engine(async |engine| match engine.network(&spec.network.name).await? {
        Some(state) if state.project.as_ref() == Some(&spec.wharf.project) => {
            delete_network(engine, &spec.network.name, state).await
        }
        _ => Ok(()),
    })
    .await
}

/// Makes sure that the volume exists. Its data is never touched.
pub async fn create_volume(spec: &VolumeSpec) -> ExitCode {
    with_engine(async |engine| ensure_volume(engine, spec).await).await
}

async fn with_engine(work: impl AsyncFnOnce(&Engine) -> Result<(), ResourceError>) -> ExitCode {
    let engine = match connect().await {
        Ok(engine) => engine,
        Err(error) => {
            return failed(&error.to_string(), without_engine(own_unit::start_history()));
        }
    };
    match work(&engine).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = match &error {
                ResourceError::Engine(error) if error.is_unreachable() => without_engine(own_unit::start_history()),
                _ => exit::CANNOT_START,
            };
            failed(&error.to_string(), status)
        }
    }
}

async fn ensure_network(engine: &Engine, spec: &NetworkSpec) -> Result<(), ResourceError> {
    let name = &spec.network.name;
    if let Some(state) = engine.network(name).await? {
        if state.project.as_ref() != Some(&spec.wharf.project) {
            return Err(ResourceError::NetworkTaken(name.clone()));
        }
        if state.config_hash.as_ref() == Some(&spec.wharf.config_hash) {
            return Ok(());
        }
        delete_network(engine, name, state).await?;
    }
    match engine.create_network(&spec.network).await {
        // Another container that started at the same time was faster.
        Err(EngineError::Conflict(_)) => Ok(()),
        other => Ok(other?),
    }
}

async fn delete_network(engine: &Engine, name: &str, state: NetworkState) -> Result<(), ResourceError> {
    if !state.containers.is_empty() {
        return Err(ResourceError::NetworkInUse { network: name.to_owned(), containers: state.containers });
    }
    Ok(engine.remove_network(name).await?)
}

async fn ensure_volume(engine: &Engine, spec: &VolumeSpec) -> Result<(), ResourceError> {
    let name = spec.name();
    let Some(labels) = engine.volume_labels(name).await? else {
        return Ok(engine.create_volume(&spec.volume).await?);
    };
    if let Some(container) = labels.get(label::IMAGE_VOLUME) {
        return Err(ResourceError::OfImage { volume: name.to_owned(), container: one_line(container, 100) });
    }
    if labels.get(label::PROJECT) != Some(&spec.wharf.project) {
        message::warning(&format!("volume {name} already exists and was not created by this stack; using it"));
    } else if labels.get(label::CONFIG_HASH) != Some(&spec.wharf.config_hash) {
        message::warning(&format!(
            "volume {name} was created with other options than the stack has now; using it as it is (to apply the options, \
             remove the volume)"
        ));
    }
    Ok(())
}
