//! Where an empty string is no value.
//!
//! A variable that is not set leaves one: `user: "${APP_USER}"`, `ports: ["${BIND_IP}:80:80"]`. Compose takes the default there, for what
//! its types and the engine do with an empty string is the same as without the key.

use super::table::Table;

/// By the table's id.
const DEFAULTED: &[(&str, &[&str])] = &[
    (
        "service",
        &[
            "cgroup",
            "container_name",
            "cpuset",
            "dns",
            "domainname",
            "hostname",
            "ipc",
            "isolation",
            "mac_address",
            "network_mode",
            "pid",
            "platform",
            "pull_policy",
            "restart",
            "runtime",
            "stop_signal",
            "user",
            "userns_mode",
            "uts",
            "working_dir",
        ],
    ),
    ("attachment", &["interface_name", "ipv4_address", "ipv6_address", "mac_address"]),
    ("build", &["dockerfile", "isolation", "network", "target"]),
    ("config", &["name"]),
    ("deploy", &["endpoint_mode", "mode"]),
    ("device", &["permissions", "target"]),
    ("healthcheck", &["test"]),
    ("ipam", &["driver"]),
    ("ipam_config", &["gateway", "ip_range", "subnet"]),
    ("logging", &["driver"]),
    ("network", &["driver", "name"]),
    ("port", &["app_protocol", "host_ip", "mode", "name", "protocol", "published"]),
    ("restart_policy", &["condition"]),
    ("secret", &["name"]),
    ("volume", &["driver", "name"]),
];

/// Lists of which an empty element is none.
const SKIPPED: &[&str] = &[
    "cap_add",
    "cap_drop",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "expose",
    "group_add",
    "labels",
    "link_local_ips",
    "profiles",
];

/// Whether an empty string means the same as no key.
pub fn is_default(table: &Table, key: &str) -> bool {
    DEFAULTED.iter().any(|(id, keys)| *id == table.id && keys.contains(&key))
}

/// Whether an empty element of the list is left out.
pub fn is_skipped(list: &str) -> bool {
    SKIPPED.contains(&list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::keys::walk;

    #[test]
    fn each_key_is_in_its_table() {
        let mut tables = std::collections::BTreeMap::new();
        walk(&mut |_, table, _| {
            tables.insert(table.id, table);
        });
        for (id, keys) in DEFAULTED {
            let unknown: Vec<_> = keys.iter().filter(|key| tables[id].key(key).is_none()).collect();
            assert!(unknown.is_empty(), "{id}: {unknown:?}");
        }
    }
}
