//! Parts of a container's spec, for programs that keep it in memory: what they do not use is not even read.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::models::{EndpointSettings, ExecConfig, HostConfig};
use super::{NetworkToJoin, OutputPart, instance_name, label_instance};

/// What of a [`ContainerSpec`] can be compared with the container that was made of it: reading no more keeps wharfd small.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ComparedSpec {
    pub container: ComparedContainer,
    pub wharf: ComparedPart,
}

impl ComparedSpec {
    /// See [`ContainerSpec::of_instance`].
    pub fn of_instance(mut self, instance: &str) -> Self {
        self.wharf.name = instance_name(&self.wharf.name, instance);
        label_instance(&mut self.container.labels, instance);
        self
    }
}

/// Of the create body.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ComparedContainer {
    pub image: String,
    pub labels: HashMap<String, String>,
    pub host_config: HostConfig,
    pub networking_config: ComparedNetworks,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ComparedNetworks {
    /// By the network's name.
    pub endpoints_config: BTreeMap<String, EndpointSettings>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ComparedPart {
    pub name: String,
    pub config_hash: String,
    #[serde(default)]
    pub networks: Vec<NetworkToJoin>,
}

/// The parts of a container spec that matter once the container runs; the rest is not even read into memory.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FollowedSpec {
    pub container: FollowedContainer,
    pub wharf: FollowedPart,
}

impl FollowedSpec {
    /// See [`ContainerSpec::of_instance`].
    pub fn of_instance(mut self, instance: &str) -> Self {
        self.wharf.name = instance_name(&self.wharf.name, instance);
        self
    }
}

/// Of the Engine API's create body.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FollowedContainer {
    #[serde(default)]
    pub image: String,
    #[serde(default)]
    pub tty: bool,
}

/// Of [`ContainerPart`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FollowedPart {
    pub project: String,
    pub service: String,
    pub name: String,
    pub stop_grace_period: f64,
    #[serde(default)]
    pub post_start: Vec<ExecConfig>,
    #[serde(default)]
    pub pre_stop: Vec<ExecConfig>,
    #[serde(default)]
    pub output: OutputPart,
}
