//! The kernel's limits of each process.
//!
//! Source: Compose Specification, services, ulimits; setrlimit(2).

use std::collections::BTreeMap;

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::kernel::ULIMITS;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::Ulimit;
use crate::stack::problem::{ChoiceFault, Invalid, Report, Shape};
use crate::stack::text::node::Value;

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
            report.add(
                &entry.key_place,
                Invalid::Choice(ChoiceFault::Ulimit { name: name.to_owned(), nearest, allowed: ULIMITS }),
            );
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
