//! Hands over from the process that starts a container to the one that follows it: the same process, which executes itself again.
//!
//! Starting takes memory (for definitions and for answers of the engine) that a process never gives back; following takes
//! little, and lasts as long as the container. So wharf-run executes itself once the container runs: the same PID, with fresh
//! memory. Signals stay blocked meanwhile, so that none is lost.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::engine::Health;

/// The environment variable with the facts. They are not on the command line, which `systemctl status` shows.
const VARIABLE: &str = "WHARF_HANDOVER";

/// What the follower need not ask the engine for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    pub id: String,
    /// The container's first process, as the host numbers it.
    pub pid: i32,
    /// `EMPTY` or `NONE`: the container has no health check.
    pub health: Health,
    /// Seconds of the epoch at which `health` was true: changes from then on are events.
    pub health_since: i64,
    /// The unit is not ready until the container is healthy.
    pub awaited: bool,
    /// The hooks of `post_start` have not been run yet; the unit is not ready before.
    pub post_start: bool,
    /// The containers whose namespaces it shares.
    #[serde(default)]
    pub owners: Vec<Owner>,
    /// The signal that asks the container to stop.
    pub stop_signal: String,
    /// The container was already running when the unit's process started.
    pub adopted: bool,
    /// The standard input is the stream of its output.
    #[serde(default)]
    pub attached: bool,
    /// [`crate::systemd::own_unit::oom_kills`] before the container was started.
    pub oom_kills: Option<u64>,
    /// The negotiated version of the Engine API.
    pub api_version: (usize, usize),
}

/// A container whose namespace another one shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub name: String,
    pub id: String,
    /// Its first process, as the host numbers it.
    pub pid: i32,
}

impl Handover {
    /// Becomes the follower; returns only if that fails. `output`: the standard input from then on; `instance`: which of several
    /// containers of the spec.
    pub fn follow(&self, output: Option<UnixStream>, spec: &Path, instance: Option<&str>) -> io::Error {
        let facts = match serde_json::to_string(self) {
            Ok(facts) => facts,
            Err(error) => return error.into(),
        };
        // The link, not the path: the program file may have been replaced by a newer one.
        let mut command = Command::new("/proc/self/exe");
        command.stdin(output.map_or_else(Stdio::null, |output| OwnedFd::from(output).into()));
        command.arg0("wharf-run").arg("follow").arg(spec).args(instance).env(VARIABLE, facts).exec()
    }

    /// Reads what [`Handover::follow`] handed over.
    ///
    /// # Errors
    /// This process was not executed by [`Handover::follow`].
    pub fn received() -> Result<Self, String> {
        // Executing the link named the process after it, `exe`: systemctl status, ps and pgrep would show that.
        let _only_for_display = std::fs::write("/proc/self/comm", "wharf-run");
        let facts = std::env::var(VARIABLE).map_err(|_| "`follow` is used by wharf-run only".to_owned())?;
        serde_json::from_str(&facts).map_err(|error| error.to_string())
    }
}
