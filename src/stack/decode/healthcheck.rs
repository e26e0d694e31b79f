//! `healthcheck`: the container's probe.
//!
//! Source: Compose Specification, services, healthcheck.

use crate::stack::fields::quantities::duration;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::{HealthTest, Healthcheck};
use crate::stack::problem::{CommandFault, Invalid};
use crate::stack::text::node::Value;

/// Reads `healthcheck`.
pub fn read(service: &mut Fields<'_>) -> Option<Healthcheck> {
    let mut fields = service.table("healthcheck", &keys::HEALTHCHECK)?;
    let test = fields.get("test").and_then(test);
    let disabled = fields.is_on("disable");
    let interval = fields.get("interval").and_then(duration);
    let timeout = fields.get("timeout").and_then(duration);
    let start_period = fields.get("start_period").and_then(duration);
    let start_interval = fields.get("start_interval").and_then(duration);
    let retries = fields.get("retries").and_then(|item| item.integer(0));
    let retries = retries.map(|retries| u32::try_from(retries).unwrap_or(u32::MAX));
    fields.finish();
    let test = if disabled { HealthTest::Disabled } else { test.unwrap_or(HealthTest::Inherit) };
    Some(Healthcheck { test, interval, timeout, retries, start_period, start_interval })
}

/// A line of shell, or a list that says in its first word what it is.
fn test(item: Item<'_>) -> Option<HealthTest> {
    if let Value::String(line) = &item.node.value {
        if line.trim().is_empty() {
            item.add(Invalid::Empty { what: "`test`" });
            return None;
        }
        return Some(HealthTest::Run(vec!["CMD-SHELL".to_owned(), line.clone()]));
    }
    let words: Vec<String> = item.strings()?.iter().map(|text| text.text.to_owned()).collect();
    item.accept(listed(words))
}

fn listed(words: Vec<String>) -> Result<HealthTest, Invalid> {
    match words.first().map(String::as_str) {
        Some("NONE") if words.len() > 1 => Err(Invalid::Command(CommandFault::HealthTestArguments { kind: "NONE" })),
        Some("NONE") => Ok(HealthTest::Disabled),
        Some("CMD") if words.len() < 2 => Err(Invalid::Command(CommandFault::HealthTestArguments { kind: "CMD" })),
        Some("CMD-SHELL") if words.len() != 2 => {
            Err(Invalid::Command(CommandFault::HealthTestArguments { kind: "CMD-SHELL" }))
        }
        Some("CMD" | "CMD-SHELL") => Ok(HealthTest::Run(words)),
        Some(other) => {
            let nearest = nearest(other, ["CMD", "CMD-SHELL", "NONE"]);
            Err(Invalid::Command(CommandFault::HealthTest { first: Some(other.to_owned()), nearest }))
        }
        None => Err(Invalid::Command(CommandFault::HealthTest { first: None, nearest: None })),
    }
}
