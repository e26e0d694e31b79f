//! What `plan` hands to `wharf-run`: a container, network or volume as JSON beside its unit.
//!
//! The engine's part is the Engine API's own create body, sent as it is; the rest is what the engine cannot know.
//! Invariant: no secret value is in a spec but [`ValuesSpec`], which nobody but root and systemd reads, and the same stack gives
//! the same bytes (keys are sorted).

mod build;
pub mod json;
mod policy;
mod views;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::UnitName;
use crate::regular_file::read_text;

pub use build::{BuildParameters, BuildPart, BuildSecret, BuildSpec, CacheOption};
pub use policy::{OnUnhealthy, UpdateHook};
pub use views::{
    ComparedContainer, ComparedNetworks, ComparedPart, ComparedSpec, FollowedContainer, FollowedPart, FollowedSpec,
};

/// The types of the Engine API, for all rooms that write or read them.
pub use bollard::models;
use models::{ContainerCreateBody, EndpointSettings, ExecConfig, NetworkCreateRequest, VolumeCreateRequest};

/// Labels on everything that Wharf makes at the engine.
pub mod label {
    use std::collections::HashMap;

    pub const PROJECT: &str = "io.wharf.project";
    pub const SERVICE: &str = "io.wharf.service";
    /// The unit that supervises the container.
    pub const UNIT: &str = "io.wharf.unit";
    /// SHA-256 of the definition, in hexadecimal: by it drift is seen.
    pub const CONFIG_HASH: &str = "io.wharf.config-hash";
    /// Which of several containers of the service: the unit's instance (systemd.unit(5), `%i`).
    pub const INSTANCE: &str = "io.wharf.instance";
    /// A container that is never started and keeps its image for a project.
    pub const KEPT: &str = "io.wharf.kept";
    /// A volume that an image declares: the container for which it was made.
    pub const IMAGE_VOLUME: &str = "io.wharf.image-volume";
    /// Those that no image has, whether built by Wharf or not.
    pub const OF_CONTAINERS: [&str; 4] = [UNIT, INSTANCE, PROJECT, SERVICE];

    /// Those of Wharf among all labels.
    pub fn of_wharf(mut all: HashMap<String, String>) -> HashMap<String, String> {
        all.retain(|name, _| name.starts_with("io.wharf."));
        all.shrink_to_fit();
        all
    }
}

/// Labels by which `docker compose` and dashboards know the containers of a project. Source: Docker Compose, pkg/api/labels.go.
pub mod compose_label {
    pub const PROJECT: &str = "com.docker.compose.project";
    pub const SERVICE: &str = "com.docker.compose.service";
    /// Which of several containers of the service, from 1.
    pub const NUMBER: &str = "com.docker.compose.container-number";
    /// `True`: of `docker compose run`.
    pub const ONE_OFF: &str = "com.docker.compose.oneoff";
    pub const CONFIG_HASH: &str = "com.docker.compose.config-hash";
    /// Separated by commas.
    pub const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
    pub const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
    pub const VERSION: &str = "com.docker.compose.version";
}

/// Exit statuses of `wharf-run` that are not the container's own, and that the container's own never is.
pub mod exit {
    /// The engine or the registry cannot be reached. Always restarted.
    pub const UNAVAILABLE: u8 = 250;
    /// The start failed this time. Restarted as the service's policy says.
    pub const TRY_AGAIN: u8 = 251;
    /// The start failed and trying again is of no use. Not restarted.
    pub const CANNOT_START: u8 = 252;
    /// systemd's own (systemd.exec(5), Process Exit Codes): the program is not there or cannot be executed, it cannot be given
    /// its capabilities, or a credential is missing. Not restarted.
    pub const EXEC: u8 = 203;
    pub const CAPABILITIES: u8 = 218;
    pub const CREDENTIALS: u8 = 243;
    /// What a container's own status becomes that would mean one of these.
    pub const FAILED: u8 = 1;
}

/// One container of one service: `shop-web.container.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The body of `POST /containers/create` (Engine API), with its config hash as a label.
    pub container: ContainerCreateBody,
    pub wharf: ContainerPart,
}

impl ContainerSpec {
    const FILE_SUFFIX: &str = ".container.json";

