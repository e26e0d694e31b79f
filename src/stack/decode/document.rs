//! The top level of a stack file.
//!
//! Source: Compose Specification, version and name, services, networks, volumes; `autostart`, `compose_labels`, `profiles` and
//! `systemd` are Wharf's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::attachments;
use super::networks;
use super::ports::PortsLeft;
use super::profiles::{self, Active};
use super::secrets;
use super::service::{self, Context, Written};
use super::stand_in;
use super::systemd::{self, TARGET_SECTIONS};
use super::volumes;
use crate::diagnostic::Place;
use crate::name::ProjectName;
use crate::parallel;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::ports::MOST_PORTS;
use crate::stack::keys;
use crate::stack::model::{Selected, Service, Stack};
use crate::stack::problem::{FileKind, Report};
use crate::stack::text::node::{Entry, Node};
use crate::stack::text::surroundings::Surroundings;

/// The stack as decoded, and the places that the checks between keys need.
pub struct Decoded {
    pub stack: Stack,
    /// Of each service of the stack.
    pub written: BTreeMap<String, Written>,
    /// Services that no selected profile has, with their profiles. They are no part of the stack.
    pub unselected: BTreeMap<String, Vec<String>>,
    /// All profiles that services name.
    pub profiles: BTreeSet<String>,
}

impl Decoded {
    /// The services of the stack, by name.
    pub fn services(&self) -> impl Iterator<Item = (&Service, &Written)> {
        self.stack.services.values().map(Box::as_ref).zip(self.written.values())
    }
}

/// What is decoded.
pub struct Document<'a> {
    pub root: &'a Node,
    /// The absolute path of the stack file.
    pub source: PathBuf,
    /// Where the project's name stands.
    pub place: Place,
}

/// Reads a whole tree. What is wrong is in the report; the stack is then incomplete.
pub fn read(document: Document<'_>, active: &Active, surroundings: &Surroundings<'_>, report: &Report) -> Decoded {
    let item = Item::named("the stack file", document.root, report);
    let mut stack = Stack {
        name: ProjectName::parse(&surroundings.project).unwrap_or_else(|_| stand_in::project()),
        source: document.source,
        further_sources: Vec::new(),
        selected: Selected::default(),
        place: document.place,
        autostart: true,
        compose_labels: false,
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        systemd: BTreeMap::new(),
    };
    let mut services = Services::default();
    if let Some(mut fields) = item.fields(&keys::STACK, "the stack file".to_owned()) {
        services = read_services(&mut fields, active, surroundings);
        profiles::of_stack(&mut fields, &services.profiles);
        stack.autostart = fields.boolean("autostart").unwrap_or(true);
        stack.compose_labels = fields.is_on("compose_labels");
        stack.systemd = systemd::read(&mut fields, TARGET_SECTIONS);
        read_resources(&mut fields, surroundings, &mut stack);
        // Its value has been read before the interpolation.
        fields.string("name");
        // Has been taken out when the files were put together.
        fields.get("include");
        fields.finish();
    }
    stack.services = services.selected;
    leave_out(&services.unselected, &mut stack);
    add_default_network(&mut stack, surroundings);
    let unselected = services.unselected.into_iter().map(|(name, (_, profiles))| (name, profiles)).collect();
    Decoded { stack, written: services.written, unselected, profiles: services.profiles }
}

/// What is declared besides services.
fn read_resources(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, stack: &mut Stack) {
    let networks = fields.get("networks").into_iter().flat_map(|item| item.entries());
    let networks = networks.filter_map(|item| networks::read(item, surroundings));
    stack.networks = networks.map(|network| (network.key.clone(), network)).collect();
    let volumes = fields.get("volumes").into_iter().flat_map(|item| item.entries());
    let volumes = volumes.filter_map(|item| volumes::read(item, surroundings));
    stack.volumes = volumes.map(|volume| (volume.key.clone(), volume)).collect();
    stack.secrets = secrets::declared(FileKind::Secret, fields, surroundings);
    stack.configs = secrets::declared(FileKind::Config, fields, surroundings);
}

