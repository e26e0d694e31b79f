//! The networks that a container joins → the engine's endpoint settings.

use std::cmp::Reverse;

use super::{some_map, some_unless_empty, sorted};
use crate::spec::NetworkToJoin;
use crate::spec::models::{EndpointIpamConfig, EndpointSettings};
use crate::stack::{Attachment, Service, Stack};

/// The networks in the order in which they are joined: highest priority first, then by name.
pub fn joined_networks(stack: &Stack, service: &Service, links: &[String]) -> Vec<NetworkToJoin> {
    let attachments = service.networks.iter().map(|(key, attachment)| (key, &**attachment));
    let mut attachments: Vec<(&String, &Attachment)> = attachments.collect();
    attachments.sort_by_key(|(key, attachment)| (Reverse(attachment.priority), *key));
    let join = |(key, attachment): (&String, &Attachment)| NetworkToJoin {
        name: stack.networks.get(key).map_or_else(|| key.clone(), |network| network.name.clone()),
        endpoint: endpoint(service, attachment, links),
    };
    let mut joined: Vec<NetworkToJoin> = attachments.into_iter().map(join).collect();
    if let Some(first) = joined.first_mut() {
        first.endpoint.mac_address = first.endpoint.mac_address.take().or_else(|| service.mac_address.clone());
    }
    joined
}

fn endpoint(service: &Service, attachment: &Attachment, links: &[String]) -> EndpointSettings {
    let mut aliases = vec![service.name.to_string()];
    aliases.extend(attachment.aliases.iter().filter(|alias| **alias != *service.name).cloned());
    let addresses = EndpointIpamConfig {
        ipv4_address: attachment.ipv4_address.clone(),
        ipv6_address: attachment.ipv6_address.clone(),
        link_local_ips: some_unless_empty(attachment.link_local_ips.clone()),
    };
    EndpointSettings {
        aliases: Some(aliases),
        links: some_unless_empty(links.to_vec()),
        ipam_config: (addresses != EndpointIpamConfig::default()).then_some(addresses),
        mac_address: attachment.mac_address.clone(),
        driver_opts: some_map(sorted(&attachment.driver_opts)),
        gw_priority: attachment.gw_priority,
        ..Default::default()
    }
}
