//! Containers: create, start, watch, stop, remove.

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HealthStatusEnum, NetworkConnectRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::time::SystemTime;
use tokio::time::timeout;

use super::probe::{self, Probe};
use super::{Engine, EngineError, REQUEST_TIMEOUT, found};
use crate::name::UnitName;
use crate::spec::{ContainerSpec, label};

/// How the modes of namespaces name another container.
pub const OF_CONTAINER: &str = "container:";

/// A container as the engine sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub running: bool,
    /// The first process, as the host numbers it; 0 if none runs.
    pub pid: i32,
    pub exit_code: i64,
    pub oom_killed: bool,
    /// When its first process was started; `None` if it never was.
    pub started: Option<SystemTime>,
    /// When it ended last; `None` if it never did.
    pub finished: Option<SystemTime>,
    /// The engine's own word on why it could not start.
    pub error: String,
    /// Those of Wharf: an image decides how many others there are.
    pub labels: HashMap<String, String>,
    /// `HostConfig.CgroupParent`; empty: the engine's own.
    pub cgroup_parent: String,
    /// The containers whose namespaces it lives in, as its definition names them: by id.
    pub shares: Vec<String>,
    /// From the definition or the image; `None`: SIGTERM.
    pub stop_signal: Option<String>,
    pub health: HealthReport,
}

/// The state of a container's health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// `NONE`: the container has no health check.
    pub status: HealthStatusEnum,
    /// What the last probe printed; of one that failed and printed nothing, its command and exit status.
    pub output: String,
    pub probe: Probe,
}

impl Container {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Whether Wharf made it for this unit. The label alone does not say so, as an image hands labels on (`docker commit`); the slice
    /// it cannot.
    pub fn is_of(&self, unit: &UnitName, slice: &UnitName) -> bool {
        self.label(label::UNIT) == Some(unit.as_str()) && self.cgroup_parent == slice.as_str()
    }

    /// Whether Wharf made it, for this service of this project: its labels say so, and it lies in the service's slice. A name that
    /// was given to another unit of the service is still the service's.
    pub fn belongs_to(&self, spec: &ContainerSpec) -> bool {
        let (project, service) = (&spec.wharf.project, &spec.wharf.service);
        self.label(label::PROJECT) == Some(project)
            && self.label(label::SERVICE) == Some(service)
            && self.cgroup_parent == UnitName::service_slice(project, service).as_str()
    }

    /// Whether Wharf made it, for any service of this project. The service of the label has to be the one of the slice.
    pub fn is_of_project(&self, project: &str) -> bool {
        let service = self.label(label::SERVICE).unwrap_or_default();
        self.label(label::PROJECT) == Some(project)
            && self.cgroup_parent == UnitName::service_slice(project, service).as_str()
    }
}

impl From<ContainerInspectResponse> for Container {
    fn from(inspect: ContainerInspectResponse) -> Self {
        let state = inspect.state.unwrap_or_default();
        let health = state.health.unwrap_or_default();
        let config = inspect.config.unwrap_or_default();
        let host = inspect.host_config.unwrap_or_default();
        let modes = [host.network_mode, host.pid_mode, host.ipc_mode];
        let of_others = |mode: Option<String>| mode?.strip_prefix(OF_CONTAINER).map(str::to_owned);
        let last = health.log.and_then(|log| log.into_iter().next_back());
        let test = config.healthcheck.and_then(|healthcheck| healthcheck.test).unwrap_or_default();
        Self {
            id: inspect.id.unwrap_or_default(),
            running: state.running.unwrap_or(false),
            pid: state.pid.and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0),
            exit_code: state.exit_code.unwrap_or(0),
            oom_killed: state.oom_killed.unwrap_or(false),
            started: state.started_at.and_then(|time| humantime::parse_rfc3339(&time).ok()),
            finished: state.finished_at.and_then(|time| humantime::parse_rfc3339(&time).ok()),
            error: state.error.unwrap_or_default(),
            labels: label::of_wharf(config.labels.unwrap_or_default()),
            cgroup_parent: host.cgroup_parent.unwrap_or_default(),
            shares: modes.into_iter().filter_map(of_others).collect(),
            stop_signal: config.stop_signal,
            health: HealthReport {
                status: health.status.unwrap_or(HealthStatusEnum::NONE),
                probe: Probe::of(last.as_ref(), &test),
                // It may be anything; text ends at a NUL for many, D-Bus among them.
                output: probe::output(last.unwrap_or_default(), &test).replace('\0', "\u{fffd}"),
            },
        }
    }
}

impl Engine {
    /// The container of this name or id, if there is one.
    pub async fn container(&self, name: &str) -> Result<Option<Container>, EngineError> {
        let inspected = self.docker.inspect_container(name, None::<InspectContainerOptions>).await;
        Ok(found(inspected)?.map(Container::from))
    }

    /// Creates the container; its id.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if the image is missing, [`EngineError::Conflict`] if the name is taken.
    pub async fn create_container(
        &self,
        name: &str,
        platform: Option<&str>,
        body: ContainerCreateBody,
    ) -> Result<String, EngineError> {
        let options = CreateContainerOptionsBuilder::new().name(name).platform(platform.unwrap_or_default()).build();
        Ok(self.docker.create_container(Some(options), body).await?.id)
    }

    pub async fn join_network(&self, id: &str, network: &str, endpoint: &EndpointSettings) -> Result<(), EngineError> {
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint.clone()) };
        Ok(self.docker.connect_network(network, request).await?)
    }

    pub async fn start_container(&self, id: &str) -> Result<(), EngineError> {
        Ok(self.docker.start_container(id, None::<StartContainerOptions>).await?)
    }

    /// Sends a signal; a container that is gone or has ended is no error.
    pub async fn signal_container(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        match self.docker.kill_container(id, Some(options)).await.map_err(EngineError::from) {
            Err(EngineError::NotFound(_) | EngineError::Conflict(_)) => Ok(()),
            other => other,
        }
    }

    /// Removes the container, ending it by force if it runs; one that is gone is no error. Volumes stay.
    pub async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        match found(self.docker.remove_container(id, Some(options)).await) {
            // Somebody else is removing it already: its name is free only when that is done.
            Err(conflict @ EngineError::Conflict(_)) => {
                timeout(REQUEST_TIMEOUT, self.wait(id, "removed")).await.unwrap_or(Err(conflict)).map(|_| ())
            }
            other => other.map(|_| ()),
        }
    }

    /// Waits until the container does not run; `None` if it is gone.
    pub async fn wait_container(&self, id: &str) -> Result<Option<i64>, EngineError> {
        self.wait(id, "not-running").await
    }

    async fn wait(&self, id: &str, condition: &str) -> Result<Option<i64>, EngineError> {
        let options = WaitContainerOptionsBuilder::new().condition(condition).build();
        let mut ends = Box::pin(self.streams.wait_container(id, Some(options)));
        match ends.next().await {
            Some(Ok(end)) => Ok(Some(end.status_code)),
            // bollard makes an error of every status but 0.
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(Some(code)),
            Some(Err(error)) => found(Err(error)),
            None => Err(EngineError::Unreachable("the connection was closed".into())),
        }
    }
}