/// The services of a file.
#[derive(Default)]
struct Services {
    selected: BTreeMap<String, Box<Service>>,
    /// Of the selected ones.
    written: BTreeMap<String, Written>,
    /// With their profiles.
    unselected: BTreeMap<String, (Box<Service>, Vec<String>)>,
    /// All that they name.
    profiles: BTreeSet<String>,
}

impl Services {
    fn append(&mut self, mut other: Self) {
        self.selected.append(&mut other.selected);
        self.written.append(&mut other.written);
        self.unselected.append(&mut other.unselected);
        self.profiles.append(&mut other.profiles);
    }
}

/// Reads all of them: errors are reported for services that are not selected, too.
fn read_services(fields: &mut Fields<'_>, active: &Active, surroundings: &Surroundings<'_>) -> Services {
    let Some(item) = fields.get("services") else {
        return Services::default();
    };
    let entries = item.table_entries();
    let mut parts = parallel::parts(entries, |part| read_part(part, active, surroundings));
    // The ports are counted over the whole stack: where there are too many of them, one after the other shows which.
    let ports: Option<usize> = parts.iter().map(|part| part.ports.taken()).sum();
    if ports.is_none_or(|ports| ports > MOST_PORTS) && parts.len() > 1 {
        parts = vec![read_part(entries, active, surroundings)];
    }
    let mut services = Services::default();
    for part in parts {
        services.append(part.services);
        item.report.append(part.report);
    }
    services
}

/// Some of the services, and what is wrong with them.
struct Part {
    services: Services,
    ports: PortsLeft,
    report: Report,
}

fn read_part(entries: &[Entry], active: &Active, surroundings: &Surroundings<'_>) -> Part {
    let (mut services, report) = (Services::default(), Report::default());
    let mut ports = PortsLeft::default();
    // The keys are the user's own, so that `x-…` is a service like any other.
    for item in entries.iter().map(|entry| Item::of(entry, &report)) {
        let membership = profiles::of_service(item, active);
        services.profiles.extend(membership.profiles.iter().cloned());
        let mut context = Context { membership: &membership, surroundings, ports: &mut ports };
        let Some((service, written)) = service::read(item, &mut context) else {
            continue;
        };
        if membership.selected {
            services.selected.insert(item.key.to_owned(), service);
            services.written.insert(item.key.to_owned(), written);
        } else {
            services.unselected.insert(item.key.to_owned(), (service, membership.profiles));
        }
    }
    Part { services, ports, report }
}

/// What an unselected service leaves behind: nothing waits for it that need not, and what only it uses is not made.
fn leave_out(unselected: &BTreeMap<String, (Box<Service>, Vec<String>)>, stack: &mut Stack) {
    if unselected.is_empty() {
        return;
    }
    for service in stack.services.values_mut() {
        service.depends_on.retain(|name, dependency| dependency.required || !unselected.contains_key(name));
    }
    let used_by = |services: &mut dyn Iterator<Item = &Service>| -> (BTreeSet<String>, BTreeSet<String>) {
        let names = services.map(|service| (service.networks.keys(), service.named_volumes()));
        let (networks, volumes): (Vec<_>, Vec<_>) = names.unzip();
        (networks.into_iter().flatten().cloned().collect(), volumes.into_iter().flatten().cloned().collect())
    };
    let (networks, volumes) = used_by(&mut unselected.values().map(|(service, _)| &**service));
    let (kept_networks, kept_volumes) = used_by(&mut stack.services.values().map(Box::as_ref));
    stack.networks.retain(|key, _| !networks.contains(key) || kept_networks.contains(key));
    stack.volumes.retain(|key, _| !volumes.contains(key) || kept_volumes.contains(key));
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
