//! `external` of networks, volumes, secrets and configs: somebody else makes and removes it.

use crate::stack::fields::Fields;
use crate::stack::problem::{Expected, Report, Shape};
use crate::stack::text::node::Value;

/// `external = true`: somebody else makes and removes it.
pub fn external(fields: &mut Fields<'_>, report: &mut Report) -> bool {
    let Some(item) = fields.get("external") else {
        return false;
    };
    match &item.node.value {
        // Compose's old form `external: { name: … }`.
        Value::Table(_) => {
            item.wrong_type(Expected::External, report);
            true
        }
        _ => item.boolean(report).unwrap_or(false),
    }
}

/// Of an external network or volume only its name says anything.
pub fn only_a_name(fields: &Fields<'_>, report: &mut Report) {
    for entry in fields.written().filter(|entry| !matches!(entry.key.as_str(), "external" | "name" | "systemd")) {
        let because = "it is external, so somebody else decides it";
        let problem = Shape::Excludes { key: entry.key.clone(), owner: fields.owner.clone(), because };
        report.add(&entry.key_place, problem);
    }
}
