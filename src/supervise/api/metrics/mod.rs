//! Figures for monitoring: [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/), or the older text format.
//!
//! In: the last facts, and the control groups at the time of the question. Out: text. Invariant: the number of series depends
//! on the stacks alone: labels are names from stack files, or words of which there are few.

mod listener;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use prometheus_client::registry::Unit;

use super::Snapshot;
use crate::name::ProjectName;
use crate::supervise::facts::Facts;
use crate::systemd::cgroup::Usage;
use crate::updates::{Updates, directory_of, time_of};
pub(super) use listener::listen;

/// ActiveState of systemd: org.freedesktop.systemd1(5).
const STATES: [&str; 7] = ["active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance"];

/// Health of the engine; `unknown` of a container that has ended with it.
const HEALTHS: [&str; 5] = ["none", "starting", "healthy", "unhealthy", "unknown"];

type Labels = Vec<(&'static str, String)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Info,
}

/// All figures of one name.
#[derive(Debug)]
struct Family {
    /// Without unit and `_total`.
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: Kind,
    samples: Vec<(Labels, f64)>,
}

impl Family {
    fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, unit: None, kind, samples: Vec::new() }
    }

    fn in_unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    fn of(mut self, samples: impl IntoIterator<Item = (Labels, f64)>) -> Self {
        self.samples.extend(samples);
        self
    }
}

fn families(snapshot: &Snapshot) -> Vec<Family> {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    let number = |value: bool| if value { 1.0 } else { 0.0 };
    let mut families = vec![
        Family::new("wharf_build", Kind::Info, "The version of Wharf").of([(version, 1.0)]),
        Family::new("wharf_engine_up", Kind::Gauge, "Whether the container engine answers")
            .of([(Vec::new(), number(snapshot.engine_is_connected))]),
        Family::new("wharf_undeclared_containers", Kind::Gauge, "The engine's containers that no stack declares")
            .of([(Vec::new(), count(snapshot.undeclared.len()))]),
    ];
    families.extend(of_containers(snapshot));
    families.extend(of_services(snapshot));
    families.extend(of_projects(snapshot));
    families
}

fn of_containers(snapshot: &Snapshot) -> Vec<Family> {
    let each = |figure: fn(&Facts) -> Option<f64>| -> Vec<(Labels, f64)> {
        snapshot.containers.values().filter_map(|facts| Some((labels(facts), figure(facts)?))).collect()
    };
    let words = |name: &'static str, words: &[&'static str], is: fn(&Facts) -> &str| -> Vec<(Labels, f64)> {
        let mut samples = Vec::new();
        for facts in snapshot.containers.values() {
            for word in words {
                let value = if is(facts) == *word { 1.0 } else { 0.0 };
                samples.push(([labels(facts), vec![(name, (*word).to_owned())]].concat(), value));
            }
        }
        samples
    };
    let info = snapshot.containers.values().map(|facts| {
        let more = vec![("name", facts.declared.container.clone()), ("image", facts.observed.image.clone())];
        ([labels(facts), more].concat(), 1.0)
    });
    let restarts = snapshot.containers.values().flat_map(|facts| {
        let of = |(reason, count): (&str, u32)| {
            ([labels(facts), vec![("reason", reason.to_owned())]].concat(), f64::from(count))
        };
        facts.restarts.by_reason().map(of).collect::<Vec<_>>()
    });
    let start = |facts: &Facts| start_duration(facts).map(|took| took.as_secs_f64());
    let since =
        |facts: &Facts| facts.unit.active_since?.duration_since(SystemTime::UNIX_EPOCH).ok().map(|it| it.as_secs_f64());
    vec![
        Family::new("wharf_container", Kind::Info, "The containers of the stacks, whether they run or not").of(info),
        Family::new(
            "wharf_container_state",
            Kind::Gauge,
            "1 for the ActiveState of the container's unit, 0 for the others",
        )
        .of(words("state", &STATES, |facts| facts.unit.active.as_str())),
        Family::new("wharf_container_health", Kind::Gauge, "1 for the container's health, 0 for the others").of(words(
            "health",
            &HEALTHS,
            Facts::health,
        )),
        Family::new(
            "wharf_container_restarts",
            Kind::Counter,
            "Restarts by systemd after a failure, by wharfd, and through it, by reason",
        )
        .of(restarts),
        Family::new(
            "wharf_container_crash_loop",
            Kind::Gauge,
            "1 for a container that systemd restarts again and again",
        )
        .of(each(|facts| Some(f64::from(u8::from(facts.crash_loop))))),
        Family::new(
            "wharf_container_start_duration",
            Kind::Gauge,
            "How long the last start took until the unit was active",
        )
        .in_unit(Unit::Seconds)
        .of(each(start)),
        Family::new(
            "wharf_container_active_since_timestamp",
            Kind::Gauge,
            "When the unit became active last, since 1970",
        )
        .in_unit(Unit::Seconds)
        .of(each(since)),
        Family::new(
            "wharf_container_last_exit_status",
            Kind::Gauge,
            "Exit status of the container that ended last, or its signal",
        )
        .of(each(|facts| facts.last_exit.map(f64::from))),
        Family::new(
            "wharf_container_drift",
            Kind::Gauge,
            "In how many points the container differs from its definition",
        )
        .of(each(|facts| Some(count(facts.observed.drift.len())))),
    ]
}

