//! The top level of a stack file.
//!
//! Source: Compose Specification, version and name, services, networks, volumes; `autostart`, `profiles` and `systemd` are
//! Wharf's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::attachments;
use super::networks;
use super::profiles::{self, Active};
use super::secrets;
use super::service::{self, Decoded as DecodedService};
use super::systemd::{self, TARGET_SECTIONS};
use super::volumes;
use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::ports::MOST_PORTS;
use crate::stack::keys;
use crate::stack::model::{Service, Stack, Volume};
use crate::stack::problem::{FileKind, Report};
use crate::stack::text::node::Node;
use crate::stack::text::surroundings::Surroundings;

/// The stack as decoded, and the places that the checks between keys need.
pub struct Decoded {
    pub stack: Stack,
    pub services: BTreeMap<String, DecodedService>,
    /// Services that no selected profile has, with their profiles. They are no part of the stack.
    pub unselected: BTreeMap<String, Vec<String>>,
    /// All profiles that services name.
    pub profiles: BTreeSet<String>,
}

/// Reads a whole tree. What is wrong is in the report; the stack is then incomplete.
pub fn read(
    root: &Node,
    source: PathBuf,
    place: Place,
    active: &Active,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Decoded {
    let item = Item { key: "the stack file", node: root };
    let mut stack = Stack {
        name: surroundings.project.clone(),
        source,
        further_sources: Vec::new(),
        place,
        autostart: true,
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        systemd: BTreeMap::new(),
    };
    let mut services = Services::default();
    if let Some(mut fields) = item.fields(&keys::STACK, "the stack file".to_owned(), report) {
        services = read_services(&mut fields, active, surroundings, report);
        profiles::of_stack(&mut fields, &services.profiles, report);
        // Its value has been read before the interpolation.
        fields.string("name", report);
        stack.autostart = fields.boolean("autostart", report).unwrap_or(true);
        stack.systemd = systemd::read(&mut fields, TARGET_SECTIONS, report);
        if let Some(item) = fields.get("networks") {
            let read = item.entries(report).iter().filter_map(|entry| networks::read(entry, surroundings, report));
            stack.networks = read.map(|network| (network.key.clone(), network)).collect();
        }
        stack.volumes = read_volumes(&mut fields, surroundings, report);
        stack.secrets = secrets::declared(FileKind::Secret, &mut fields, surroundings, report);
        stack.configs = secrets::declared(FileKind::Config, &mut fields, surroundings, report);
        // Has been taken out when the files were put together.
        fields.entry("include");
        fields.finish(report);
    }
    stack.services = services.selected.iter().map(|(name, decoded)| (name.clone(), decoded.service.clone())).collect();
    leave_out(&services.unselected, &mut stack);
    add_default_network(&mut stack, surroundings);
    let unselected = services.unselected.into_iter().map(|(name, service)| (name, service.profiles)).collect();
    Decoded { stack, services: services.selected, unselected, profiles: services.profiles }
}

/// The services of a file.
#[derive(Default)]
struct Services {
    selected: BTreeMap<String, DecodedService>,
    unselected: BTreeMap<String, DecodedService>,
    /// All that they name.
    profiles: BTreeSet<String>,
}

/// Reads all of them: what is wrong with a service is said also where it is not selected.
fn read_services(
    fields: &mut Fields<'_>,
    active: &Active,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Services {
    let mut services = Services::default();
    let Some(item) = fields.get("services") else {
        return services;
    };
    let mut ports_left = MOST_PORTS;
    // The keys are the user's own, so that `x-…` is a service like any other.
    for entry in item.entries(report) {
        let membership = profiles::of_service(entry, active, report);
        services.profiles.extend(membership.profiles.iter().cloned());
        let Some(decoded) = service::read(entry, &membership, surroundings, &mut ports_left, report) else {
            continue;
        };
        let half = if membership.selected { &mut services.selected } else { &mut services.unselected };
        half.insert(entry.key.clone(), decoded);
    }
    services
}

/// What an unselected service leaves behind: nothing waits for it that need not, and what only it uses is not made.
fn leave_out(unselected: &BTreeMap<String, DecodedService>, stack: &mut Stack) {
    for service in stack.services.values_mut() {
        service.depends_on.retain(|name, dependency| dependency.required || !unselected.contains_key(name));
    }
    let unselected = || unselected.values().map(|decoded| &decoded.service);
    let services = &stack.services;
    stack.networks.retain(|key, _| {
        let joins = |service: &Service| service.networks.contains_key(key);
        !unselected().any(joins) || services.values().any(joins)
    });
    stack.volumes.retain(|key, _| {
        let mounts = |service: &Service| service.named_volumes().any(|volume| volume == key);
        !unselected().any(mounts) || services.values().any(mounts)
    });
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
