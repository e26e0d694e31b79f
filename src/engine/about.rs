//! What the engine says of itself: Engine API, `GET /info` and `GET /version`.

use super::error::Words;
use super::{Engine, EngineError, Platform};

/// What decides whether units can use an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub version: Words,
    /// Podman's service, which speaks the Engine API in part.
    pub is_podman: bool,
    /// Its daemon runs as a user, not as root.
    pub is_rootless: bool,
    /// `systemd` or `cgroupfs`.
    pub cgroup_driver: Words,
    /// Whether containers go on while the engine is away.
    pub live_restore: bool,
}

/// The kind of storage of containerd's image store, as `DriverStatus` of `GET /info` names it.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";

impl Engine {
    /// What this host runs. `None`: the engine may have images of several platforms under one name (containerd's image store), and
    /// shows one of them.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn platform(&self) -> Result<Option<Platform>, EngineError> {
        let (info, version) = tokio::join!(self.docker.info(), self.docker.version());
        let (info, version) = (info?, version?);
        if info.driver_status.iter().flatten().flatten().any(|word| word == CONTAINERD) {
            return Ok(None);
        }
        let (os, architecture) = (version.os.unwrap_or_default(), version.arch.unwrap_or_default());
        Ok(Some(Platform { os, architecture }).filter(|host| !host.os.is_empty() && !host.architecture.is_empty()))
    }

    /// # Errors
    /// The engine does not answer.
    pub async fn about(&self) -> Result<About, EngineError> {
        let (info, version) = tokio::join!(self.docker.info(), self.docker.version());
        let (info, version) = (info?, version?);
        let components = version.components.unwrap_or_default();
        let security = info.security_options.unwrap_or_default();
        Ok(About {
            version: info.server_version.unwrap_or_default().into(),
            is_podman: components.iter().any(|component| component.name.starts_with("Podman")),
            is_rootless: security.iter().any(|option| option.contains("rootless")),
            cgroup_driver: info.cgroup_driver.map(|driver| driver.to_string()).unwrap_or_default().into(),
            live_restore: info.live_restore_enabled.unwrap_or(false),
        })
    }
}
