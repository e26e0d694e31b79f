//! From a spec to a running container: adopts the one that runs, or creates, connects and starts a new one.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use super::body::{create_body, is_own_volume, missing_sources, own_volumes};
use super::cleanup::remove_container;
use super::error::{StartError, at};
use super::exit::start_failed;
use super::handover::{Handover, Owner};
use super::health::{now, status_line};
use super::image::image;
use super::patience::{connect, patiently};
use super::stop::StopRequest;
use super::{external, leftover, message, resource, secrets, throttle};
use crate::engine::{Container, Engine, EngineError, Health, Image};
use crate::name::short_id;
use crate::spec::{ContainerSpec, Ready, exit, label};
use crate::systemd::{own_unit, service};

/// Starts the container of a spec, then follows it in the same process. Returns, with the exit status for systemd, only if there
/// is nothing to follow.
pub async fn start_container(path: &Path, instance: Option<&str>, spec: ContainerSpec) -> ExitCode {
    let stop = match StopRequest::listen() {
        Ok(stop) => stop,
        Err(error) => {
            message::error(&format!("cannot listen for signals: {error}"));
            return ExitCode::from(exit::TRY_AGAIN);
        }
    };
    match bring_up(path, &spec, &stop).await {
        Ok((handover, output)) => {
            message::error(&format!("cannot execute wharf-run: {}", handover.follow(output, path, instance)));
            ExitCode::from(exit::TRY_AGAIN)
        }
        Err(StartError::Stopped) => {
            // It may be there from an earlier start, to be adopted.
            if let Some(unit) = own_unit::name() {
                remove_container(&spec, &unit).await;
            }
            ExitCode::SUCCESS
        }
        Err(error) => start_failed(&error),
    }
}

/// The running container, and the stream of its output.
async fn bring_up(
    path: &Path,
    spec: &ContainerSpec,
    stop: &StopRequest,
) -> Result<(Handover, Option<UnixStream>), StartError> {
    let engine = &stop.unless(connect()).await?;
    let oom_kills = own_unit::oom_kills();
    let start = Start { engine, path, spec, owners: owners(engine, spec).await? };
    let kept = throttle::kept();
    let (id, output, adopted) = match start.existing().await? {
        Some(id) => {
            own_unit::forget_starts();
            (id, kept, true)
        }
        None => {
            let (id, output) = start.new_container(stop).await?;
            (id, output, false)
        }
    };
    let post_start = !adopted && !spec.wharf.post_start.is_empty();
    if spec.wharf.ready == Ready::Started && !post_start {
        service::ready(&status_line(Health::NONE, &id));
    }
    let health_since = now();
    let container = at("cannot look at the container", engine.container(&id).await)?;
    // If the container has ended or is gone, the process that follows it notices.
    let stop_signal = container.as_ref().and_then(|container| container.stop_signal.clone());
    let (health, pid) = container.map_or((Health::NONE, 0), |container| (container.health.status, container.pid));
    // A container that was adopted while unhealthy was ready before: no event will report that again.
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
    let handover = Handover {
        id,
        pid,
        health,
        health_since,
        awaited,
        post_start,
        owners: start.owners,
        stop_signal: stop_signal.unwrap_or_else(|| "SIGTERM".to_owned()),
        adopted,
        attached: output.is_some(),
        oom_kills,
        api_version: engine.api_version(),
    };
    Ok((handover, output))
}

/// Without the stream the container is not held back, which is no reason not to run it.
async fn held(engine: &Engine, id: &str) -> Option<UnixStream> {
    let held = throttle::hold(engine, id).await;
    held.inspect_err(|error| message::warning(&format!("output may be lost if the container writes fast: {error}")))
        .ok()
}

/// The containers whose namespaces this one shares: they have to be running.
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

/// The start of one container.
struct Start<'a> {
    engine: &'a Engine,
    /// The file of the spec.
    path: &'a Path,
    spec: &'a ContainerSpec,
    owners: Vec<Owner>,
}

