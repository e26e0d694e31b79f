//! From a spec to a running container: adopt the one that runs, or fetch, create, connect and start.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bollard::models::{ContainerCreateBody, Mount, MountType};

use super::handover::Handover;
use super::health::status_line;
use super::output::Pause;
use super::stop::StopRequest;
use super::{message, resource};
use crate::engine::{Container, Engine, EngineError, Health, Image};
use crate::spec::{ContainerSpec, PullPolicy, Ready, exit, label};
use crate::systemd::{own_unit, service};

/// A start that failed before the unit was ever ready is tried this many times, so that `systemctl start` has an answer; what
/// was ready once is restarted without end.
const FIRST_ATTEMPTS: u32 = 3;

/// How long to wait for the engine, or the registry, before the start has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the engine may take to say who it is.
const ENGINE_ANSWER: Duration = Duration::from_secs(10);

/// A container that runs.
struct Started {
    id: String,
    /// It ran already, from a wharf-run before this one.
    adopted: bool,
}

/// Brings the container of a spec up and becomes its follower; returns the exit status for systemd if there is nothing to
/// follow.
pub async fn start_container(path: &Path, spec: ContainerSpec) -> ExitCode {
    let stop = match StopRequest::listen() {
        Ok(stop) => stop,
        Err(error) => {
            message::error(&format!("cannot listen for signals: {error}"));
            return ExitCode::from(exit::TRY_AGAIN);
        }
    };
    match bring_up(path, &spec, &stop).await {
        Ok(handover) => {
            message::error(&format!("cannot execute wharf-run: {}", handover.follow(path)));
            ExitCode::from(exit::TRY_AGAIN)
        }
        Err(StartError::Stopped) => ExitCode::SUCCESS,
        Err(error) => start_failed(&error),
    }
}

/// Does what may take long, unless a stop is asked for. What is short is done to its end: a half-made container would be left
/// behind; the follower finds the request still waiting.
async fn unless_stopped<T>(
    stop: &StopRequest,
    work: impl Future<Output = Result<T, StartError>>,
) -> Result<T, StartError> {
    tokio::select! {
        done = work => done,
        () = stop.wait() => Err(StartError::Stopped),
    }
}

/// Tells why there is no running container.
pub fn start_failed(error: &StartError) -> ExitCode {
    message::error(&error.to_string());
    service::status(&error.to_string());
    ExitCode::from(error.exit_status())
}

async fn bring_up(path: &Path, spec: &ContainerSpec, stop: &StopRequest) -> Result<Handover, StartError> {
    let engine = unless_stopped(stop, connect()).await?;
    let oom_kills = own_unit::oom_kills();
    let Started { id, adopted } = patiently("Starting", start(&engine, path, spec, stop)).await?;
    if spec.wharf.ready == Ready::Started {
        service::ready(&status_line(Health::NONE, &id));
    }
    let health_since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed());
    let container = at("cannot look at the container", engine.container(&id).await)?;
    // A container that is gone, or has ended, is found out by the follower.
    let stop_signal = container.as_ref().and_then(|container| container.stop_signal.clone());
    let (health, pid) = container.map_or((Health::NONE, 0), |container| (container.health.status, container.pid));
    // One that was adopted while unhealthy had been ready before: no event will say so again.
    let ready_already = health == Health::HEALTHY || adopted && health == Health::UNHEALTHY;
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
        stop_signal: stop_signal.unwrap_or_else(|| "SIGTERM".to_owned()),
        adopted,
        oom_kills,
        api_version: engine.api_version(),
    })
}

/// Why there is no running container.
#[derive(Debug)]
pub enum StartError {
    Engine {
        step: String,
        error: EngineError,
    },
    /// A container of that name exists which is not this service's.
    NameTaken(String),
    /// `pull_policy` is `never` and the image is not there.
    NoImage(String),
    /// A network or volume cannot be made.
    Resource(String),
    /// It was told to stop before there was a container.
    Stopped,
    /// The unit waits for health, and nobody has said how to tell.
    NoHealthcheck,
    /// The container was unhealthy, or ended, before it was ready.
    NeverReady(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine { step, error } => write!(f, "{step}: {error}"),
            Self::NameTaken(name) => write!(
                f,
                "a container named {name} exists that this unit did not make: remove it (docker rm {name}), or give the \
                 service another container_name"
            ),
            Self::NoImage(image) => {
                write!(
                    f,
                    "image {image} is not on this host, and pull_policy is \"never\": load it, or change the policy"
                )
            }
            Self::Stopped => f.write_str("told to stop while starting"),
            Self::NoHealthcheck => f.write_str(
                "the unit waits for the container to be healthy, but neither the service nor the image has a healthcheck",
            ),
            Self::NeverReady(why) | Self::Resource(why) => f.write_str(why),
        }
    }
}

