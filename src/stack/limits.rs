//! What a container may use up: memory, CPUs, processes, and the kernel's per-process limits.
//!
//! Source: Compose Specification, services, mem_limit, cpus, pids_limit and ulimits.

use super::keys;
use std::collections::BTreeMap;

use super::amounts;
use super::decode::{Fields, Item};
use super::model::Ulimit;
use super::mounts::bytes;
use super::node::Value;
use super::problem::{ChoiceFault, Expected, Invalid, Report, Shape};
use super::suggest::nearest;

/// The limits of setrlimit(2) by the engine's names.
pub const ULIMITS: &[&str] = &[
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Bytes; 0 is the engine's "no limit".
pub fn mem_limit(service: &mut Fields<'_>, report: &mut Report) -> Option<u64> {
    service.get("mem_limit").and_then(|item| bytes(item, report)).filter(|bytes| *bytes > 0)
}

/// Billionths of a CPU; 0 is the engine's "no limit".
pub fn cpus(service: &mut Fields<'_>, report: &mut Report) -> Option<u64> {
    let item = service.get("cpus")?;
    let text = match &item.node.value {
        Value::Integer(_) | Value::Float(_) | Value::String(_) => item.node.scalar()?,
        _ => {
            item.wrong_type(Expected::Number, report);
            return None;
        }
    };
    super::decode::accept(amounts::cpus(&text), item.place(), report).filter(|billionths| *billionths > 0)
}

/// -1: unlimited, as is the engine's 0.
pub fn pids_limit(service: &mut Fields<'_>, report: &mut Report) -> Option<i64> {
    let limit = service.get("pids_limit")?.integer(-1, report)?;
    Some(if limit == 0 { -1 } else { limit })
}

/// Reads `ulimits`: a number for both limits, or `{ soft, hard }`.
pub fn ulimits(service: &mut Fields<'_>, report: &mut Report) -> BTreeMap<String, Ulimit> {
    let mut limits = BTreeMap::new();
    let Some(item) = service.get("ulimits") else {
        return limits;
    };
    for entry in item.entries(report) {
        let name = entry.key.as_str();
        if !ULIMITS.contains(&name) {
            let nearest = nearest(name, ULIMITS);
            report.add(&entry.key_place, Invalid::Choice(ChoiceFault::Ulimit { name: name.to_owned(), nearest }));
            continue;
        }
        let item = Item { key: name, node: &entry.node };
        limits.extend(ulimit(item, &service.owner, report).map(|limit| (name.to_owned(), limit)));
    }
    limits
}

fn ulimit(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Ulimit> {
    if !matches!(item.node.value, Value::Table(_)) {
        let both = item.integer(-1, report)?;
        return Some(Ulimit { soft: both, hard: both });
    }
    let mut fields = item.fields(&keys::ULIMIT, format!("limit `{}` of {owner}", item.key), report)?;
    let soft = required(&mut fields, "soft", "soft = 1024", report);
    let hard = required(&mut fields, "hard", "hard = 4096", report);
    fields.finish(report);
    let limit = Ulimit { soft: soft?, hard: hard? };
    if limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard) {
        report.add(item.place(), Invalid::UlimitOrder { soft: limit.soft, hard: limit.hard });
    }
    Some(limit)
}

fn required(fields: &mut Fields<'_>, key: &'static str, example: &'static str, report: &mut Report) -> Option<i64> {
    match fields.get(key) {
        Some(item) => item.integer(-1, report),
        None => {
            report.add(&fields.place, Shape::Missing { key, owner: fields.owner.clone(), example });
            None
        }
    }
}
