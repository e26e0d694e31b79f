//! `extra_hosts` and the resolver's keys: which names a container can look up, and where.
//!
//! Source: Compose Specification, services, extra_hosts, dns, dns_search and dns_opt.

use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::addresses::{extra_host, host_with_address};
use crate::stack::problem::{Expected, Report};
use crate::stack::text::node::Value;

/// Reads `extra_hosts`; each comes out as the engine's `host:ip`.
pub fn extra_hosts(service: &mut Fields<'_>, report: &mut Report) -> Vec<String> {
    let Some(item) = service.get("extra_hosts") else {
        return Vec::new();
    };
    let Value::Table(table) = &item.node.value else {
        return match &item.node.value {
            Value::Array(_) => item.parse_strings(report, extra_host),
            _ => {
                item.wrong_type(Expected::ListOrTable, report);
                Vec::new()
            }
        };
    };
    let mut hosts = Vec::new();
    for entry in &table.entries {
        for address in (Item { key: &entry.key, node: &entry.node }).strings(report).unwrap_or_default() {
            hosts.extend(accept(host_with_address(&entry.key, address.text), &address.node.place, report));
        }
    }
    hosts
}