    /// The name of its file, beside the unit of the container.
    pub fn file_name(project: &str, service: &str) -> String {
        format!("{project}-{service}{}", Self::FILE_SUFFIX)
    }

    /// The name of its file, by the unit: also by an instance of its template.
    pub fn file_of(unit: &UnitName) -> String {
        [unit.prefix(), Self::FILE_SUFFIX].concat()
    }

    /// Whether the service declares a healthcheck. Its image may have another one.
    pub fn has_healthcheck(&self) -> bool {
        let test = self.container.healthcheck.as_ref().and_then(|healthcheck| healthcheck.test.as_ref());
        test.and_then(|test| test.first()).is_some_and(|kind| kind != "NONE")
    }

    /// The spec of one of several containers: its name ends with the instance, and its unit is that instance.
    pub fn of_instance(mut self, instance: &str) -> Self {
        self.wharf.name = instance_name(&self.wharf.name, instance);
        label_instance(self.container.labels.get_or_insert_default(), instance);
        self
    }
}

fn label_instance(labels: &mut HashMap<String, String>, instance: &str) {
    if let Some(unit) = labels.get_mut(label::UNIT)
        && let Ok(template) = crate::name::UnitName::parse(unit)
        && template.is_template()
    {
        // The instance comes from systemd (`%i`), which has escaped it.
        *unit = format!("{}@{instance}.{}", template.prefix(), template.kind().suffix());
    }
    labels.insert(label::INSTANCE.to_owned(), instance.to_owned());
    if let Some(number) = labels.get_mut(compose_label::NUMBER) {
        instance.clone_into(number);
    }
}

/// The name of one of several containers: `shop-web-2`.
pub fn instance_name(name: &str, instance: &str) -> String {
    format!("{name}-{instance}")
}

/// What the engine cannot know about a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerPart {
    pub project: String,
    pub service: String,
    /// The container's name at the engine.
    pub name: String,
    pub config_hash: String,
    /// SHA-256 of `[Service]` of the unit, in hexadecimal: what of a unit only a restart brings about stands there. The rest
    /// (dependencies, limits of starts) a daemon-reload does.
    #[serde(default)]
    pub unit_hash: String,
    pub pull_policy: PullPolicy,
    /// When the unit is ready.
    pub ready: Ready,
    /// `OS[/ARCH[/VARIANT]]` of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Containers of the stack whose namespaces it lives in: a new one of theirs needs a new one of this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<String>,
    /// Networks to connect between create and start, beyond the one of the create body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkToJoin>,
    /// The specs of the networks and volumes that it uses, by their file names beside this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Secrets and configs: files that appear in the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileSpec>,
    /// Secrets and configs that are variables of the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableSpec>,
    /// Seconds between the stop signal and SIGKILL; may have a fraction.
    pub stop_grace_period: f64,
    /// The unit that builds the image; `None`: nobody of this stack does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_by: Option<String>,
    /// Bodies of `POST /containers/ID/exec`: run in order in a container that was started, before the unit is ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_start: Vec<ExecConfig>,
    /// The same, run in order before the stop signal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre_stop: Vec<ExecConfig>,
    /// How it is made to reload its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<ReloadPart>,
    #[serde(default, skip_serializing_if = "OutputPart::is_default")]
    pub output: OutputPart,
}

/// The levels of what the container prints, as syslog(3) numbers them: 0 (`emerg`) to 7 (`debug`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputPart {
    pub stdout_level: u8,
    pub stderr_level: u8,
    /// Whether a line may begin with its own, as `<4>` (sd-daemon(3)).
    pub level_prefix: bool,
}

impl Default for OutputPart {
    fn default() -> Self {
        Self { stdout_level: 6, stderr_level: 5, level_prefix: false }
    }
}

