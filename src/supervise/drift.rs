//! Drift: how a container differs from its definition. Pure.
//!
//! What may be changed at the engine without a new container: its name, its networks, its limits and restart policy (Engine API,
//! `POST /containers/{id}/update`). What may have changed around it: the definition, and what its image's name means.

use std::collections::BTreeMap;

use crate::engine::{Image, Inspection, OF_CONTAINER};
use crate::spec::models::{EndpointSettings, HostConfig, RestartPolicyNameEnum};
use crate::spec::{ComparedSpec, label};

/// In which respect a container differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The stack was changed since the container was made.
    Definition,
    /// The image's name means another image on this host now.
    Image,
    /// The registry has another image under that name.
    Registry,
    Name,
    /// Its processes are frozen.
    Paused,
    Labels,
    Networks,
    /// Limits and the restart policy: what `docker update` changes.
    Resources,
}

impl Aspect {
    pub const ALL: [Self; 8] = [
        Self::Definition,
        Self::Image,
        Self::Registry,
        Self::Name,
        Self::Paused,
        Self::Labels,
        Self::Networks,
        Self::Resources,
    ];

    /// As it is named on the bus and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Image => "image",
            Self::Registry => "registry",
            Self::Name => "name",
            Self::Paused => "paused",
            Self::Labels => "labels",
            Self::Networks => "networks",
            Self::Resources => "resources",
        }
    }
}

/// One difference, in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub aspect: Aspect,
    pub text: String,
}

/// All differences between a container and its definition. `image`: what the definition's image means on this host; `registry`:
/// the digest that its registry was last observed to have under that name.
pub fn differences(
    spec: &ComparedSpec,
    observed: &Inspection,
    image: Option<&Image>,
    registry: Option<&str>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |aspect, text| found.push(Difference { aspect, text });
    let is_current = observed.container.label(label::CONFIG_HASH) == Some(&spec.wharf.config_hash);
    if !is_current {
        add(Aspect::Definition, "the stack was changed since the container was made".to_owned());
    }
    let reference = &spec.container.image;
    // Of a container that was made of another image by its definition of then, nothing about this one is to be said.
    if let Some(image) = image.filter(|_| observed.image == *reference) {
        if image.id != observed.image_id {
            let (here, has) = (short(&image.id), short(&observed.image_id));
            add(Aspect::Image, format!("{reference} is {here} on this host, the container has {has}"));
        }
        let there = registry.filter(|there| !image.digests.iter().any(|digest| digest == there));
        // An image without digests was built here.
        if let (Some(there), Some(here)) = (there, image.digests.first()) {
            let (there, here) = (short(there), short(here));
            add(Aspect::Registry, format!("{reference} is {there} in its registry, and {here} on this host"));
        }
    }
    if observed.name != spec.wharf.name {
        add(Aspect::Name, format!("it is named {}, not {}", observed.name, spec.wharf.name));
    }
    if observed.paused {
        add(Aspect::Paused, format!("its processes are frozen: docker unpause {}", observed.name));
    }
    // The rest follows from the definition: of another one, only what it says itself can be held against the container.
    if is_current {
        let labels = spec.container.labels.iter();
        let mut other: Vec<_> = labels
            .filter(|(name, value)| observed.labels.get(*name) != Some(*value))
            .map(|(name, _)| name.as_str())
            .collect();
        if !other.is_empty() {
            other.sort_unstable();
            add(Aspect::Labels, format!("labels missing or changed: {}", other.join(", ")));
        }
        networks(spec, observed, &mut add);
        resources(&spec.container.host_config, &observed.host_config, &mut add);
    }
    found.sort_unstable();
    found
}

fn networks(spec: &ComparedSpec, observed: &Inspection, add: &mut impl FnMut(Aspect, String)) {
    let mode = spec.container.host_config.network_mode.as_deref().unwrap_or("bridge");
    if mode.starts_with(OF_CONTAINER) {
        return;
    }
    let none = EndpointSettings::default();
    let endpoints = &spec.container.networking_config.endpoints_config;
    let mut declared: BTreeMap<&str, &EndpointSettings> =
        BTreeMap::from([(if mode == "default" { "bridge" } else { mode }, &none)]);
    declared.extend(endpoints.iter().map(|(name, endpoint)| (name.as_str(), endpoint)));
    declared.extend(spec.wharf.networks.iter().map(|network| (network.name.as_str(), &network.endpoint)));
    for (network, endpoint) in &declared {
        match observed.networks.get(*network) {
            Some(connected) => endpoint_differs(network, endpoint, connected, add),
            None => add(Aspect::Networks, format!("it is not connected to {network}")),
        }
    }
    for network in observed.networks.keys().filter(|network| !declared.contains_key(network.as_str())) {
        add(Aspect::Networks, format!("it is connected to {network}, which its definition does not name"));
    }
}

