//! Networks and volumes: there while their unit is active.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use super::message;
use super::patience::connect;
use crate::engine::{Engine, EngineError};
use crate::spec::{self, NetworkSpec, ResourceSpec, VolumeSpec, exit, label};

/// What stands in the way.
pub enum Problem {
    Engine(EngineError),
    Said(String),
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Said(why) => f.write_str(why),
        }
    }
}

/// Makes sure that the network or volume of a spec file is there; one of another definition is used as it is.
pub async fn make(engine: &Engine, path: &Path) -> Result<(), Problem> {
    match spec::read(path).map_err(|error| Problem::Said(error.to_string()))? {
        ResourceSpec::Network(spec) => match engine.network(&spec.network.name).await? {
            Some(state) if state.project.as_ref() == Some(&spec.wharf.project) => Ok(()),
            _ => make_network(engine, &spec).await,
        },
        ResourceSpec::Volume(spec) => make_volume(engine, &spec).await,
    }
}

/// Makes sure that the network is there as the spec says.
pub async fn create_network(spec: &NetworkSpec) -> ExitCode {
    with_engine(async |engine| make_network(engine, spec).await).await
}

/// Removes the network; one that others use stays, and that is an error.
pub async fn remove_network(spec: &NetworkSpec) -> ExitCode {
    with_engine(async |engine| {
        let name = &spec.network.name;
        match engine.network(name).await? {
            Some(state) if state.project.as_ref() == Some(&spec.wharf.project) => {
                unmake_network(engine, name, &state.containers).await
            }
            _ => Ok(()),
        }
    })
    .await
}

/// Makes sure that the volume is there. Its data is never touched.
pub async fn create_volume(spec: &VolumeSpec) -> ExitCode {
    with_engine(async |engine| make_volume(engine, spec).await).await
}

async fn with_engine(work: impl AsyncFnOnce(&Engine) -> Result<(), Problem>) -> ExitCode {
    let engine = match connect().await {
        Ok(engine) => engine,
        Err(error) => {
            message::error(&error.to_string());
            return ExitCode::from(exit::UNAVAILABLE);
        }
    };
    match work(&engine).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            message::error(&problem.to_string());
            ExitCode::from(match problem {
                Problem::Engine(error) if error.is_unreachable() => exit::UNAVAILABLE,
                _ => exit::CANNOT_START,
            })
        }
    }
}

async fn make_network(engine: &Engine, spec: &NetworkSpec) -> Result<(), Problem> {
    let name = &spec.network.name;
    if let Some(state) = engine.network(name).await? {
        if state.project.as_ref() != Some(&spec.wharf.project) {
            return Err(Problem::Said(format!(
                "a network named {name} exists that this stack did not make: set `external = true` to use it, or another `name`"
            )));
        }
        if state.config_hash.as_ref() == Some(&spec.wharf.config_hash) {
            return Ok(());
        }
        unmake_network(engine, name, &state.containers).await?;
    }
    match engine.create_network(&spec.network).await {
        // Another container's start was quicker.
        Err(EngineError::Conflict(_)) => Ok(()),
        other => Ok(other?),
    }
}

async fn unmake_network(engine: &Engine, name: &str, containers: &[String]) -> Result<(), Problem> {
    if !containers.is_empty() {
        let users = containers.join(", ");
        return Err(Problem::Said(format!("network {name} cannot be removed while containers are on it: {users}")));
    }
    Ok(engine.remove_network(name).await?)
}

async fn make_volume(engine: &Engine, spec: &VolumeSpec) -> Result<(), Problem> {
    let name = spec.volume.name.as_deref().unwrap_or_default();
    let Some(labels) = engine.volume_labels(name).await? else {
        return Ok(engine.create_volume(&spec.volume).await?);
    };
    if labels.get(label::PROJECT) != Some(&spec.wharf.project) {
        message::warning(&format!("volume {name} exists already and was not made by this stack: using it"));
    } else if labels.get(label::CONFIG_HASH) != Some(&spec.wharf.config_hash) {
        message::warning(&format!(
            "volume {name} was made with other options than the stack has now: using it as it is (remove it to make it anew)"
        ));
    }
    Ok(())
}
