//! The one door to the container engine (Docker Engine API), through bollard.
//!
//! In: names and specs. Out: what the engine says, with errors sorted by what a caller can do about them.
//! Invariant: no other room calls the client library; nothing here decides or retries.

mod about;
mod attach;
mod auth;
#[cfg(feature = "buildkit")]
mod buildkit;
mod container;
mod error;
mod exec;
mod image;
mod inspection;
mod kept;
mod logs;
mod network;
mod probe;
mod project;
mod transport;
mod volume;
mod watch;

use std::time::Duration;

use bollard::{ClientVersion, Docker};

pub use crate::refusal::port_in_use;
pub use about::About;
pub use bollard::container::LogOutput;
pub use bollard::models::HealthStatusEnum as Health;
#[cfg(feature = "buildkit")]
pub use buildkit::{BuildFiles, BuildOrder, BuildProgress};
pub use container::{Container, HealthReport, OF_CONTAINER};
pub use error::{EngineError, LoginFault};
pub use exec::Exec;
pub use image::{Image, Platform, PullProgress, RegistryImage, same_image};
pub use inspection::{FileChange, FileChanges, Inspection, ListedContainer, PublishedPort};
pub use logs::{LogRequest, Logs, Printed};
pub use network::NetworkState;
pub use probe::Probe;
pub use project::ProjectObject;
use transport::Limit;
pub use watch::{ContainerChange, ContainerEvent, EngineEvent};

/// A request that has no answer after this time has failed: a hung engine shows.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// For answers that come when something happens: logs, events, the end of a container.
const STREAM_TIMEOUT: Duration = Duration::from_secs(u32::MAX as u64);

/// An answer about one thing. What labels make longer than this is not read.
const LONGEST_ANSWER: Limit = Limit::Whole(4 << 20);

/// A list of a thousand containers takes some megabytes.
const LONGEST_LIST: Limit = Limit::Whole(32 << 20);

/// An event has all labels of its container or image.
const LONGEST_LINE: Limit = Limit::Line(4 << 20);

/// The engine's socket when DOCKER_HOST says nothing.
pub const DEFAULT_SOCKET: &str = "/run/docker.sock";

/// A client of the engine. Each request is a connection of its own, so that a restart of the engine needs no new client.
#[derive(Clone)]
pub struct Engine {
    /// For answers about one thing.
    docker: Docker,
    /// For those about all.
    lists: Docker,
    /// For those that are a series of lines: events, the progress of a pull.
    lines: Docker,
    /// For those that are passed on, such as logs.
    streams: Docker,
}

impl Engine {
    /// Connects to the socket of `DOCKER_HOST` (unix:// only), else /run/docker.sock, and agrees on an API version.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] if nothing answers there.
    pub async fn connect() -> Result<Self, EngineError> {
        Self::at(socket()?).await
    }

    /// Connects to the engine that units use: whoever runs a command may have another one in `DOCKER_HOST`.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn of_units() -> Result<Self, EngineError> {
        Self::at(DEFAULT_SOCKET.to_owned()).await
    }

    async fn at(socket: String) -> Result<Self, EngineError> {
        let newest = transport::newest_version(socket.clone(), REQUEST_TIMEOUT, LONGEST_ANSWER).await?;
        Self::of(socket, if newest < *bollard::API_DEFAULT_VERSION { &newest } else { bollard::API_DEFAULT_VERSION })
    }

    /// Whether the engine answers within this time (Engine API, `GET /_ping`).
    ///
    /// # Errors
    /// [`EngineError::Hangs`] if it does not, [`EngineError::Unreachable`] if nothing answers there.
    pub async fn ping(&self, within: Duration) -> Result<(), EngineError> {
        transport::newest_version(socket()?, within, LONGEST_ANSWER).await?;
        Ok(())
    }

    /// A client that speaks a version agreed on before; asks nothing.
    ///
    /// # Errors
    /// [`EngineError::Address`] if DOCKER_HOST is no unix socket.
    pub fn with_version((major_version, minor_version): (usize, usize)) -> Result<Self, EngineError> {
        Self::of(socket()?, &ClientVersion { major_version, minor_version })
    }

    fn of(socket: String, version: &ClientVersion) -> Result<Self, EngineError> {
        let client = |timeout, limit| transport::client(socket.clone(), timeout, version, limit);
        Ok(Self {
            docker: client(REQUEST_TIMEOUT, LONGEST_ANSWER)?,
            lists: client(REQUEST_TIMEOUT, LONGEST_LIST)?,
            lines: auth::with_url_alphabet(client(STREAM_TIMEOUT, LONGEST_LINE)?),
            streams: client(STREAM_TIMEOUT, Limit::None)?,
        })
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
