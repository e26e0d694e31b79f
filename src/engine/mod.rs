//! The one door to the container engine (Docker Engine API), through bollard.
//!
//! In: names and specs. Out: what the engine says, with errors sorted by what a caller can do about them.
//! Invariant: no other room calls the client library; nothing here decides or retries.

mod attach;
mod auth;
#[cfg(feature = "buildkit")]
mod buildkit;
mod container;
mod error;
mod exec;
mod image;
mod inspection;
mod logs;
mod network;
mod project;
mod volume;
mod watch;

use std::time::Duration;

use bollard::{ClientVersion, Docker};

pub use bollard::container::LogOutput;
pub use bollard::models::HealthStatusEnum as Health;
#[cfg(feature = "buildkit")]
pub use buildkit::{BuildFiles, BuildOrder, BuildProgress};
pub use container::{Container, HealthReport, OF_CONTAINER};
pub use error::{EngineError, LoginFault};
pub use exec::Exec;
pub use image::{Image, PullProgress, same_image};
pub use inspection::{FileChange, FileChanges, Inspection, ListedContainer};
pub use logs::{Logs, Printed};
pub use network::NetworkState;
pub use watch::{ContainerChange, ContainerEvent, EngineEvent};

/// A request that has no answer after this time has failed: a hung engine shows.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// For answers that come when something happens: logs, events, the end of a container.
const STREAM_TIMEOUT: Duration = Duration::from_secs(u32::MAX as u64);

/// The engine's socket when DOCKER_HOST says nothing.
const DEFAULT_SOCKET: &str = "/run/docker.sock";

/// A client of the engine. Each request is a connection of its own, so that a restart of the engine needs no new client.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    streams: Docker,
}

impl Engine {
    /// Connects to the socket of `DOCKER_HOST` (unix:// only), else /run/docker.sock, and agrees on an API version.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] if nothing answers there.
    pub async fn connect() -> Result<Self, EngineError> {
        Ok(Self::of(Self::client(bollard::API_DEFAULT_VERSION)?.negotiate_version().await?))
    }

    /// A client that speaks a version agreed on before; asks nothing.
    ///
    /// # Errors
    /// [`EngineError::Address`] if DOCKER_HOST is no unix socket.
    pub fn with_version((major_version, minor_version): (usize, usize)) -> Result<Self, EngineError> {
        Ok(Self::of(Self::client(&ClientVersion { major_version, minor_version })?))
    }

    fn of(docker: Docker) -> Self {
        let streams = auth::with_url_alphabet(docker.clone().with_timeout(STREAM_TIMEOUT));
        Self { docker, streams }
    }

    fn client(version: &ClientVersion) -> Result<Docker, EngineError> {
        Ok(Docker::connect_with_unix(&socket()?, REQUEST_TIMEOUT.as_secs(), version)?)
    }

    /// The version of the Engine API in use.
    pub fn api_version(&self) -> (usize, usize) {
        let version = self.docker.client_version();
        (version.major_version, version.minor_version)
    }

    /// Whether a container may be created with more than one network (Engine API 1.44).
    pub fn takes_all_networks(&self) -> bool {
        self.api_version() >= (1, 44)
    }

    /// Whether containers go on while the engine is away (daemon.json, `live-restore`).
    pub async fn live_restore(&self) -> Result<bool, EngineError> {
        Ok(self.docker.info().await?.live_restore_enabled.unwrap_or(false))
    }
}

/// The path of the engine's socket.
fn socket() -> Result<String, EngineError> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    match host.strip_prefix("unix://") {
        Some(path) => Ok(path.to_owned()),
        None if host.is_empty() => Ok(DEFAULT_SOCKET.to_owned()),
        None => Err(EngineError::Address(host)),
    }
}

/// `None` where the engine says 404.
fn found<T>(result: Result<T, bollard::errors::Error>) -> Result<Option<T>, EngineError> {
    match result.map_err(EngineError::from) {
        Ok(value) => Ok(Some(value)),
        Err(EngineError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
