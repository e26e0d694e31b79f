//! Networks and volumes → the Engine API's create bodies.

use std::collections::{BTreeMap, HashMap};

use super::container::{some_map, some_unless_empty, sorted};
use super::hash::config_hash;
use crate::spec::models::{
    Ipam as EngineIpam, IpamConfig as EngineIpamConfig, NetworkCreateRequest, VolumeCreateRequest,
};
use crate::spec::{NetworkSpec, ResourcePart, VolumeSpec, label};
use crate::stack::{Ipam, IpamConfig, Network, Stack, Volume};

pub fn network_spec(stack: &Stack, network: &Network) -> NetworkSpec {
    let mut body = NetworkCreateRequest {
        name: network.name.clone(),
        driver: network.driver.clone(),
        options: some_map(sorted(&network.driver_opts)),
        internal: network.internal.then_some(true),
        attachable: network.attachable.then_some(true),
        enable_ipv4: network.enable_ipv4,
        enable_ipv6: network.enable_ipv6,
        ipam: network.ipam.as_ref().map(ipam),
        labels: Some(labels(stack, &network.labels)),
        ..Default::default()
    };
    let part = ResourcePart { project: stack.name.to_string(), config_hash: config_hash(&body) };
    body.labels.get_or_insert_default().insert(label::CONFIG_HASH.to_owned(), part.config_hash.clone());
    NetworkSpec { network: body, wharf: part }
}

pub fn volume_spec(stack: &Stack, volume: &Volume) -> VolumeSpec {
    let mut body = VolumeCreateRequest {
        name: Some(volume.name.clone()),
        driver: volume.driver.clone(),
        driver_opts: some_map(sorted(&volume.driver_opts)),
        labels: Some(labels(stack, &volume.labels)),
        ..Default::default()
    };
    let part = ResourcePart { project: stack.name.to_string(), config_hash: config_hash(&body) };
    body.labels.get_or_insert_default().insert(label::CONFIG_HASH.to_owned(), part.config_hash.clone());
    VolumeSpec { volume: body, wharf: part }
}

fn labels(stack: &Stack, own: &BTreeMap<String, String>) -> HashMap<String, String> {
    let mut labels = sorted(own);
    labels.insert(label::PROJECT.to_owned(), stack.name.to_string());
    labels
}

fn ipam(ipam: &Ipam) -> EngineIpam {
    EngineIpam {
        driver: ipam.driver.clone(),
        config: some_unless_empty(ipam.config.iter().map(ipam_config).collect()),
        options: some_map(sorted(&ipam.options)),
    }
}

fn ipam_config(config: &IpamConfig) -> EngineIpamConfig {
    EngineIpamConfig {
        subnet: config.subnet.clone(),
        ip_range: config.ip_range.clone(),
        gateway: config.gateway.clone(),
        auxiliary_addresses: some_map(sorted(&config.aux_addresses)),
    }
}
