//! Names that must be declared: dependencies, networks, volumes.

use crate::name::ServiceName;
use crate::stack::decode::attachments;
use crate::stack::decode::document::Decoded;
use crate::stack::decode::service::Written;
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::{Condition, MountKind, MountsOwner, Service, Stack};
use crate::stack::problem::{ReferenceFault, Report, ServiceFault};

/// Reports names that lead nowhere.
pub fn check(decoded: &Decoded, report: &Report) {
    for (service, written) in decoded.services() {
        dependencies(service, decoded, report);
        shared(service, decoded, report);
        networks(&service.name, written, &decoded.stack, report);
        volumes(service, decoded, report);
    }
}

fn dependencies(service: &Service, decoded: &Decoded, report: &Report) {
    let services = &decoded.stack.services;
    for (name, dependency) in &service.depends_on {
        if *name == *service.name {
            report.add(&dependency.place, ServiceFault::SelfDependency { service: name.clone() });
            continue;
        }
        let Some(target) = services.get(name) else {
            let (service, dependency_name) = (service.name.to_string(), name.clone());
            if let Some(profiles) = decoded.unselected.get(name) {
                let profiles = profiles.clone();
                let problem = ReferenceFault::NotSelected { service, dependency: dependency_name, profiles };
                report.add(&dependency.place, problem);
                continue;
            }
            let nearest = nearest(name, services.keys().filter(|key| **key != service));
            let problem = if dependency.required {
                ReferenceFault::UnknownDependency { service, dependency: dependency_name, nearest }
            } else {
                ReferenceFault::MissingOptional { service, dependency: dependency_name, nearest }
            };
            report.add(&dependency.place, problem);
            continue;
        };
        if let Some((key, _)) = target.trigger() {
            let (service, dependency_name) = (service.name.to_string(), name.clone());
            report
                .add(&dependency.place, ServiceFault::DependsOnTriggered { service, dependency: dependency_name, key });
            continue;
        }
        if dependency.condition == Condition::Healthy && target.never_healthy() {
            report.add(&dependency.place, ServiceFault::NeverHealthy { dependency: name.clone() });
        }
    }
}

/// What a service shares with another one it cannot do without, whatever `depends_on` says.
fn shared(service: &Service, decoded: &Decoded, report: &Report) {
    let mounts = service.volumes_from.iter().filter_map(|from| match &from.source {
        MountsOwner::Service(name) => Some((name.as_str(), &from.place)),
        MountsOwner::Container(_) => None,
    });
    let links = service.links.iter().map(|link| (link.service.as_str(), &link.place));
    for (name, place) in service.namespaces.owners().chain(mounts).chain(links) {
        // What is optional and unselected has been left out.
        let optional = !service.depends_on.contains_key(name);
        if let Some(profiles) = decoded.unselected.get(name).filter(|_| optional) {
            let (service, dependency, profiles) = (service.name.to_string(), name.to_owned(), profiles.clone());
            report.add(place, ReferenceFault::NotSelected { service, dependency, profiles });
        }
    }
}

fn networks(service: &ServiceName, written: &Written, stack: &Stack, report: &Report) {
    let declared = &stack.networks;
    for (network, place) in &written.network_places {
        if network != attachments::DEFAULT && !declared.contains_key(network) {
            let service = service.to_string();
            let nearest = nearest(network, declared.keys());
            report.add(place, ReferenceFault::UndeclaredNetwork { service, network: network.clone(), nearest });
        }
    }
}

fn volumes(service: &Service, decoded: &Decoded, report: &Report) {
    let declared = &decoded.stack.volumes;
    for mount in &service.mounts {
        if let MountKind::Volume { source: Some(volume), .. } = &mount.kind
            && !declared.contains_key(volume)
        {
            let nearest = nearest(volume, declared.keys());
            let (service, volume) = (service.name.to_string(), volume.clone());
            report.add(&mount.place, ReferenceFault::UndeclaredVolume { service, volume, nearest });
        }
    }
}
