//! Why there is no running container, network or volume: plain data, below everything that can fail.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::engine::EngineError;
use crate::spec::ReadError;

/// Why there is no running container.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("{step}: {error}")]
    Engine { step: String, error: EngineError },
    #[error(
        "a container named {0} exists that this unit did not make: remove it (docker rm {0}), or give the service another \
         container_name"
    )]
    NameTaken(String),
    /// By its labels, or want of labels.
    #[error(
        "the image declares the volume {path}, but the volume of that name, {volume}, was not made for it: give {path} a volume of \
         the stack (volumes = [\"NAME:{path}\"])"
    )]
    VolumeTaken { volume: String, path: String },
    /// The engine would make an empty one.
    #[error(
        "there is no volume {0}, and the stack does not make it (`external`): create it (docker volume create {0}), or remove \
         `external`"
    )]
    NoVolume(String),
    #[error(
        "there is no network {0}, and the stack does not make it (`external`): create it (docker network create {0}), or remove \
         `external`"
    )]
    NoNetwork(String),
    /// `pull_policy` is `never` and the image is not there.
    #[error("image {0} is not on this host, and pull_policy is \"never\": load it, or change the policy")]
    NoImage(String),
    /// `docker commit` has made it of a container of Wharf's.
    #[error(
        "image {image} has labels of a container of Wharf: build it, or commit it again without them \
         (docker commit --change 'LABEL {}' CONTAINER {image})",
        labels.iter().map(|label| format!("{label}=")).collect::<Vec<_>>().join(" ")
    )]
    Labelled { image: String, labels: Vec<&'static str> },
    #[error("image {0} has more than 1 MiB of labels, which each of its containers would have: build it with fewer")]
    LargeLabels(String),
    #[error("image {0} has no command, and the service has none: set its `command` or `entrypoint`")]
    NoCommand(String),
    /// The image is built by a unit that has done so, and is gone.
    #[error("image {image} was removed after it was built: build it again (systemctl restart {unit})")]
    NotBuilt { image: String, unit: String },
    /// The container whose namespace this one shares is not running.
    #[error("container {0}, whose namespace this container shares, is not running")]
    NoOwner(String),
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the container was removed while it was being started, but not by its unit")]
    Removed,
    /// systemd asked for a stop before there was a container.
    #[error("stopped while starting")]
    Stopped,
    #[error("the unit waits for the container to be healthy, but neither the service nor the image has a healthcheck")]
    NoHealthcheck,
    /// A `post_start` hook failed.
    #[error("{0}: stopping the container")]
    Hook(HookError),
    /// The container was unhealthy, or ended, before it was ready: the reason.
    #[error("{0}")]
    NeverReady(String),
}

/// Adds to an engine error which step failed.
pub fn at<T>(step: impl Into<String>, result: Result<T, EngineError>) -> Result<T, StartError> {
    result.map_err(|error| StartError::Engine { step: step.into(), error })
}

/// Why there is no network or volume, or why it is still there.
#[derive(Debug, Error)]
pub enum ResourceError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its spec file cannot be read.
    #[error("{0}")]
    Spec(ReadError),
    #[error(
        "a network named {0} exists that this stack did not make: set `external = true` to use it, or set another `name`"
    )]
    NetworkTaken(String),
    #[error(
        "volume {volume} exists, and was made for what the image of container {container} declares: set another `name`, or \
         `external = true` to use it nevertheless"
    )]
    OfImage { volume: String, container: String },
    #[error("network {network} cannot be removed while containers are connected to it: {}", containers.join(", "))]
    NetworkInUse { network: String, containers: Vec<String> },
}

/// Why a secret or config cannot be given to the container. `key`: where the stack file declares it.
#[derive(Debug, Error)]
pub enum FileError {
    /// The unit does not set the variable with the directory of credentials, or of their copies.
    #[error(
        "${variable} is not set, so the unit's secrets cannot be found: run `wharf generate` to write the unit again"
    )]
    NoDirectory { variable: &'static str },
    #[error(
        "{key}: this host has no credential named {credential}: put it into /etc/credstore, or encrypted into \
         /etc/credstore.encrypted (wharf secret encrypt {credential})"
    )]
    NoCredential { key: String, credential: String },
    #[error("{key}: its value is not in the unit's file: run `wharf generate` to write the file again")]
    NoValue { key: String },
    #[error("{key}: it is not text, so it cannot be a variable: remove `type = \"env\"` to have it as a file")]
    NoText { key: String },
    #[error("{key}: {path}: {error}")]
    Io { key: String, path: PathBuf, error: io::Error },
}

/// A hook that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{hook} {fault}")]
pub struct HookError {
    pub hook: Hook,
    pub fault: HookFault,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HookFault {
    #[error("exited with status {0}")]
    Status(i64),
    #[error("could not be run: {0}")]
    Engine(#[from] EngineError),
    /// There is no socket left to write to the journal.
    #[error("could not be run: cannot write to the journal: {0}")]
    Journal(String),
}

/// One command that is run in a container, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub kind: HookKind,
    /// From 1, in the order of the stack file.
    pub number: usize,
    pub program: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookKind {
    PostStart,
    PreStop,
    /// A single command, which the stack file does not call a hook.
    Reload,
}

impl fmt::Display for HookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PostStart => "post_start",
            Self::PreStop => "pre_stop",
            Self::Reload => "reload_command",
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, number, program } = self;
        match kind {
            HookKind::Reload => write!(f, "{kind} ({program})"),
            HookKind::PostStart | HookKind::PreStop => write!(f, "{kind} hook {number} ({program})"),
        }
    }
}
