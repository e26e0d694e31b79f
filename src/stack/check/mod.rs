//! What only shows between keys: references, cycles, collisions.
//!
//! In: a decoded stack, perhaps incomplete. Out: reports. Invariant: nothing is changed here, and nothing that a key's own file
//! has refused is reported again.

mod builds;
mod collisions;
mod cycles;
mod references;
mod secrets;
mod sharing;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::stack::decode::document::Decoded;
use crate::stack::model::{MountKind, Service};
use crate::stack::problem::{ProfileFault, Report, ServiceFault};

/// Reports every contradiction of a stack.
pub fn check(decoded: &Decoded, report: &Report) {
    if decoded.stack.services.is_empty() && report.error_count() == 0 {
        let profiles: BTreeSet<&String> = decoded.unselected.values().flatten().collect();
        if profiles.is_empty() {
            report.add(&decoded.stack.place, ServiceFault::NoServices);
        } else {
            let profiles = profiles.into_iter().cloned().collect();
            report.add(&decoded.stack.place, ProfileFault::NoneSelected { profiles });
        }
    }
    let mut sources = BindSources::default();
    for (service, written) in decoded.services() {
        if !written.has_image_key {
            report.add(&service.place, ServiceFault::NoImage { service: service.name.to_string() });
        }
        sources.check(service, report);
        if let (Some((key, place)), Some(_)) = (service.trigger(), service.replicas) {
            report.add(place, ServiceFault::TriggeredReplicas { service: service.name.to_string(), key });
        }
        if let (Some(place), Some(_)) = (&written.ready_place, service.trigger()) {
            report.add(place, ServiceFault::ReadyOfTriggered { service: service.name.to_string() });
            continue;
        }
        let waits_in_vain = service.ready == Some(crate::stack::model::Ready::Healthy) && service.never_healthy();
        if let Some(place) = written.ready_place.as_ref().filter(|_| waits_in_vain) {
            report.add(place, ServiceFault::ReadyNeverHealthy { service: service.name.to_string() });
        }
    }
    references::check(decoded, report);
    secrets::check(decoded, report);
    cycles::check(&decoded.stack.services, report);
    builds::check(decoded, report);
    collisions::check(decoded, report);
    sharing::check(decoded, report);
}

/// Which sources of bind mounts are missing: each is looked for once.
#[derive(Default)]
struct BindSources<'a>(HashMap<&'a Path, bool>);

impl<'a> BindSources<'a> {
    fn check(&mut self, service: &'a Service, report: &Report) {
        for mount in &service.mounts {
            if let MountKind::Bind { source, create_host_path, .. } = &mount.kind
                && *self.0.entry(source).or_insert_with(|| matches!(source.try_exists(), Ok(false)))
            {
                let problem = ServiceFault::BindSourceMissing { source: source.clone(), create: *create_host_path };
                report.add(&mount.place, problem);
            }
        }
    }
}