/// Who disconnects a container and connects it again gives it other names and addresses.
fn endpoint_differs(
    network: &str,
    declared: &EndpointSettings,
    observed: &EndpointSettings,
    add: &mut impl FnMut(Aspect, String),
) {
    let has: Vec<&String> = observed.aliases.iter().flatten().collect();
    let lacks = declared.aliases.iter().flatten().filter(|alias| !has.contains(alias));
    for alias in lacks {
        add(Aspect::Networks, format!("it lacks the alias {alias} on {network}"));
    }
    let address = |endpoint: &EndpointSettings| {
        let own = endpoint.ipam_config.clone().unwrap_or_default();
        [own.ipv4_address, own.ipv6_address].map(Option::unwrap_or_default)
    };
    for (declared, observed) in address(declared).into_iter().zip(address(observed)).filter(|(one, other)| one != other)
    {
        if !declared.is_empty() {
            let observed = if observed.is_empty() { "an address of the engine's choice".to_owned() } else { observed };
            add(Aspect::Networks, format!("it has {observed} on {network}, not {declared}"));
        }
    }
}

fn resources(declared: &HostConfig, observed: &HostConfig, add: &mut impl FnMut(Aspect, String)) {
    for ((field, declared), (_, observed)) in numbers(declared).into_iter().zip(numbers(observed)) {
        // `docker update` cannot take one away: the engine's kernel does not know it, and the engine has dropped it.
        if declared != observed && observed != 0 {
            add(Aspect::Resources, format!("{field} is {observed}, not {declared}"));
        }
    }
    if let Some(observed) = observed.pids_limit {
        // "Unlimited" has several numbers.
        let (observed, declared) = (observed.max(0), declared.pids_limit.unwrap_or(0).max(0));
        if observed != declared {
            add(Aspect::Resources, format!("PidsLimit is {observed}, not {declared}"));
        }
    }
    // Without a limit of its own, swap is as much as memory again, or not limited at all.
    let memory = declared.memory.unwrap_or(0);
    let swap = observed.memory_swap.unwrap_or(0);
    let as_declared = match declared.memory_swap.unwrap_or(0) {
        0 => [0, -1, 2 * memory].contains(&swap),
        limit => swap == limit || swap == 0,
    };
    if !as_declared && observed.memory == declared.memory.or(Some(0)) {
        let declared = declared.memory_swap.unwrap_or(2 * memory);
        add(Aspect::Resources, format!("MemorySwap is {swap}, not {declared}"));
    }
    for (field, declared, observed) in [
        ("CpusetCpus", &declared.cpuset_cpus, &observed.cpuset_cpus),
        ("CpusetMems", &declared.cpuset_mems, &observed.cpuset_mems),
    ] {
        let (declared, observed) = (declared.as_deref().unwrap_or_default(), observed.as_deref().unwrap_or_default());
        // As of the numbers: nothing there is nothing changed.
        if declared != observed && !observed.is_empty() {
            add(Aspect::Resources, format!("{field} is `{observed}`, not `{declared}`"));
        }
    }
    let (policy, declared) = (restart_policy(observed), restart_policy(declared));
    if policy != declared {
        add(
            Aspect::Resources,
            format!("RestartPolicy is {policy}, not {declared}: the engine restarts it beside systemd"),
        );
    }
}

