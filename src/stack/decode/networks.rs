//! Top-level `networks`.
//!
//! Source: Compose Specification, networks.

use std::collections::BTreeMap;

use super::external::{external, only_a_name};
use super::systemd::{self, RESOURCE_SECTIONS};
use crate::diagnostic::Place;
use crate::stack::fields::Item;
use crate::stack::fields::maps::{labels, options};
use crate::stack::grammar::addresses::{address, subnet};
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::model::{Ipam, IpamConfig, Network};
use crate::stack::problem::Expected;
use crate::stack::text::surroundings::Surroundings;

/// Reads one declared network.
pub fn read(item: Item<'_>, surroundings: &Surroundings<'_>) -> Option<Network> {
    let key = item.report.accept(item.key_place, names::key(item.key))?;
    let mut fields = item.fields(&keys::NETWORK, format!("network `{key}`"))?;
    let external = external(&mut fields);
    let mut network = Network { external, ..implicit(&key, item.key_place, surroundings) };
    if external {
        network.name.clone_from(&key);
    }
    if let Some(name) = fields.parse("name", |text| names::engine("network", text)) {
        network.name = name;
    }
    network.systemd = systemd::read(&mut fields, RESOURCE_SECTIONS);
    if external {
        only_a_name(&fields);
        return Some(network);
    }
    network.driver = fields.string("driver");
    network.driver_opts = options(&mut fields, "driver_opts");
    network.internal = fields.is_on("internal");
    network.attachable = fields.is_on("attachable");
    network.enable_ipv4 = fields.boolean("enable_ipv4");
    network.enable_ipv6 = fields.boolean("enable_ipv6");
    network.ipam = fields.get("ipam").and_then(|item| ipam(item, &key));
    network.labels = labels(&mut fields);
    fields.finish();
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

fn ipam(item: Item<'_>, network: &str) -> Option<Ipam> {
    let owner = format!("`ipam` of network `{network}`");
    let mut fields = item.fields(&keys::IPAM, owner)?;
    let driver = fields.string("driver");
    let options = options(&mut fields, "options");
    let configs = fields.get("config").into_iter().flat_map(|item| item.elements(Expected::List));
    let config = configs.filter_map(|item| ipam_config(item, network)).collect();
    fields.finish();
    Some(Ipam { driver, config, options })
}

fn ipam_config(item: Item<'_>, network: &str) -> Option<IpamConfig> {
    let mut fields = item.fields(&keys::IPAM_CONFIG, format!("an ipam `config` of network `{network}`"))?;
    let mut config = IpamConfig {
        subnet: fields.parse("subnet", subnet),
        ip_range: fields.parse("ip_range", subnet),
        gateway: fields.parse("gateway", address),
        aux_addresses: BTreeMap::new(),
    };
    if let Some(item) = fields.get("aux_addresses") {
        for item in item.entries() {
            let address = item.parse(Expected::String, address);
            config.aux_addresses.extend(address.map(|address| (item.key.to_owned(), address)));
        }
    }
    fields.finish();
    Some(config)
}