impl OutputPart {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What `systemctl reload` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReloadPart {
    /// A name or number as `POST /containers/ID/kill` takes it.
    Signal(String),
    /// The body of `POST /containers/ID/exec`.
    Exec(Box<ExecConfig>),
}

/// How long all `pre_stop` hooks of a container may take together: the container shall stop even if one of them hangs.
pub fn pre_stop_limit(stop_grace_period: Duration) -> Duration {
    /// systemd's own default for a stop (systemd-system.conf(5), DefaultTimeoutStopSec=).
    const USUAL: Duration = Duration::from_secs(90);
    stop_grace_period.max(USUAL)
}

/// Where the program finds what a secret or config holds: in a systemd credential of its unit (systemd.exec(5), Credentials).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// What messages call it, e.g. `secret db_password`.
    pub source: String,
    /// The credential's ID: the name of its file in `$CREDENTIALS_DIRECTORY`.
    pub credential: String,
    /// The credential is a [`ValuesSpec`], and this is the name of one of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A secret or config that is a file in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    #[serde(flatten)]
    pub contents: Contents,
    /// The host's file from which systemd loads the credential, if the stack names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Absolute path in the container.
    pub target: String,
    pub uid: u32,
    pub gid: u32,
    /// Permission bits, in decimal as in the Engine API.
    pub mode: u32,
}

/// A secret or config that is a variable of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableSpec {
    #[serde(flatten)]
    pub contents: Contents,
    /// As in [`FileSpec`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    pub name: String,
}

/// The values of a service's secrets and configs that come from the stack file or the environment:
/// `shop-web.values.json`, readable by root alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuesSpec {
    /// By `secret.KEY` and `config.KEY`.
    pub values: BTreeMap<String, String>,
    pub wharf: ValuesPart,
}

/// By it the file is known as Wharf's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuesPart {
    pub project: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkToJoin {
    pub name: String,
    pub endpoint: EndpointSettings,
}

/// `pull_policy` of the Compose Specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullPolicy {
    Always,
    Missing,
    Never,
    /// `daily`, `weekly`, `every_<duration>`, `refresh`: fetched if missing, or if the last fetch is so many seconds ago.
    Refresh(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ready {
    /// The container runs.
    Started,
    /// The container's health check passed.
    Healthy,
    /// The container ended with status 0: a job (`Type=oneshot`, which is ready when it exits).
    Completed,
}

/// A network: `shop-default.network.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// The body of `POST /networks/create` (Engine API).
    pub network: NetworkCreateRequest,
    pub wharf: ResourcePart,
}

/// A volume: `shop-data.volume.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// The body of `POST /volumes/create` (Engine API).
    pub volume: VolumeCreateRequest,
    pub wharf: ResourcePart,
}

/// Either of them, told apart by its body.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ResourceSpec {
    Network(NetworkSpec),
    Volume(VolumeSpec),
}

impl VolumeSpec {
    /// The volume's name at the engine.
    pub fn name(&self) -> &str {
        self.volume.name.as_deref().unwrap_or_default()
    }
}

impl ResourceSpec {
    /// The name of the network or volume at the engine.
    pub fn name(&self) -> &str {
        match self {
            Self::Network(spec) => &spec.network.name,
            Self::Volume(spec) => spec.name(),
        }
    }
}

/// What the engine cannot know about a network or volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePart {
    pub project: String,
    pub config_hash: String,
}

/// A spec, or a part of one, as text: indented, keys sorted, a line break at the end.
pub fn to_json<T: Serialize>(spec: &T) -> String {
    json::sorted(spec, json::Layout::Indented) + "\n"
}

/// Why a spec cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("{}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: {error}; run `wharf generate` to write it again", path.display())]
    NoSpec { path: PathBuf, error: serde_json::Error },
}

/// Bytes of a file that Wharf has written, a unit or a spec. A larger one is not written, nor read.
pub const LARGEST_FILE: u64 = 64 << 20;

/// Reads a spec from its file.
///
/// # Errors
/// The file cannot be read, is no regular file or larger than [`LARGEST_FILE`], or is of another version.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let text = read_text(path, LARGEST_FILE).map_err(|error| ReadError::Unreadable { path: path.to_owned(), error })?;
    from_json(&text).map_err(|error| ReadError::NoSpec { path: path.to_owned(), error })
}

/// Reads a spec.
///
/// # Errors
/// The text is not JSON or lacks a field.
pub fn from_json<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop-web.container.json");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        for path in [&*path, directory.path(), Path::new("/dev/zero")] {
            assert!(matches!(read::<ContainerSpec>(path), Err(ReadError::Unreadable { .. })), "{}", path.display());
        }
    }
}
