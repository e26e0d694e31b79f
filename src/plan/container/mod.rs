//! A service → the Engine API's create-container body and the Wharf part of its spec.
//!
//! In: a service of a valid stack. Out: its [`ContainerSpec`], hashed. Invariant: the engine's own restart
//! policy is always `no`, since systemd restarts; the hash covers all that a running container would have to be recreated for.

mod compose_labels;
mod hooks;
mod mounts;
mod networks;
mod resources;
mod sharing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::files;
use super::hash::config_hash;
use crate::name::SpecHash;
use crate::spec::models::{
    ContainerCreateBody, DeviceMapping, HealthConfig, HostConfig, HostConfigLogConfig, NetworkingConfig, PortBinding,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use mounts::{mounts, tmpfs};
use networks::joined_networks;

use super::names;
use crate::spec::{ContainerPart, ContainerSpec, PullPolicy, Ready, compose_label, label};
use crate::stack::{self, HealthTest, Healthcheck, Protocol, Published, Service, Stack};

pub use mounts::goes_as_bind;

/// Compose Specification, stop_grace_period: ten seconds when nothing is said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// The spec of a service's container.
pub fn container_spec(stack: &Stack, service: &Service, ready: Ready) -> ContainerSpec {
    let links = sharing::links(stack, service);
    let mut joined = joined_networks(stack, service, &links).into_iter();
    let first = joined.next();
    let own_network = sharing::mode(stack, service.namespaces.network_mode.as_ref());
    let network_mode = first.as_ref().map(|network| network.name.clone()).or(own_network);
    let mut body = ContainerCreateBody {
        image: Some(service.image.to_string()),
        cmd: service.command.clone(),
        entrypoint: service.entrypoint.clone(),
        env: some_unless_empty(variables(&service.environment)),
        hostname: service.hostname.clone(),
        domainname: service.domainname.clone(),
        user: service.user.clone(),
        working_dir: service.working_dir.clone(),
        tty: service.tty.then_some(true),
        open_stdin: service.stdin_open.then_some(true),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: service.stop_grace_period.map(|grace| i64::try_from(grace.as_secs()).unwrap_or(i64::MAX)),
        healthcheck: service.healthcheck.as_ref().map(healthcheck),
        exposed_ports: some_unless_empty(exposed_ports(service)),
        labels: Some(labels(stack, service)),
        host_config: Some(host_config(stack, service, network_mode, links)),
        networking_config: first.map(|network| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.name, network.endpoint)])),
        }),
        ..Default::default()
    };
    let (files, variables) = files::provided(stack, service.into());
    let mut part = ContainerPart {
        project: stack.name.to_string(),
        service: service.name.to_string(),
        name: container_name(stack, service),
        config_hash: String::new(),
        unit_hash: String::new(),
        pull_policy: pull_policy(service.pull_policy),
        ready,
        platform: service.platform.clone(),
        shares: sharing::owners(stack, &service.namespaces),
        networks: joined.collect(),
        resources: resources(stack, service),
        files,
        variables,
        stop_grace_period: service.stop_grace_period.unwrap_or(DEFAULT_GRACE).as_secs_f64(),
        built_by: None,
        post_start: hooks::hooks(&service.post_start),
        pre_stop: hooks::hooks(&service.pre_stop),
        reload: service.reload.as_ref().map(hooks::reload),
        output: service.output,
    };
    part.config_hash = hash(&body, &part).into();
    let hash = part.config_hash.clone();
    let labels = body.labels.get_or_insert_default();
    if stack.compose_labels {
        labels.insert(compose_label::CONFIG_HASH.to_owned(), hash.clone());
    }
    labels.insert(label::CONFIG_HASH.to_owned(), hash);
    ContainerSpec { container: body, wharf: part }
}

/// Of what the engine is asked for. Where secrets and configs come from is no part of it, and their contents even less.
fn hash(body: &ContainerCreateBody, part: &ContainerPart) -> SpecHash {
    // What was not said does not count: a new version of Wharf replaces no container that is defined as before.
    let files: Vec<_> =
        part.files.iter().map(|file| (&file.contents.source, &file.target, file.uid, file.gid, file.mode)).collect();
    match &part.platform {
        platform if !files.is_empty() => config_hash(&(body, &part.networks, platform, files)),
        Some(platform) => config_hash(&(body, &part.networks, platform)),
        None => config_hash(&(body, &part.networks)),
    }
}

/// The files of the networks and volumes that the service uses and the stack makes, each once.
fn resources(stack: &Stack, service: &Service) -> Vec<String> {
    let networks = service.networks.keys().filter(|key| stack.networks.get(*key).is_some_and(|n| !n.external));
    let volumes: BTreeSet<&String> =
        service.named_volumes().filter(|key| stack.volumes.get(*key).is_some_and(|v| !v.external)).collect();
    let networks = networks.map(|key| names::network_spec(&stack.name, key));
    networks.chain(volumes.into_iter().map(|key| names::volume_spec(&stack.name, key))).collect()
}

/// The container's name at the engine.
pub fn container_name(stack: &Stack, service: &Service) -> String {
    service.container_name.clone().unwrap_or_else(|| names::container(&stack.name, &service.name))
}

pub fn pull_policy(policy: Option<stack::PullPolicy>) -> PullPolicy {
    match policy {
        Some(stack::PullPolicy::Always) => PullPolicy::Always,
        Some(stack::PullPolicy::Never | stack::PullPolicy::Build) => PullPolicy::Never,
        Some(stack::PullPolicy::Refresh(age)) => PullPolicy::Refresh(age.as_secs()),
        Some(stack::PullPolicy::Missing) | None => PullPolicy::Missing,
    }
}

