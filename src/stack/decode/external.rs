//! `external` of networks, volumes, secrets and configs: somebody else makes and removes it.

use crate::stack::fields::Fields;
use crate::stack::problem::Expected;
use crate::stack::text::node::Value;

/// `external = true`: somebody else makes and removes it.
pub fn external(fields: &mut Fields<'_>) -> bool {
    let Some(item) = fields.get("external") else {
        return false;
    };
    match &item.node.value {
        // Compose's old form `external: { name: … }`.
        Value::Table(_) => {
            item.wrong_type(Expected::External);
            true
        }
        _ => item.boolean().unwrap_or(false),
    }
}

/// Of an external network or volume only its name says anything.
pub fn only_a_name(fields: &Fields<'_>) {
    for item in fields.written().filter(|item| !matches!(item.key, "external" | "name" | "systemd")) {
        fields.excludes(item.key, item.key_place, "an external resource is configured where it is created");
    }
}
