//! The kernel's limits of each process.
//!
//! Source: Compose Specification, services, ulimits; setrlimit(2).

use std::collections::BTreeMap;

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::kernel::ULIMITS;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::Ulimit;
use crate::stack::problem::{ChoiceFault, Invalid};
use crate::stack::text::node::Value;

/// Reads `ulimits`: a number for both limits, or `{ soft, hard }`.
pub fn ulimits(service: &mut Fields<'_>) -> BTreeMap<String, Ulimit> {
    let mut limits = BTreeMap::new();
    let Some(item) = service.get("ulimits") else {
        return limits;
    };
    for item in item.entries() {
        let name = item.key;
        if !ULIMITS.contains(&name) {
            let nearest = nearest(name, ULIMITS);
            let fault = ChoiceFault::Ulimit { name: name.to_owned(), nearest, allowed: ULIMITS };
            item.report.add(item.key_place, Invalid::Choice(fault));
            continue;
        }
        limits.extend(ulimit(item, &service.owner).map(|limit| (name.to_owned(), limit)));
    }
    limits
}

fn ulimit(item: Item<'_>, owner: &str) -> Option<Ulimit> {
    if !matches!(item.node.value, Value::Table(_)) {
        let both = item.integer(-1)?;
        return Some(Ulimit { soft: both, hard: both });
    }
    let mut fields = item.fields(&keys::ULIMIT, format!("limit `{}` of {owner}", item.key))?;
    let soft = bound(&mut fields, "soft", "soft = 1024");
    let hard = bound(&mut fields, "hard", "hard = 4096");
    fields.finish();
    let limit = Ulimit { soft: soft?, hard: hard? };
    if limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard) {
        item.add(Invalid::UlimitOrder { soft: limit.soft, hard: limit.hard });
    }
    Some(limit)
}

fn bound(fields: &mut Fields<'_>, key: &'static str, example: &'static str) -> Option<i64> {
    fields.required(key, example)?.integer(-1)
}