/// The numbers that `docker update` changes, by their names in the Engine API. Zero: not set.
fn numbers(host: &HostConfig) -> [(&'static str, i64); 9] {
    [
        ("Memory", host.memory.unwrap_or(0)),
        ("MemoryReservation", host.memory_reservation.unwrap_or(0)),
        ("BlkioWeight", host.blkio_weight.map_or(0, i64::from)),
        ("NanoCpus", host.nano_cpus.unwrap_or(0)),
        ("CpuShares", host.cpu_shares.unwrap_or(0)),
        ("CpuPeriod", host.cpu_period.unwrap_or(0)),
        ("CpuQuota", host.cpu_quota.unwrap_or(0)),
        ("CpuRealtimePeriod", host.cpu_realtime_period.unwrap_or(0)),
        ("CpuRealtimeRuntime", host.cpu_realtime_runtime.unwrap_or(0)),
    ]
}

fn restart_policy(host: &HostConfig) -> RestartPolicyNameEnum {
    let policy = host.restart_policy.as_ref().and_then(|policy| policy.name);
    policy.filter(|policy| *policy != RestartPolicyNameEnum::EMPTY).unwrap_or(RestartPolicyNameEnum::NO)
}

/// `sha256:0123456789ab`
fn short(digest: &str) -> &str {
    digest.get(.."sha256:".len() + 12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::from_json;
    use crate::spec::models::ContainerInspectResponse;

    fn spec() -> ComparedSpec {
        from_json(
            r#"{"container": {"Image": "shop/web:1", "HostConfig": {"NetworkMode": "shop_default", "Memory": 1048576},
                "Labels": {"io.wharf.config-hash": "1"}, "NetworkingConfig": {"EndpointsConfig": {"shop_default":
                    {"Aliases": ["web"], "IPAMConfig": {"IPv4Address": "10.0.0.2"}}}}},
                "wharf": {"project": "shop", "service": "web", "name": "shop-web", "config_hash": "1", "pull_policy": "missing",
                "ready": "started", "stop_grace_period": 10.0}}"#,
        )
        .unwrap()
    }

    fn inspected(change: impl FnOnce(&mut serde_json::Value)) -> Inspection {
        let mut inspect = serde_json::json!({
            "Id": "c", "Name": "/shop-web", "Image": "sha256:a", "Config": {"Image": "shop/web:1", "Labels": {"io.wharf.config-hash": "1"}},
            "HostConfig": {"NetworkMode": "shop_default", "Memory": 1_048_576, "MemorySwap": 2_097_152, "CpusetCpus": "",
                "RestartPolicy": {"Name": "no"}},
            "NetworkSettings": {"Networks": {"shop_default":
                {"Aliases": ["web", "0123456789ab"], "IPAMConfig": {"IPv4Address": "10.0.0.2"}}}},
        });
        change(&mut inspect);
        Inspection::from(serde_json::from_value::<ContainerInspectResponse>(inspect).unwrap())
    }

    fn found(observed: &Inspection) -> Vec<String> {
        let image = Image { id: "sha256:a".to_owned(), digests: vec!["sha256:d".to_owned()], ..Image::default() };
        let found = differences(&spec(), observed, Some(&image), Some("sha256:d"));
        found.into_iter().map(|difference| format!("{}: {}", difference.aspect.as_str(), difference.text)).collect()
    }

    #[test]
    fn a_container_as_it_was_made_does_not_differ() {
        assert_eq!(found(&inspected(|_| ())), [""; 0]);
    }

    #[test]
    fn each_change_at_the_engine_is_named() {
        type Change = fn(&mut serde_json::Value);
        let changes: [(Change, &str); 11] = [
            (|it| it["Name"] = "/other".into(), "name: it is named other, not shop-web"),
            (
                |it| it["NetworkSettings"]["Networks"] = serde_json::json!({}),
                "networks: it is not connected to shop_default",
            ),
            (
                |it| it["NetworkSettings"]["Networks"]["shop_default"]["Aliases"] = serde_json::Value::Null,
                "networks: it lacks the alias web on shop_default",
            ),
            (
                |it| it["NetworkSettings"]["Networks"]["shop_default"]["IPAMConfig"] = serde_json::json!({}),
                "networks: it has an address of the engine's choice on shop_default, not 10.0.0.2",
            ),
            (
                |it| it["NetworkSettings"]["Networks"]["back"] = serde_json::json!({}),
                "networks: it is connected to back, which its definition does not name",
            ),
            (|it| it["HostConfig"]["Memory"] = 5.into(), "resources: Memory is 5, not 1048576"),
            (|it| it["HostConfig"]["PidsLimit"] = 5.into(), "resources: PidsLimit is 5, not 0"),
            (|it| it["HostConfig"]["MemorySwap"] = 5.into(), "resources: MemorySwap is 5, not 2097152"),
            (|it| it["HostConfig"]["CpusetCpus"] = "0".into(), "resources: CpusetCpus is `0`, not ``"),
            (
                |it| it["HostConfig"]["RestartPolicy"]["Name"] = "always".into(),
                "resources: RestartPolicy is always, not no: the engine restarts it beside systemd",
            ),
            (
                |it| it["Image"] = "sha256:b".into(),
                "image: shop/web:1 is sha256:a on this host, the container has sha256:b",
            ),
        ];
        for (change, difference) in changes {
            assert_eq!(found(&inspected(change)), [difference]);
        }
    }

    #[test]
    fn a_limit_that_the_kernel_does_not_know_was_not_changed_by_anybody() {
        let observed = inspected(|it| {
            it["HostConfig"]["Memory"] = 0.into();
            it["HostConfig"]["MemorySwap"] = 0.into();
            it["HostConfig"]["PidsLimit"] = serde_json::Value::Null;
        });
        assert_eq!(found(&observed), [""; 0]);
    }

    #[test]
    fn another_definition_is_one_difference_and_not_all_that_follow_from_it() {
        let observed = inspected(|it| {
            it["Config"]["Labels"]["io.wharf.config-hash"] = "0".into();
            it["Config"]["Image"] = "shop/web:0".into();
            it["Image"] = "sha256:0".into();
            it["HostConfig"]["Memory"] = 5.into();
        });
        assert_eq!(found(&observed), ["definition: the stack was changed since the container was made"]);
    }

    #[test]
    fn what_the_registry_has_is_compared_with_what_was_pulled() {
        let image = |digests: &[&str]| Image {
            id: "sha256:a".to_owned(),
            digests: digests.iter().map(|&digest| digest.to_owned()).collect(),
            ..Image::default()
        };
        let observed = inspected(|_| ());
        let aspects = |image: &Image, registry| {
            let found = differences(&spec(), &observed, Some(image), registry);
            found.into_iter().map(|difference| difference.aspect).collect::<Vec<_>>()
        };
        assert_eq!(aspects(&image(&["sha256:d"]), Some("sha256:e")), [Aspect::Registry]);
        assert_eq!(aspects(&image(&["sha256:e", "sha256:d"]), Some("sha256:d")), []);
        assert_eq!(aspects(&image(&[]), Some("sha256:e")), [], "it was built here");
        assert_eq!(aspects(&image(&["sha256:d"]), None), [], "nobody has asked");
    }
}
