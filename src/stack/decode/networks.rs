//! Top-level `networks`.
//!
//! Source: Compose Specification, networks.

use std::collections::BTreeMap;

use super::external::{external, only_a_name};
use super::maps::{labels, options};
use super::systemd::{self, RESOURCE_SECTIONS};
use crate::diagnostic::Place;
use crate::stack::fields::{Item, accept};
use crate::stack::grammar::addresses::{address, subnet};
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::model::{Ipam, IpamConfig, Network};
use crate::stack::problem::{Expected, Report};
use crate::stack::text::node::Entry;
use crate::stack::text::surroundings::Surroundings;

/// Reads one declared network.
pub fn read(entry: &Entry, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Network> {
    let key = accept(names::key(&entry.key), &entry.key_place, report)?;
    let item = Item { key: &entry.key, node: &entry.node };
    let mut fields = item.fields(&keys::NETWORK, format!("network `{key}`"), report)?;
    let external = external(&mut fields, report);
    let mut network = Network { external, ..implicit(&key, &entry.key_place, surroundings) };
    if external {
        network.name.clone_from(&key);
    }
    if let Some(name) = fields.parse("name", report, |text| names::engine("network", text)) {
        network.name = name;
    }
    network.systemd = systemd::read(&mut fields, RESOURCE_SECTIONS, report);
    if external {
        only_a_name(&fields, report);
        return Some(network);
    }
    network.driver = fields.string("driver", report);
    network.driver_opts = options(&mut fields, "driver_opts", report);
    network.internal = fields.boolean("internal", report).unwrap_or(false);
    network.attachable = fields.boolean("attachable", report).unwrap_or(false);
    network.enable_ipv4 = fields.boolean("enable_ipv4", report);
    network.enable_ipv6 = fields.boolean("enable_ipv6", report);
    network.ipam = fields.get("ipam").and_then(|item| ipam(item, &key, report));
    network.labels = labels(&mut fields, report);
    fields.finish(report);
    Some(network)
}

/// A network of which nothing but its key is known, such as the `default` one that nobody declared.
pub fn implicit(key: &str, place: &Place, surroundings: &Surroundings<'_>) -> Network {
    Network {
        key: key.to_owned(),
        place: place.clone(),
        name: format!("{}_{key}", surroundings.project),
        external: false,
        driver: None,
        driver_opts: BTreeMap::new(),
        internal: false,
        attachable: false,
        enable_ipv4: None,
        enable_ipv6: None,
        ipam: None,
        labels: BTreeMap::new(),
        systemd: BTreeMap::new(),
    }
}

fn ipam(item: Item<'_>, network: &str, report: &mut Report) -> Option<Ipam> {
    let owner = format!("`ipam` of network `{network}`");
    let mut fields = item.fields(&keys::IPAM, owner, report)?;
    let driver = fields.string("driver", report);
    let options = options(&mut fields, "options", report);
    let configs = fields.get("config").and_then(|item| item.elements(Expected::List, report)).unwrap_or_default();
    let config = configs.iter().filter_map(|node| ipam_config(Item { key: "config", node }, network, report)).collect();
    fields.finish(report);
    Some(Ipam { driver, config, options })
}

fn ipam_config(item: Item<'_>, network: &str, report: &mut Report) -> Option<IpamConfig> {
    let mut fields = item.fields(&keys::IPAM_CONFIG, format!("an ipam `config` of network `{network}`"), report)?;
    let mut config = IpamConfig {
        subnet: fields.parse("subnet", report, subnet),
        ip_range: fields.parse("ip_range", report, subnet),
        gateway: fields.parse("gateway", report, address),
        aux_addresses: BTreeMap::new(),
    };
    if let Some(item) = fields.get("aux_addresses") {
        for entry in item.entries(report) {
            let item = Item { key: &entry.key, node: &entry.node };
            let address = item.parse(Expected::String, report, address);
            config.aux_addresses.extend(address.map(|address| (entry.key.clone(), address)));
        }
    }
    fields.finish(report);
    Some(config)
}
