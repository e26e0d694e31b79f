//! Two things in one place: host ports, names at the engine, mount targets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::diagnostic::Place;
use crate::stack::decode::document::Decoded;
use crate::stack::model::{Grant, GrantKind, Port, Protocol, Published, Service};
use crate::stack::problem::{Collision, Report, SecretFault};

/// Reports what cannot be there twice.
pub fn check(decoded: &Decoded, report: &Report) {
    host_ports(decoded, report);
    container_names(decoded, report);
    let networks = decoded.stack.networks.values();
    engine_names("network", networks.map(|network| (&network.key, &network.name, &network.place)), report);
    let volumes = decoded.stack.volumes.values();
    engine_names("volume", volumes.map(|volume| (&volume.key, &volume.name, &volume.place)), report);
    for service in decoded.stack.services.values() {
        mount_targets(service, report);
        variables(service, report);
    }
}

/// One address can be bound once; "all addresses" collides with each of its family.
fn host_ports(decoded: &Decoded, report: &Report) {
    let mut taken: BTreeMap<(u16, Protocol), Vec<(&Port, &str)>> = BTreeMap::new();
    for service in decoded.stack.services.values() {
        // A range that collides is one mistake of one line.
        let mut last_reported: Option<&Place> = None;
        for port in &service.ports {
            let Published::One(number) = port.published else {
                continue;
            };
            let others = taken.entry((number, port.protocol)).or_default();
            if let Some((_, other)) = others.iter().find(|(other, _)| collide(other.host_ip, port.host_ip)) {
                if last_reported != Some(&port.place) {
                    let (other_service, service) = ((*other).to_owned(), service.name.to_string());
                    report.add(&port.place, Collision::Port { host: shown(port, number), other_service, service });
                }
                last_reported = Some(&port.place);
            } else {
                others.push((port, &service.name));
            }
        }
    }
}

/// Without an address the engine binds all addresses of both families.
fn collide(a: Option<IpAddr>, b: Option<IpAddr>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified())),
        _ => true,
    }
}

/// `port 80/tcp of 127.0.0.1`
fn shown(port: &Port, number: u16) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    match port.host_ip {
        Some(address) => format!("host port {number}/{protocol} of {address}"),
        None => format!("host port {number}/{protocol}"),
    }
}

fn container_names(decoded: &Decoded, report: &Report) {
    let project = &decoded.stack.name;
    let name_of =
        |service: &Service| service.container_name.clone().unwrap_or_else(|| format!("{project}-{}", service.name));
    let mut taken: HashMap<String, &str> = HashMap::new();
    // Those that Wharf names come first: the user's own name is the one to change.
    let (chosen, given): (Vec<_>, Vec<_>) =
        decoded.services().partition(|(service, _)| service.container_name.is_some());
    for (service, written) in given.into_iter().chain(chosen) {
        let name = name_of(service);
        match taken.get(&name) {
            Some(other) => {
                let place = written.container_name_place.as_ref().unwrap_or(&service.place);
                report.add(place, Collision::ContainerName { name, other_service: (*other).to_owned() });
            }
            None => {
                taken.insert(name, &service.name);
            }
        }
    }
}

fn engine_names<'a>(
    what: &'static str,
    things: impl Iterator<Item = (&'a String, &'a String, &'a Place)>,
    report: &Report,
) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, name, place) in things {
        if let Some(other) = taken.insert(name, key) {
            report.add(place, Collision::EngineName { what, name: name.clone(), other: other.to_owned() });
        }
    }
}

/// Variables that a secret or config is, and that are set besides.
fn variables(service: &Service, report: &Report) {
    let mut taken: BTreeSet<&String> = service.environment.keys().collect();
    for grant in grants(service, GrantKind::Variable) {
        if !taken.insert(&grant.target) {
            let (service, name) = (service.name.to_string(), grant.target.clone());
            report.add(&grant.place, SecretFault::VariableTwice { service, name });
        }
    }
}

fn grants(service: &Service, kind: GrantKind) -> impl Iterator<Item = &Grant> {
    service.secrets.iter().chain(&service.configs).filter(move |grant| grant.kind == kind)
}

fn mount_targets(service: &Service, report: &Report) {
    let mut taken = BTreeMap::new();
    let mounts = service.mounts.iter().map(|mount| (&mount.target, &mount.place));
    let files = grants(service, GrantKind::File).map(|grant| (&grant.target, &grant.place));
    for (target, place) in mounts.chain(files) {
        let target = target.trim_end_matches('/');
        if taken.insert(target, ()).is_some() {
            let problem = Collision::Target { service: service.name.to_string(), target: target.to_owned() };
            report.add(place, problem);
        }
    }
}
