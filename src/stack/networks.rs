//! Top-level `networks`.
//!
//! Source: Compose Specification, networks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::decode::{Fields, Item, accept};
use super::keys;
use super::model::{Ipam, IpamConfig, Network};
use super::names;
use super::node::{Entry, Value};
use super::problem::{Expected, Invalid, MachineFault, Report, Shape};
use super::surroundings::Surroundings;
use super::systemd::{self, RESOURCE_SECTIONS};
use super::{attachments, labels};
use crate::diagnostic::Place;

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
    network.labels = labels::read(&mut fields, report);
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

/// `external = true`: somebody else makes and removes it.
pub fn external(fields: &mut Fields<'_>, report: &mut Report) -> bool {
    let Some(item) = fields.get("external") else {
        return false;
    };
    match &item.node.value {
        // Compose's old form `external: { name: … }`.
        Value::Table(_) => {
            item.wrong_type(Expected::External, report);
            true
        }
        _ => item.boolean(report).unwrap_or(false),
    }
}

/// Of an external network or volume only its name says anything.
pub fn only_a_name(fields: &Fields<'_>, report: &mut Report) {
    for entry in fields.written().filter(|entry| !matches!(entry.key.as_str(), "external" | "name" | "systemd")) {
        let because = "it is external, so somebody else decides it";
        let problem = Shape::Excludes { key: entry.key.clone(), owner: fields.owner.clone(), because };
        report.add(&entry.key_place, problem);
    }
}

/// A table of strings and numbers.
pub fn options(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> BTreeMap<String, String> {
    let Some(item) = fields.get(key) else {
        return BTreeMap::new();
    };
    let entries = item.entries(report).iter();
    entries
        .filter_map(|entry| {
            let value = Item { key: &entry.key, node: &entry.node }.scalar(report)?;
            Some((entry.key.clone(), value))
        })
        .collect()
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
        gateway: fields.parse("gateway", report, attachments::address),
        aux_addresses: BTreeMap::new(),
    };
    if let Some(item) = fields.get("aux_addresses") {
        for entry in item.entries(report) {
            let item = Item { key: &entry.key, node: &entry.node };
            let address = item.parse(Expected::String, report, attachments::address);
            config.aux_addresses.extend(address.map(|address| (entry.key.clone(), address)));
        }
    }
    fields.finish(report);
    Some(config)
}

/// An address and a prefix length, in CIDR notation.
fn subnet(text: &str) -> Result<String, Invalid> {
    let fits = text.split_once('/').is_some_and(|(address, length)| {
        let longest = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        length.parse::<u8>().is_ok_and(|length| length <= longest)
    });
    if fits { Ok(text.to_owned()) } else { Err(Invalid::Machine(MachineFault::Subnet { value: text.to_owned() })) }
}