impl StartError {
    /// The exit status that lets systemd do the right thing: try again, or report the failure.
    pub fn exit_status(&self) -> u8 {
        let hopeless = match self {
            Self::Engine { error, .. } if error.is_unreachable() => return exit::UNAVAILABLE,
            Self::Engine { error: EngineError::Refused(_), .. }
            | Self::NeverReady(_)
            | Self::Resource(_)
            | Self::Stopped => false,
            Self::Engine { .. } | Self::NameTaken(_) | Self::NoImage(_) | Self::NoHealthcheck => true,
        };
        match own_unit::start_history() {
            Some(history) if history.was_active => exit::TRY_AGAIN,
            Some(history) if !hopeless && history.restarts + 1 < FIRST_ATTEMPTS => exit::TRY_AGAIN,
            _ => exit::CANNOT_START,
        }
    }
}

/// Names the step that an engine error comes from.
fn at<T>(step: impl Into<String>, result: Result<T, EngineError>) -> Result<T, StartError> {
    result.map_err(|error| StartError::Engine { step: step.into(), error })
}

/// Waits for the engine, with growing pauses.
pub async fn connect() -> Result<Engine, StartError> {
    let begin = Instant::now();
    let mut pause = Pause::new();
    loop {
        let attempt = patiently("Waiting for the engine", tokio::time::timeout(ENGINE_ANSWER, Engine::connect()));
        let error = match attempt.await {
            Ok(Ok(engine)) => return Ok(engine),
            Ok(Err(error)) => error,
            Err(_) => EngineError::Unreachable("no answer in time".to_owned()),
        };
        if !error.is_unreachable() || begin.elapsed() >= PATIENCE {
            return at("cannot reach the engine", Err(error));
        }
        service::busy(&format!("Waiting for the engine: {error}"));
        pause.wait().await;
    }
}

/// A running container of this spec.
async fn start(engine: &Engine, path: &Path, spec: &ContainerSpec, stop: &StopRequest) -> Result<Started, StartError> {
    let name = &spec.wharf.name;
    if let Some(found) = at(format!("cannot look for container {name}"), engine.container(name).await)? {
        if !found.belongs_to(spec) {
            return Err(StartError::NameTaken(name.clone()));
        }
        if found.running && found.label(label::CONFIG_HASH) == Some(&spec.wharf.config_hash) {
            message::info(&format!("container {} is running: going on with it", message::short(&found.id)));
            return Ok(Started { id: found.id, adopted: true });
        }
        replace(engine, &found).await?;
    }
    let image = image(engine, spec, stop).await?;
    make_resources(engine, path, spec).await?;
    let mut body = with_named_volumes(spec, &image);
    if all_networks_at_once(engine) {
        let endpoints = body.networking_config.get_or_insert_default().endpoints_config.get_or_insert_default();
        endpoints.extend(spec.wharf.networks.iter().map(|network| (network.name.clone(), network.endpoint.clone())));
    }
    let id = at(format!("cannot create container {name}"), engine.create_container(name, body).await)?;
    // Newer engines took all networks with the container.
    let later = if all_networks_at_once(engine) { &[] } else { spec.wharf.networks.as_slice() };
    for network in later {
        let joined = engine.join_network(&id, &network.name, &network.endpoint).await;
        at(format!("cannot connect container {name} to network {}", network.name), joined)?;
    }
    at(format!("cannot start container {name}"), engine.start_container(&id).await)?;
    Ok(Started { id, adopted: false })
}

/// Removes what an earlier definition, or an interrupted run, has left.
async fn replace(engine: &Engine, found: &Container) -> Result<(), StartError> {
    let short = message::short(&found.id);
    message::info(&format!("removing container {short}, which is not of the present definition or has ended"));
    at(format!("cannot remove container {short}"), engine.remove_container(&found.id).await)
}

/// Engine API 1.44: a container may be created with more than one network.
fn all_networks_at_once(engine: &Engine) -> bool {
    engine.api_version() >= (1, 44)
}

