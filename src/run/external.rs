//! The networks and volumes that a container uses and its stack does not make (`external`).

use super::error::StartError;
use crate::engine::{Engine, EngineError};
use crate::spec::ContainerSpec;
use crate::spec::models::MountType;

/// Those that do not exist: the engine would make a volume, empty. `own`: the names of those that the stack makes.
///
/// # Errors
/// The engine does not answer.
pub async fn missing(engine: &Engine, spec: &ContainerSpec, own: &[String]) -> Result<Vec<StartError>, EngineError> {
    let mut missing = Vec::new();
    for volume in volumes(spec).filter(|volume| !own.iter().any(|own| own == volume)) {
        if engine.volume_labels(volume).await?.is_none() {
            missing.push(StartError::NoVolume(volume.to_owned()));
        }
    }
    for network in networks(spec).filter(|network| !own.contains(network)) {
        if engine.network(network).await?.is_none() {
            missing.push(StartError::NoNetwork(network.clone()));
        }
    }
    Ok(missing)
}

/// The volumes that have a name in the definition.
fn volumes(spec: &ContainerSpec) -> impl Iterator<Item = &str> {
    let host = spec.container.host_config.as_ref();
    let mounts = host.and_then(|host| host.mounts.as_ref()).into_iter().flatten();
    let mounts =
        mounts.filter(|mount| mount.typ == Some(MountType::VOLUME)).filter_map(|mount| mount.source.as_deref());
    let binds = host.and_then(|host| host.binds.as_ref()).into_iter().flatten();
    let binds = binds.filter_map(|bind| bind.split(':').next()).filter(|source| !source.starts_with('/'));
    mounts.chain(binds)
}

fn networks(spec: &ContainerSpec) -> impl Iterator<Item = &String> {
    let first = spec.container.networking_config.iter().filter_map(|config| config.endpoints_config.as_ref());
    first.flat_map(|endpoints| endpoints.keys()).chain(spec.wharf.networks.iter().map(|network| &network.name))
}
