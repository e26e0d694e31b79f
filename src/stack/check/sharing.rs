//! What several containers cannot share, and what one that lives in another's network cannot have of its own.

use std::cmp::Reverse;

use crate::stack::decode::document::Decoded;
use crate::stack::decode::service::Written;
use crate::stack::model::{MountsOwner, Namespace, Published, Service};
use crate::stack::problem::{Report, SharingConflict};

/// Reports both.
pub fn check(decoded: &Decoded, report: &Report) {
    for (service, written) in decoded.services() {
        replicas(service, written, report);
        network_mode(service, report);
        mac_address(service, report);
        one_container(service, decoded, report);
    }
}

fn replicas(service: &Service, written: &Written, report: &Report) {
    let Some(replicas) = service.replicas.filter(|count| *count > 1) else { return };
    let refuse = |key, place, instead| report.add(place, SharingConflict::NotForReplicas { key, replicas, instead });
    if let Some(place) = &written.container_name_place {
        refuse("container_name", place, "remove it: the containers are named after the service, with a number each");
    }
    for port in &service.ports {
        match port.published {
            Published::One(_) => {
                let instead = "publish a range with a port for each, as in `\"8080-8083:80\"`, or let the engine choose: `\"80\"`";
                refuse("published port", &port.place, instead);
            }
            Published::Range(first, last) if u32::from(last - first) + 1 < replicas => {
                refuse("published range", &port.place, "make the range as long as the number of containers, or longer");
            }
            Published::Range(..) | Published::Ephemeral => (),
        }
    }
    let place = |network: &String| written.network_places.get(network).unwrap_or(&service.place);
    for (network, attachment) in &service.networks {
        if attachment.ipv4_address.is_some() || attachment.ipv6_address.is_some() {
            refuse("address", place(network), "remove it: the service's name leads to each of them");
        }
        if attachment.mac_address.is_some() {
            refuse("mac_address", place(network), "remove it");
        }
    }
    if service.mac_address.is_some() {
        refuse("mac_address", &service.place, "remove it");
    }
}

/// Source: Docker Engine, which refuses these at start.
fn network_mode(service: &Service, report: &Report) {
    let owner = match &service.namespaces.network_mode {
        Some(Namespace::Mode(mode)) if mode == "host" || mode == "none" => {
            if let Some(port) = service.ports.first() {
                report.add(&port.place, SharingConflict::PortsUnpublished { mode: mode.clone() });
            }
            return;
        }
        Some(Namespace::Service(owner, _) | Namespace::Container(owner)) => owner,
        _ => return,
    };
    let used = [
        ("ports", !service.ports.is_empty()),
        ("expose", !service.expose.is_empty()),
        ("hostname", service.hostname.is_some()),
        ("extra_hosts", !service.extra_hosts.is_empty()),
        ("dns", !service.dns.is_empty()),
        ("links", !service.links.is_empty() || !service.external_links.is_empty()),
        ("mac_address", service.mac_address.is_some()),
    ];
    for (key, _) in used.into_iter().filter(|(_, is_used)| *is_used) {
        report.add(&service.place, SharingConflict::OthersNetwork { key, owner: owner.clone() });
    }
}

/// The service's own one is for the network that is joined first.
fn mac_address(service: &Service, report: &Report) {
    let networks = service.networks.iter();
    let first = networks.min_by_key(|(key, attachment)| (Reverse(attachment.priority), *key));
    let Some((network, first)) = first else { return };
    let differs = |own: &String| first.mac_address.as_ref().is_some_and(|other| other != own);
    if service.mac_address.as_ref().is_some_and(differs) {
        report.add(&service.place, SharingConflict::MacDiffers { network: network.clone() });
    }
}

/// A namespace and mounts are those of one container.
fn one_container(service: &Service, decoded: &Decoded, report: &Report) {
    let mounts = service.volumes_from.iter().filter_map(|from| match &from.source {
        MountsOwner::Service(name) => Some((name.as_str(), &from.place)),
        MountsOwner::Container(_) => None,
    });
    for (name, place) in service.namespaces.owners().chain(mounts) {
        let replicas = decoded.stack.services.get(name).and_then(|owner| owner.replicas);
        if let Some(replicas) = replicas.filter(|count| *count != 1) {
            report.add(place, SharingConflict::WhichReplica { service: name.to_owned(), replicas });
        }
    }
}