/// The image, fetched as the pull policy says.
async fn image(engine: &Engine, spec: &ContainerSpec, stop: &StopRequest) -> Result<Image, StartError> {
    let reference = spec.container.image.as_deref().unwrap_or_default();
    let look = async || at(format!("cannot look for image {reference}"), engine.image(reference).await);
    let policy = spec.wharf.pull_policy;
    if policy != PullPolicy::Always
        && let Some(image) = look().await?
    {
        return Ok(image);
    }
    if policy == PullPolicy::Never {
        return Err(StartError::NoImage(reference.to_owned()));
    }
    unless_stopped(stop, pull_patiently(engine, reference)).await?;
    look().await?.ok_or_else(|| StartError::NoImage(reference.to_owned()))
}

/// The networks and volumes have units of their own; what somebody removed behind their backs is made again.
async fn make_resources(engine: &Engine, path: &Path, spec: &ContainerSpec) -> Result<(), StartError> {
    for file in &spec.wharf.resources {
        let made = resource::make(engine, &path.with_file_name(file)).await;
        made.map_err(|problem| StartError::Resource(problem.to_string()))?;
    }
    Ok(())
}

/// Each container is a new one: what the image declares as a volume gets a name, so that its data is there again next time.
fn with_named_volumes(spec: &ContainerSpec, image: &Image) -> ContainerCreateBody {
    let mut body = spec.container.clone();
    let host = body.host_config.get_or_insert_default();
    let mounts = host.mounts.get_or_insert_default();
    let binds = host.binds.iter().flatten().filter_map(|bind| bind.split(':').nth(1));
    let tmpfs = host.tmpfs.iter().flatten().map(|(target, _)| target.as_str());
    let covered: HashSet<&str> = binds.chain(tmpfs).chain(mounts.iter().filter_map(|m| m.target.as_deref())).collect();
    let missing: Vec<String> =
        image.volumes.iter().filter(|path| !covered.contains(path.trim_end_matches('/'))).cloned().collect();
    let declared = |target| Mount { target: Some(target), typ: Some(MountType::VOLUME), ..Default::default() };
    mounts.extend(missing.into_iter().map(declared));
    for mount in mounts.iter_mut().filter(|mount| mount.typ == Some(MountType::VOLUME) && mount.source.is_none()) {
        mount.source = Some(volume_name(spec, mount.target.as_deref().unwrap_or_default()));
        let labels = HashMap::from([(label::PROJECT.to_owned(), spec.wharf.project.clone())]);
        mount.volume_options.get_or_insert_default().labels = Some(labels);
    }
    body
}

/// `shop-db_var_lib_mysql`
fn volume_name(spec: &ContainerSpec, target: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    format!("{}_{}", spec.wharf.name, target.trim_matches('/').chars().map(allowed).collect::<String>())
}

/// A registry that cannot be reached just now (no name service yet, no route) is tried again for a while.
async fn pull_patiently(engine: &Engine, image: &str) -> Result<(), StartError> {
    let begin = Instant::now();
    let mut pause = Pause::new();
    loop {
        let error = match pull(engine, image).await {
            Err(StartError::Engine { error: EngineError::Refused(why), .. })
                if !is_final(&why) && begin.elapsed() < PATIENCE =>
            {
                why
            }
            other => return other,
        };
        service::busy(&format!("Pulling {image}, trying again: {error}"));
        pause.wait().await;
    }
}

/// The engine says "500" to everything; only its words tell a registry that refuses from one that is away.
fn is_final(why: &str) -> bool {
    [
        "denied",
        "unauthorized",
        "authentication",
        "not found",
        "unknown",
        "invalid",
        "no matching manifest",
        "unsupported",
    ]
    .iter()
    .any(|word| why.contains(word))
}

async fn pull(engine: &Engine, image: &str) -> Result<(), StartError> {
    service::busy(&format!("Pulling {image}"));
    let mut shown = None;
    let mut last_sign = Instant::now();
    let mut progress = |progress: crate::engine::PullProgress| {
        let percent = progress.percent();
        if percent != shown || last_sign.elapsed() > service::EXTENSION / 4 {
            shown = percent;
            last_sign = Instant::now();
            service::busy(&format!("Pulling {image} {} %", percent.unwrap_or(0)));
        }
    };
    let fetch = engine.pull(image, &mut progress);
    at(format!("cannot pull image {image}"), patiently(&format!("Pulling {image}"), fetch).await)?;
    service::status("Starting");
    Ok(())
}

/// Keeps the start timeout away while `work` goes on without a sign of its own (a large layer being extracted).
pub async fn patiently<T>(status: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(service::EXTENSION / 2) => service::busy(status),
        }
    }
}