impl Start<'_> {
    /// The id of the container that runs as the spec defines it, from an earlier wharf-run. One that differs is removed.
    async fn existing(&self) -> Result<Option<String>, StartError> {
        let is_leftover = own_unit::name().is_some_and(|unit| leftover::take(&unit));
        let name = &self.spec.wharf.name;
        let found = at(format!("cannot look for container {name}"), self.engine.container(name).await)?;
        let Some(found) = found else { return Ok(None) };
        if !found.belongs_to(self.spec) {
            return Err(StartError::NameTaken(name.clone()));
        }
        let id = short_id(&found.id);
        let shares_with_owners = self.owners.iter().all(|owner| found.shares.contains(&owner.id));
        let current =
            !is_leftover && found.running && found.label(label::CONFIG_HASH) == Some(&self.spec.wharf.config_hash);
        if current && shares_with_owners && self.hooks_have_run(&found) {
            message::info(&format!("container {id} is already running; adopting it"));
            return Ok(Some(found.id));
        }
        message::info(&format!(
            "removing container {id}: it has ended, should have been removed, was created from another definition, or its \
             start was interrupted"
        ));
        at(format!("cannot remove container {id}"), self.engine.remove_container(&found.id).await)?;
        Ok(None)
    }

    /// Whether the hooks of `post_start` have run in this container: the unit became active after it was started. If that is not
    /// certain, a new container is started, so that no hook runs twice in one.
    fn hooks_have_run(&self, found: &Container) -> bool {
        self.spec.wharf.post_start.is_empty()
            || own_unit::active_since().is_some_and(|active| Some(active) > found.started)
    }

    /// Pulls the image if need be, then creates and starts a container; its id, and the stream of its output.
    async fn new_container(&self, stop: &StopRequest) -> Result<(String, Option<UnixStream>), StartError> {
        let image = image(self.engine, self.spec, stop).await?;
        patiently("Starting", self.create(&image)).await
    }

    async fn create(&self, image: &Image) -> Result<(String, Option<UnixStream>), StartError> {
        let Self { engine, spec, owners, .. } = self;
        let name = &spec.wharf.name;
        let own = self.ensure_resources().await?;
        let missing = at("cannot look for networks and volumes", external::missing(engine, spec, &own).await)?;
        if let Some(missing) = missing.into_iter().next() {
            return Err(missing);
        }
        let all_networks = engine.takes_all_networks();
        let mut body = create_body(spec, owners, image, all_networks);
        for (volume, path) in own_volumes(&body) {
            let labels = engine.volume_labels(volume).await;
            let labels = at(format!("cannot look for volume {volume}"), labels)?;
            if labels.is_some_and(|labels| !is_own_volume(spec, &labels)) {
                return Err(StartError::VolumeTaken { volume: volume.to_owned(), path: path.to_owned() });
            }
        }
        for source in missing_sources(&body) {
            message::warning(&format!("{source} does not exist on this host: the engine makes it an empty directory"));
        }
        secrets::provide(spec, &mut body)?;
        let platform = spec.wharf.platform.as_deref();
        let id = at(format!("cannot create container {name}"), engine.create_container(name, platform, body).await)?;
        for network in spec.wharf.networks.iter().filter(|_| !all_networks) {
            let joined = engine.join_network(&id, &network.name, &network.endpoint).await;
            at(format!("cannot connect container {name} to network {}", network.name), joined)?;
        }
        // Before it can write.
        let output = held(engine, &id).await;
        let started = engine.start_container(&id).await;
        if matches!(started, Err(EngineError::NotFound(_))) && matches!(engine.container(&id).await, Ok(None)) {
            return Err(StartError::Removed);
        }
        at(format!("cannot start container {name}"), started)?;
        Ok((id, output))
    }

    /// Networks and volumes have units of their own; one that somebody removed meanwhile is created again. Their names.
    async fn ensure_resources(&self) -> Result<Vec<String>, StartError> {
        let mut made = Vec::new();
        for file in &self.spec.wharf.resources {
            made.push(resource::ensure(self.engine, &self.path.with_file_name(file)).await?);
        }
        Ok(made)
    }
}
