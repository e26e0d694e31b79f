//! From a spec to a running container: adopt the one that runs, or create, connect and start a new one.

use std::path::Path;
use std::process::ExitCode;

use super::body::create_body;
use super::failure::{StartError, at, start_failed};
use super::handover::{Handover, Owner};
use super::health::{now, status_line};
use super::image::image;
use super::patience::{connect, patiently};
use super::stop::StopRequest;
use super::{message, resource, secrets};
use crate::engine::{Container, Engine, Health, Image};
use crate::spec::{ContainerSpec, Ready, exit, label};
use crate::systemd::{own_unit, service};

/// A container that runs.
struct Started {
    id: String,
    /// It ran already, from a wharf-run before this one.
    adopted: bool,
}

/// Brings the container of a spec up and becomes its follower; returns the exit status for systemd if there is nothing to
/// follow.
pub async fn start_container(path: &Path, instance: Option<&str>, spec: ContainerSpec) -> ExitCode {
    let stop = match StopRequest::listen() {
        Ok(stop) => stop,
        Err(error) => {
            message::error(&format!("cannot listen for signals: {error}"));
            return ExitCode::from(exit::TRY_AGAIN);
        }
    };
    match bring_up(path, &spec, &stop).await {
        Ok(handover) => {
            message::error(&format!("cannot execute wharf-run: {}", handover.follow(path, instance)));
            ExitCode::from(exit::TRY_AGAIN)
        }
        Err(StartError::Stopped) => ExitCode::SUCCESS,
        Err(error) => start_failed(&error),
    }
}

async fn bring_up(path: &Path, spec: &ContainerSpec, stop: &StopRequest) -> Result<Handover, StartError> {
    let engine = stop.unless(connect()).await?;
    let oom_kills = own_unit::oom_kills();
    let owners = owners(&engine, spec).await?;
    let Started { id, adopted } = start(&engine, path, spec, &owners, stop).await?;
    let post_start = !adopted && !spec.wharf.post_start.is_empty();
    if spec.wharf.ready == Ready::Started && !post_start {
        service::ready(&status_line(Health::NONE, &id));
    }
    let health_since = now();
    let container = at("cannot look at the container", engine.container(&id).await)?;
    // A container that is gone, or has ended, is found out by the follower.
    let stop_signal = container.as_ref().and_then(|container| container.stop_signal.clone());
    let (health, pid) = container.map_or((Health::NONE, 0), |container| (container.health.status, container.pid));
    // One that was adopted while unhealthy had been ready before: no event will say so again.
    let ready_already = health == Health::HEALTHY && !post_start || adopted && health == Health::UNHEALTHY;
    let awaited = spec.wharf.ready == Ready::Healthy && !ready_already;
    match health {
        Health::NONE | Health::EMPTY if awaited && pid != 0 => {
            at("cannot remove the container", engine.remove_container(&id).await)?;
            return Err(StartError::NoHealthcheck);
        }
        _ if spec.wharf.ready == Ready::Healthy && ready_already => service::ready(&status_line(health, &id)),
        Health::NONE | Health::EMPTY => (),
        _ => service::status(&status_line(health, &id)),
    }
    Ok(Handover {
        id,
        pid,
        health,
        health_since,
        awaited,
        post_start,
        owners,
        stop_signal: stop_signal.unwrap_or_else(|| "SIGTERM".to_owned()),
        adopted,
        oom_kills,
        api_version: engine.api_version(),
    })
}

/// The containers whose namespaces this one will live in: they run, or there is nothing to live in.
async fn owners(engine: &Engine, spec: &ContainerSpec) -> Result<Vec<Owner>, StartError> {
    let mut owners = Vec::new();
    for name in &spec.wharf.shares {
        let found = at(format!("cannot look for container {name}"), engine.container(name).await)?;
        let running = found.filter(|container| container.running);
        let owner = running.ok_or_else(|| StartError::NoOwner(name.clone()))?;
        owners.push(Owner { name: name.clone(), id: owner.id, pid: owner.pid });
    }
    Ok(owners)
}

/// A running container of this spec.
async fn start(
    engine: &Engine,
    path: &Path,
    spec: &ContainerSpec,
    owners: &[Owner],
    stop: &StopRequest,
) -> Result<Started, StartError> {
    let name = &spec.wharf.name;
    if let Some(found) = at(format!("cannot look for container {name}"), engine.container(name).await)? {
        if !found.belongs_to(spec) {
            return Err(StartError::NameTaken(name.clone()));
        }
        let lives_with_owners = owners.iter().all(|owner| found.shares.contains(&owner.id));
        let current = found.running && found.label(label::CONFIG_HASH) == Some(&spec.wharf.config_hash);
        if current && lives_with_owners && started_to_the_end(spec, &found) {
            message::info(&format!("container {} is running: going on with it", message::short(&found.id)));
            return Ok(Started { id: found.id, adopted: true });
        }
        replace(engine, &found).await?;
    }
    let image = image(engine, spec, stop).await?;
    let create = patiently("Starting", create(engine, path, spec, owners, &image));
    Ok(Started { id: create.await?, adopted: false })
}

/// Whether the hooks of `post_start` have run in this container: the unit became active after it was started. Where that is not
/// sure, a new container begins anew, so that no hook runs twice in one.
fn started_to_the_end(spec: &ContainerSpec, found: &Container) -> bool {
    spec.wharf.post_start.is_empty() || own_unit::active_since().is_some_and(|active| Some(active) > found.started)
}

/// A new container that runs; its id.
async fn create(
    engine: &Engine,
    path: &Path,
    spec: &ContainerSpec,
    owners: &[Owner],
    image: &Image,
) -> Result<String, StartError> {
    let name = &spec.wharf.name;
    make_resources(engine, path, spec).await?;
    let all_networks = engine.takes_all_networks();
    let mut body = create_body(spec, owners, image, all_networks);
    let files = secrets::provide(spec).map_err(StartError::File)?;
    if !files.is_empty() {
        body.host_config.get_or_insert_default().binds.get_or_insert_default().extend(files);
    }
    let platform = spec.wharf.platform.as_deref();
    let id = at(format!("cannot create container {name}"), engine.create_container(name, platform, body).await)?;
    for network in spec.wharf.networks.iter().filter(|_| !all_networks) {
        let joined = engine.join_network(&id, &network.name, &network.endpoint).await;
        at(format!("cannot connect container {name} to network {}", network.name), joined)?;
    }
    at(format!("cannot start container {name}"), engine.start_container(&id).await)?;
    Ok(id)
}

/// Removes what an earlier definition, or an interrupted run, has left.
async fn replace(engine: &Engine, found: &Container) -> Result<(), StartError> {
    let short = message::short(&found.id);
    message::info(&format!(
        "removing container {short}, which is not of the present definition, has ended, or was not wholly started"
    ));
    at(format!("cannot remove container {short}"), engine.remove_container(&found.id).await)
}

/// The networks and volumes have units of their own; what somebody removed behind their backs is made again.
async fn make_resources(engine: &Engine, path: &Path, spec: &ContainerSpec) -> Result<(), StartError> {
    for file in &spec.wharf.resources {
        let made = resource::make(engine, &path.with_file_name(file)).await;
        made.map_err(|problem| StartError::Resource(problem.to_string()))?;
    }
    Ok(())
}
