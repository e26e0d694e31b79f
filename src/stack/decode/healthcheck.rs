//! `healthcheck`: the container's probe.
//!
//! Source: Compose Specification, services, healthcheck.

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::amounts;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::{HealthTest, Healthcheck};
use crate::stack::problem::{CommandFault, Expected, Invalid, Report};
use crate::stack::text::node::Value;

/// Reads `healthcheck`.
pub fn read(service: &mut Fields<'_>, report: &mut Report) -> Option<Healthcheck> {
    let mut fields = service.get("healthcheck")?.fields(
        &keys::HEALTHCHECK,
        format!("`healthcheck` of {}", service.owner),
        report,
    )?;
    let test = fields.get("test").and_then(|item| test(item, report));
    let disabled = fields.boolean("disable", report).unwrap_or(false);
    let mut duration =
        |key| fields.get(key).and_then(|item: Item<'_>| item.parse(Expected::Duration, report, amounts::duration));
    let interval = duration("interval");
    let timeout = duration("timeout");
    let start_period = duration("start_period");
    let start_interval = duration("start_interval");
    let retries = fields.get("retries").and_then(|item| item.integer(0, report));
    let retries = retries.map(|retries| u32::try_from(retries).unwrap_or(u32::MAX));
    fields.finish(report);
    let test = if disabled { HealthTest::Disabled } else { test.unwrap_or(HealthTest::Inherit) };
    Some(Healthcheck { test, interval, timeout, retries, start_period, start_interval })
}

/// A line of shell, or a list that says in its first word what it is.
fn test(item: Item<'_>, report: &mut Report) -> Option<HealthTest> {
    if let Value::String(line) = &item.node.value {
        if line.trim().is_empty() {
            report.add(item.place(), Invalid::Empty { what: "`test`" });
            return None;
        }
        return Some(HealthTest::Run(vec!["CMD-SHELL".to_owned(), line.clone()]));
    }
    let words: Vec<String> = item.strings(report)?.iter().map(|text| text.text.to_owned()).collect();
    match listed(words) {
        Ok(test) => Some(test),
        Err(invalid) => {
            report.add(item.place(), invalid);
            None
        }
    }
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
