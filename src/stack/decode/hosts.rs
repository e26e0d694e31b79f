//! `extra_hosts` and the resolver's keys: which names a container can look up, and where.
//!
//! Source: Compose Specification, services, extra_hosts, dns, dns_search and dns_opt.

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::addresses::{extra_host, host_with_address};
use crate::stack::problem::Expected;
use crate::stack::text::node::Value;

/// Reads `extra_hosts`; each comes out as the engine's `host:ip`.
pub fn extra_hosts(service: &mut Fields<'_>) -> Vec<String> {
    let Some(item) = service.get("extra_hosts") else {
        return Vec::new();
    };
    match &item.node.value {
        Value::Array(_) => item.parse_strings(extra_host).concat(),
        Value::Table(_) => item.entries().flat_map(addresses).collect(),
        _ => {
            item.wrong_type(Expected::ListOrTable);
            Vec::new()
        }
    }
}

/// `HOST = "ADDRESS"`, or a list of addresses.
fn addresses(host: Item<'_>) -> Vec<String> {
    let addresses = host.strings().unwrap_or_default().into_iter();
    addresses.filter_map(|address| address.item.accept(host_with_address(host.key, address.text))).collect()
}
