//! How each key of one file is merged with the same key of another.
//!
//! Source: Compose Specification, Merge and override, and services, extends; where both are silent, what the reference
//! implementation does. Invariant: the one table of these rules; a key that is not in it is merged by its [`Rule::Natural`] form.

use crate::stack::text::node::{Node, Value};
use std::net::{IpAddr, Ipv4Addr};

use crate::stack::grammar::ports::{self, Mapping};
use crate::stack::model::Protocol;

/// What tells that two elements of a list are the same thing; `None`: nothing is the same as this one.
pub type Identity = fn(&Node) -> Option<String>;

/// How two values of one key become one.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Tables key by key, lists appended, anything else replaced; two different forms cannot be merged.
    Natural,
    /// The later value alone.
    Replace,
    /// As [`Rule::Natural`] where the forms agree, else the later value alone.
    Loose,
    /// `["KEY=value"]` or `{ KEY = "value" }`: by key.
    Pairs,
    /// `["host=ip"]` or `{ host = "ip" }`: lists appended, tables by host.
    Hosts,
    /// A list: appended, or in the place of the same thing.
    List(Identity),
    /// A list of tables: appended, or merged with the same thing.
    Merged(Identity),
    /// A string or a list of strings: as [`Rule::List`].
    Strings(Identity),
    /// A list of names, or a table of them: by name.
    Names,
    /// The same; a name of a list comes with the defaults of `depends_on`.
    Dependencies,
    /// A string is the table's `context`.
    Build,
    /// By key where the driver is the same, else the later value alone.
    Logging,
    /// A unit directive: a list is added as lines of a drop-in are, anything else replaces.
    Directive,
}

/// The rule for the value at a path of keys from the top of the file.
pub fn rule(path: &[&str]) -> Rule {
    match path {
        ["services", _, rest @ ..] => service_rule(rest),
        ["networks", _, "ipam", "config"] => Rule::Merged(|node| field(node, "subnet")),
        ["networks" | "volumes" | "secrets" | "configs", _, "labels"] => Rule::Pairs,
        ["networks" | "volumes" | "secrets" | "configs", _, "external"] => Rule::Loose,
        ["systemd", _, _] | [_, _, "systemd", _, _] => Rule::Directive,
        ["profiles"] => Rule::List(text),
        _ => Rule::Natural,
    }
}

fn service_rule(path: &[&str]) -> Rule {
    match path {
        ["command" | "entrypoint"] | ["healthcheck", "test"] | ["extra_hosts", _] => Rule::Replace,
        ["environment" | "labels" | "annotations" | "sysctls"] | ["deploy", "labels"] => Rule::Pairs,
        ["build"] => Rule::Build,
        ["build", "args" | "labels" | "additional_contexts" | "ssh"] => Rule::Pairs,
        ["build", "tags" | "platforms" | "cache_from" | "cache_to"] => Rule::List(text),
        ["extra_hosts"] | ["build", "extra_hosts"] => Rule::Hosts,
        ["depends_on"] => Rule::Dependencies,
        ["networks" | "models"] => Rule::Names,
        ["networks", _, "aliases" | "link_local_ips"] => Rule::List(text),
        ["volumes"] => Rule::List(mount_target),
        ["devices"] => Rule::List(device_target),
        ["secrets"] => Rule::List(|node| file_target(node, "/run/secrets/")),
        ["configs"] => Rule::List(|node| file_target(node, "/")),
        ["ports"] => Rule::List(port),
        ["blkio_config", _] => Rule::List(|node| field(node, "path")),
        ["env_file"] => Rule::Strings(|node| field(node, "path").or_else(|| text(node))),
        ["label_file"] => Rule::Strings(|_| None),
        ["dns" | "dns_opt" | "dns_search"] => Rule::Strings(text),
        ["tmpfs"] => Rule::Strings(|node| Some(text(node)?.split(':').next()?.to_owned())),
        [
            "cap_add"
            | "cap_drop"
            | "device_cgroup_rules"
            | "expose"
            | "external_links"
            | "group_add"
            | "links"
            | "profiles"
            | "security_opt"
            | "volumes_from",
        ] => Rule::List(text),
        ["gpus"] | ["ulimits", _] => Rule::Loose,
        ["logging"] => Rule::Logging,
        ["systemd", _, _] => Rule::Directive,
        _ => Rule::Natural,
    }
}

/// A scalar as text.
pub fn text(node: &Node) -> Option<String> {
    node.scalar()
}

/// `KEY` of `KEY=value`.
pub fn pair_key(node: &Node) -> Option<String> {
    Some(text(node)?.split('=').next()?.to_owned())
}

/// A scalar of a table.
fn field(node: &Node, key: &str) -> Option<String> {
    match &node.value {
        Value::Table(table) => text(&table.get(key)?.node),
        _ => None,
    }
}

/// Of `[SOURCE:]TARGET[:MODE]`, or of the long form.
fn mount_target(node: &Node) -> Option<String> {
    let target = field(node, "target").or_else(|| {
        let text = text(node)?;
        let mut parts = text.split(':');
        let first = parts.next()?;
        Some(parts.next().unwrap_or(first).to_owned())
    })?;
    Some(target.trim_end_matches('/').to_owned())
}

/// Of `HOST[:CONTAINER[:PERMISSIONS]]`, or of the long form.
fn device_target(node: &Node) -> Option<String> {
    field(node, "target").or_else(|| field(node, "source")).or_else(|| {
        let text = text(node)?;
        let mut parts = text.split(':');
        let host = parts.next()?;
        Some(parts.next().filter(|container| container.starts_with('/')).unwrap_or(host).to_owned())
    })
}

/// Where a secret or config is mounted: below `directory` by its name, unless it has a path of its own.
fn file_target(node: &Node, directory: &str) -> Option<String> {
    let target = field(node, "target").or_else(|| field(node, "source")).or_else(|| text(node))?;
    Some(if target.starts_with('/') { target } else { format!("{directory}{target}") })
}

/// Address, published port, container port and protocol of an entry of `ports`. `None`: it is faulty.
fn port(node: &Node) -> Option<String> {
    let mapping = match &node.value {
        Value::Table(_) => long_port(node),
        _ => ports::short(&text(node)?).ok(),
    }?;
    // Without an address the engine publishes on all of them.
    let host_ip = mapping.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Some(format!("{host_ip} {:?} {:?} {:?}", mapping.published, mapping.target, mapping.protocol))
}

fn long_port(node: &Node) -> Option<Mapping> {
    let range = |key| ports::range(&field(node, key)?).ok();
    Some(Mapping {
        host_ip: field(node, "host_ip").and_then(|text| ports::host_ip(&text).ok()),
        published: range("published"),
        target: range("target").filter(|target| target.first > 0)?,
        protocol: field(node, "protocol").and_then(|name| ports::protocol(&name).ok()).unwrap_or(Protocol::Tcp),
    })
}
