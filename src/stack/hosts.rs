//! `extra_hosts` and the resolver's keys: which names a container can look up, and where.
//!
//! Source: Compose Specification, services, extra_hosts, dns, dns_search and dns_opt.

use std::net::IpAddr;

use super::decode::{Fields, Item, accept};
use super::node::Value;
use super::problem::{Expected, Invalid, MachineFault, Report};

/// What the engine replaces by the host's own address.
const HOST_GATEWAY: &str = "host-gateway";

/// Reads `extra_hosts`; each comes out as the engine's `host:ip`.
pub fn extra_hosts(service: &mut Fields<'_>, report: &mut Report) -> Vec<String> {
    let Some(item) = service.get("extra_hosts") else {
        return Vec::new();
    };
    let Value::Table(table) = &item.node.value else {
        return match &item.node.value {
            Value::Array(_) => item.parse_strings(report, short),
            _ => {
                item.wrong_type(Expected::ListOrTable, report);
                Vec::new()
            }
        };
    };
    let mut hosts = Vec::new();
    for entry in &table.entries {
        for address in (Item { key: &entry.key, node: &entry.node }).strings(report).unwrap_or_default() {
            hosts.extend(accept(joined(&entry.key, address.text), &address.node.place, report));
        }
    }
    hosts
}

/// `host=ip`, or the older `host:ip`.
fn short(text: &str) -> Result<String, Invalid> {
    let (host, address) = text
        .split_once('=')
        .or_else(|| text.split_once(':'))
        .ok_or_else(|| Invalid::Machine(MachineFault::ExtraHost { value: text.to_owned() }))?;
    joined(host, address)
}

fn joined(host: &str, address: &str) -> Result<String, Invalid> {
    let bare = address.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(address);
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if is_host && (bare == HOST_GATEWAY || bare.parse::<IpAddr>().is_ok()) {
        Ok(format!("{host}:{bare}"))
    } else {
        Err(Invalid::Machine(MachineFault::ExtraHost { value: format!("{host}={address}") }))
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn hosts_of_the_specification() {
        for (text, expected) in [
            ("somehost=162.242.195.82", "somehost:162.242.195.82"),
            ("somehost:162.242.195.82", "somehost:162.242.195.82"),
            ("myhostv6=::1", "myhostv6:::1"),
            ("myhostv6=[::1]", "myhostv6:::1"),
            ("myhostv6:::1", "myhostv6:::1"),
            ("host.docker.internal:host-gateway", "host.docker.internal:host-gateway"),
        ] {
            assert_eq!(short(text).ok().as_deref(), Some(expected), "{text}");
        }
        for bad in ["somehost", "=1.2.3.4", "somehost=", "some host=1.2.3.4", "somehost=1.2.3"] {
            assert!(short(bad).is_err(), "{bad}");
        }
    }
}
