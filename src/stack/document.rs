//! The top level of a stack file.
//!
//! Source: Compose Specification, version and name, services, networks, volumes; `autostart` and `systemd` are Wharf's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::decode::{Fields, Item, Unsupported};
use super::model::{Stack, Volume};
use super::node::Node;
use super::problem::{FileKind, Report, Shape};
use super::service::{self, Decoded as DecodedService};
use super::surroundings::Surroundings;
use super::systemd::{self, TARGET_SECTIONS};
use super::{attachments, networks, ports, secrets, volumes};
use crate::diagnostic::Place;

const UNSUPPORTED: &[Unsupported] = &[("include", Some("write all services into one file")), ("models", None)];

/// The stack as decoded, and the places that the checks between keys need.
pub struct Decoded {
    pub stack: Stack,
    pub services: BTreeMap<String, DecodedService>,
}

/// Reads a whole tree. What is wrong is in the report; the stack is then incomplete.
pub fn read(
    root: &Node,
    source: PathBuf,
    place: Place,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Decoded {
    let item = Item { key: "the stack file", node: root };
    let mut stack = Stack {
        name: surroundings.project.clone(),
        source,
        place,
        autostart: true,
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        systemd: BTreeMap::new(),
    };
    let mut services = BTreeMap::new();
    if let Some(mut fields) = item.fields("the stack file".to_owned(), report) {
        services = read_services(&mut fields, surroundings, report);
        // Its value has been read before the interpolation.
        fields.string("name", report);
        if let Some(version) = fields.entry("version") {
            let reason = "the Compose Specification has no versions any more";
            report.add(&version.key_place, Shape::Ignored { key: "version".to_owned(), reason });
        }
        stack.autostart = fields.boolean("autostart", report).unwrap_or(true);
        stack.systemd = systemd::read(&mut fields, TARGET_SECTIONS, report);
        if let Some(item) = fields.get("networks") {
            let read = item.entries(report).iter().filter_map(|entry| networks::read(entry, surroundings, report));
            stack.networks = read.map(|network| (network.key.clone(), network)).collect();
        }
        stack.volumes = read_volumes(&mut fields, surroundings, report);
        stack.secrets = secrets::declared(FileKind::Secret, &mut fields, surroundings, report);
        stack.configs = secrets::declared(FileKind::Config, &mut fields, surroundings, report);
        fields.finish(UNSUPPORTED, report);
    }
    stack.services = services.iter().map(|(name, decoded)| (name.clone(), decoded.service.clone())).collect();
    add_default_network(&mut stack, surroundings);
    Decoded { stack, services }
}

fn read_services(
    fields: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, DecodedService> {
    let Some(item) = fields.get("services") else {
        return BTreeMap::new();
    };
    let mut ports_left = ports::MOST_PORTS;
    let entries = item.entries(report);
    // The keys are the user's own, so that `x-…` is a service like any other.
    entries
        .iter()
        .filter_map(|entry| service::read(entry, surroundings, &mut ports_left, report))
        .map(|decoded| (decoded.service.name.clone(), decoded))
        .collect()
}

fn read_volumes(
    fields: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, Volume> {
    let Some(item) = fields.get("volumes") else {
        return BTreeMap::new();
    };
    let read = item.entries(report).iter().filter_map(|entry| volumes::read(entry, surroundings, report));
    read.map(|volume| (volume.key.clone(), volume)).collect()
}

/// The implicit `default` network exists where a service joins it and nobody declared it.
fn add_default_network(stack: &mut Stack, surroundings: &Surroundings<'_>) {
    let key = attachments::DEFAULT;
    let used = stack.services.values().any(|service| service.networks.contains_key(key));
    if used && !stack.networks.contains_key(key) {
        let network = networks::implicit(key, &stack.place, surroundings);
        stack.networks.insert(key.to_owned(), network);
    }
}