/// The replicas of a service share a slice.
fn of_services(snapshot: &Snapshot) -> Vec<Family> {
    let mut slices = BTreeMap::new();
    for (facts, slice) in snapshot.containers.values().filter_map(|facts| Some((facts, facts.unit.slice.as_ref()?))) {
        let labels =
            vec![("project", facts.declared.project.to_string()), ("service", facts.declared.service.to_string())];
        slices.entry(labels).or_insert_with(|| Usage::of_slice(slice));
    }
    let each = |figure: fn(&Usage) -> Option<f64>| -> Vec<(Labels, f64)> {
        slices.iter().filter_map(|(labels, usage)| Some((labels.clone(), figure(usage)?))).collect()
    };
    vec![
        Family::new("wharf_service_cpu", Kind::Counter, "CPU time that the service's slice has used")
            .in_unit(Unit::Seconds)
            .of(each(|usage| usage.cpu.map(|cpu| cpu.as_secs_f64()))),
        Family::new("wharf_service_memory", Kind::Gauge, "Memory that the service's slice uses")
            .in_unit(Unit::Bytes)
            .of(each(|usage| usage.memory.map(bytes))),
        Family::new("wharf_service_io_read", Kind::Counter, "What the service's slice has read from devices")
            .in_unit(Unit::Bytes)
            .of(each(|usage| usage.io.map(|(read, _)| bytes(read)))),
        Family::new("wharf_service_io_written", Kind::Counter, "What the service's slice has written to devices")
            .in_unit(Unit::Bytes)
            .of(each(|usage| usage.io.map(|(_, written)| bytes(written)))),
    ]
}

fn of_projects(snapshot: &Snapshot) -> Vec<Family> {
    let projects: BTreeSet<&ProjectName> = snapshot.containers.values().map(|facts| &facts.declared.project).collect();
    let known: Vec<(&ProjectName, Updates)> =
        projects.into_iter().filter_map(|project| Some((project, Updates::read(&directory_of(project))?))).collect();
    let each = |figure: fn(&Updates) -> Option<f64>| -> Vec<(Labels, f64)> {
        let labels = |project: &ProjectName| vec![("project", project.to_string())];
        known.iter().filter_map(|(project, updates)| Some((labels(project), figure(updates)?))).collect()
    };
    let ended = |updates: &Updates| {
        let time = time_of(&updates.last.as_ref()?.time)?;
        time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs_f64())
    };
    vec![
        Family::new("wharf_project_revision", Kind::Gauge, "The number of the newest revision")
            .of(each(|updates| Some(f64::from(updates.revision)))),
        Family::new(
            "wharf_project_update_available",
            Kind::Gauge,
            "How many new images were found when somebody looked last",
        )
        .of(each(|updates| Some(count(updates.available.len())))),
        Family::new(
            "wharf_project_last_update_timestamp",
            Kind::Gauge,
            "When the last update or rollback ended, since 1970",
        )
        .in_unit(Unit::Seconds)
        .of(each(ended)),
        Family::new(
            "wharf_project_last_update_success",
            Kind::Gauge,
            "0 if the last update or rollback was rolled back",
        )
        .of(each(|updates| Some(f64::from(u8::from(updates.last.as_ref()?.succeeded))))),
    ]
}

fn labels(facts: &Facts) -> Labels {
    vec![
        ("project", facts.declared.project.to_string()),
        ("service", facts.declared.service.to_string()),
        ("unit", facts.declared.unit.to_string()),
    ]
}

/// Of a unit that is active; of one that starts, nothing is known yet.
fn start_duration(facts: &Facts) -> Option<Duration> {
    // For a start that systemd made by itself, it does not update when that began, but when the main process was executed.
    let begun = facts.unit.start_begun.max(facts.unit.started)?;
    facts.unit.active_since?.duration_since(begun).ok()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[allow(clippy::cast_precision_loss, reason = "a double is exact up to 9 petabytes")]
fn bytes(number: u64) -> f64 {
    number as f64
}
