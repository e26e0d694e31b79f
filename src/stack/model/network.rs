//! The networks that containers join.

use std::collections::BTreeMap;

use super::overrides::Overrides;
use crate::diagnostic::Place;

/// A network of the stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub key: String,
    pub place: Place,
    /// The name at the engine: `name`, else `PROJECT_KEY` (an external one: else its key).
    pub name: String,
    /// Made and removed by somebody else.
    pub external: bool,
    pub driver: Option<String>,
    pub driver_opts: BTreeMap<String, String>,
    pub internal: bool,
    pub attachable: bool,
    pub enable_ipv4: Option<bool>,
    pub enable_ipv6: Option<bool>,
    pub ipam: Option<Ipam>,
    pub labels: BTreeMap<String, String>,
    pub systemd: Overrides,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ipam {
    pub driver: Option<String>,
    pub config: Vec<IpamConfig>,
    pub options: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpamConfig {
    pub subnet: Option<String>,
    pub ip_range: Option<String>,
    pub gateway: Option<String>,
    pub aux_addresses: BTreeMap<String, String>,
}

/// How a service joins one network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attachment {
    pub aliases: Vec<String>,
    pub ipv4_address: Option<String>,
    pub ipv6_address: Option<String>,
    pub link_local_ips: Vec<String>,
    pub mac_address: Option<String>,
    pub driver_opts: BTreeMap<String, String>,
    /// The order in which networks are joined: highest first (Compose Specification, networks.priority).
    pub priority: i64,
    /// Which network gives the default gateway: the highest (Engine API 1.48).
    pub gw_priority: Option<i64>,
}
