//! What builds are made of: directories that are there, services of this stack, and no image of itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Place;
use crate::stack::decode::document::Decoded;
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::{Build, BuildContext, ContextSource, Service};
use crate::stack::problem::{BuildFault, Invalid, ReferenceFault, Report, ServiceFault};

/// Reports what a build cannot be made of.
pub fn check(decoded: &Decoded, report: &Report) {
    let services = &decoded.stack.services;
    for service in services.values() {
        let Some(build) = &service.build else { continue };
        if let BuildContext::Directory(context) = &build.context {
            directory(context, &build.place, report);
        }
        for context in build.additional_contexts.values() {
            match &context.source {
                ContextSource::Directory(path) => directory(path, &context.place, report),
                ContextSource::Service(name) => {
                    let used = Used { service: &service.name, name, place: &context.place };
                    of_service(used, decoded, report);
                }
                ContextSource::Remote(_) | ContextSource::Image(_) => (),
            }
        }
    }
    circles(services, report);
}

fn directory(context: &std::path::Path, place: &Place, report: &Report) {
    if matches!(context.try_exists(), Ok(false)) {
        report.add(place, ServiceFault::BuildContextMissing { context: context.to_owned() });
    }
}

/// A service whose image another one's build uses.
struct Used<'a> {
    service: &'a str,
    name: &'a str,
    place: &'a Place,
}

fn of_service(used: Used<'_>, decoded: &Decoded, report: &Report) {
    let Used { service, name, place } = used;
    let services = &decoded.stack.services;
    if services.contains_key(name) {
        return;
    }
    if let Some(profiles) = decoded.unselected.get(name) {
        let (service, dependency, profiles) = (service.to_owned(), name.to_owned(), profiles.clone());
        report.add(place, ReferenceFault::NotSelected { service, dependency, profiles });
        return;
    }
    let nearest = nearest(name, services.keys().filter(|key| *key != service));
    report.add(place, Invalid::Build(BuildFault::UnknownService { service: name.to_owned(), nearest }));
}

/// Each is reported once, at its first service that has such a context.
fn circles(services: &BTreeMap<String, Box<Service>>, report: &Report) {
    let mut known = BTreeSet::new();
    for (name, service) in services.iter().filter(|(_, service)| service.build.is_some()) {
        let around = made_of(name, services);
        if !around.contains(name.as_str()) || known.contains(name.as_str()) {
            continue;
        }
        let circle: Vec<&str> =
            around.into_iter().filter(|other| made_of(other, services).contains(name.as_str())).collect();
        known.extend(circle.iter().copied());
        let place = service.build.as_ref().map_or(&service.place, |build| &build.place);
        let services = circle.into_iter().map(str::to_owned).collect();
        report.add(place, Invalid::Build(BuildFault::Circle { services }));
    }
}

/// The services whose images an image is made of, directly or not.
fn made_of<'a>(service: &str, services: &'a BTreeMap<String, Box<Service>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = vec![service];
    while let Some(next) = open.pop() {
        let build = services.get(next).and_then(|service| service.build.as_deref());
        for used in build.into_iter().flat_map(Build::services) {
            if found.insert(used) {
                open.push(used);
            }
        }
    }
    found
}
