//! What is known of a host, as data.

use std::fmt;

use crate::engine::{About, EngineError};

#[derive(Debug)]
pub struct Facts {
    /// Its version; `None`: it does not run.
    pub systemd: Option<String>,
    /// cgroup v2, see cgroups(7).
    pub unified_cgroups: bool,
    /// The engine that units use, or why it cannot be asked.
    pub engine: Result<About, EngineError>,
    /// Of whoever asks, if it is another engine than that of the units.
    pub docker_host: Option<String>,
    pub wharfd: Wharfd,
    /// Installed units whose containers have a healthcheck. `None`: this user may not read their definitions.
    pub healthchecks: Option<Vec<String>>,
    /// Installed projects whose stack file has gone, and that file.
    pub without_file: Vec<(String, String)>,
    /// The one that is on.
    pub firewall: Option<Firewall>,
    /// Ports that containers publish on all addresses, by container.
    pub open_ports: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wharfd {
    pub enabled: bool,
    pub runs: bool,
}

impl Wharfd {
    /// Whether it acts on what is unhealthy, now or from the next boot.
    pub fn acts(self) -> bool {
        self.enabled || self.runs
    }
}

/// A firewall whose rules come after the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firewall {
    Ufw,
    Firewalld,
}

impl fmt::Display for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ufw => "ufw",
            Self::Firewalld => "firewalld",
        })
    }
}