/// As the engine takes them: a name without a value takes the variable away.
pub fn variables(environment: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let entry = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => name.clone(),
    };
    environment.iter().map(entry).collect()
}

fn labels(stack: &Stack, service: &Service) -> HashMap<String, String> {
    let unit = names::service_unit(&stack.name, service);
    let ours =
        [(label::PROJECT, stack.name.as_str()), (label::SERVICE, service.name.as_str()), (label::UNIT, unit.as_str())];
    let ours = ours.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    service.labels.clone().into_iter().chain(compose_labels::labels(stack, service)).chain(ours).collect()
}

fn host_config(stack: &Stack, service: &Service, network_mode: Option<String>, links: Vec<String>) -> HostConfig {
    let (binds, mounts) = mounts(stack, service);
    HostConfig {
        network_mode,
        binds: some_unless_empty(binds),
        mounts: some_unless_empty(mounts),
        tmpfs: some_map(tmpfs(service)),
        port_bindings: some_map(port_bindings(service)),
        init: service.init,
        privileged: service.privileged.then_some(true),
        readonly_rootfs: service.read_only.then_some(true),
        cap_add: some_unless_empty(service.cap_add.clone()),
        cap_drop: some_unless_empty(service.cap_drop.clone()),
        devices: some_unless_empty(service.devices.iter().map(device).collect()),
        extra_hosts: some_unless_empty(service.extra_hosts.clone()),
        dns: some_unless_empty(service.dns.clone()),
        dns_search: some_unless_empty(service.dns_search.clone()),
        dns_options: some_unless_empty(service.dns_opt.clone()),
        sysctls: some_map(service.sysctls.clone().into_iter().collect()),
        ulimits: some_unless_empty(service.ulimits.iter().map(ulimit).collect()),
        pid_mode: sharing::mode(stack, service.namespaces.pid.as_ref()),
        ipc_mode: sharing::mode(stack, service.namespaces.ipc.as_ref()),
        uts_mode: service.namespaces.uts.clone(),
        userns_mode: service.namespaces.userns_mode.clone(),
        cgroupns_mode: service.namespaces.cgroup.as_deref().and_then(|mode| mode.parse().ok()),
        volumes_from: some_unless_empty(sharing::volumes_from(stack, service)),
        links: some_unless_empty(links),
        annotations: some_map(sorted(&service.annotations)),
        group_add: some_unless_empty(service.group_add.clone()),
        security_opt: some_unless_empty(service.security_opt.clone()),
        masked_paths: service.masked_paths.clone(),
        readonly_paths: service.readonly_paths.clone(),
        device_cgroup_rules: some_unless_empty(service.device_cgroup_rules.clone()),
        storage_opt: some_map(sorted(&service.storage_opt)),
        runtime: service.runtime.clone(),
        cgroup_parent: Some(names::service_slice(&stack.name, &service.name).into()),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        log_config: Some(log_buffer()),
        ..resources::resources(&service.resources)
    }
}

/// The journal is the log; the engine keeps just enough for wharf-run to go on where it left off. A container is held back once
/// it is 1.2 MB ahead, which is 34 MB in the engine's log if its lines are empty: less than one file has.
fn log_buffer() -> HostConfigLogConfig {
    let options = [("max-size", "40m"), ("max-file", "2"), ("compress", "false")];
    HostConfigLogConfig {
        typ: Some("local".to_owned()),
        config: Some(options.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()),
    }
}

/// `80/tcp`
fn port_key(port: u16, protocol: Protocol) -> String {
    let protocol = match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    format!("{port}/{protocol}")
}

/// Published and exposed ones, each once.
fn exposed_ports(service: &Service) -> Vec<String> {
    let published = service.ports.iter().map(|port| (port.target, port.protocol));
    let exposed =
        service.expose.iter().flat_map(|(first, last, protocol)| (*first..=*last).map(|port| (port, *protocol)));
    let ports: BTreeSet<(u16, Protocol)> = published.chain(exposed).collect();
    ports.into_iter().map(|(port, protocol)| port_key(port, protocol)).collect()
}

fn port_bindings(service: &Service) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in &service.ports {
        let host_port = match port.published {
            Published::Ephemeral => None,
            Published::One(number) => Some(number.to_string()),
            Published::Range(first, last) => Some(format!("{first}-{last}")),
        };
        let binding = PortBinding { host_ip: port.host_ip.map(|ip| ip.to_string()), host_port };
        bindings.entry(port_key(port.target, port.protocol)).or_default().get_or_insert_default().push(binding);
    }
    bindings
}

fn healthcheck(check: &Healthcheck) -> HealthConfig {
    let test = match &check.test {
        HealthTest::Inherit => None,
        HealthTest::Disabled => Some(vec!["NONE".to_owned()]),
        HealthTest::Run(words) => Some(words.clone()),
    };
    HealthConfig {
        test,
        interval: check.interval.map(nanoseconds),
        timeout: check.timeout.map(nanoseconds),
        retries: check.retries.map(i64::from),
        start_period: check.start_period.map(nanoseconds),
        start_interval: check.start_interval.map(nanoseconds),
    }
}

fn device(device: &stack::Device) -> DeviceMapping {
    DeviceMapping {
        path_on_host: Some(device.host.clone()),
        path_in_container: Some(device.container.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    }
}

fn ulimit((name, limit): (&String, &stack::Ulimit)) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.clone()), soft: Some(limit.soft), hard: Some(limit.hard) }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn sorted(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.clone().into_iter().collect()
}

pub fn some_unless_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

pub fn some_map<K, V>(map: HashMap<K, V>) -> Option<HashMap<K, V>> {
    (!map.is_empty()).then_some(map)
}
