//! One service: every key of it, read by the file of the key's family.
//!
//! Source: Compose Specification, services.

use std::collections::BTreeMap;

use super::decode::{Fields, Item, Unsupported, accept};
use super::model::Service;
use super::node::{Entry, Value};
use super::problem::{CommandFault, Expected, FileKind, Invalid, Report};
use super::surroundings::Surroundings;
use super::systemd::{self, SERVICE_SECTIONS};
use super::{
    amounts, attachments, attachments::address, choice, depends_on, environment, healthcheck, hosts, image, labels,
    limits, mounts, names, ports, privileges, secrets, signals, words,
};
use crate::diagnostic::Place;

/// A service, and what is needed to check it against the others but is no part of it.
pub struct Decoded {
    pub service: Service,
    /// Where each network is named.
    pub network_places: BTreeMap<String, Place>,
    /// Where `container_name` and `ready` stand.
    pub container_name_place: Option<Place>,
    pub ready_place: Option<Place>,
    /// Said, and wrong: then nothing is missing.
    pub has_image_key: bool,
}

/// Reads one entry of `services`; `ports_left` is how many ports the stack may still publish.
pub fn read(
    entry: &Entry,
    surroundings: &Surroundings<'_>,
    ports_left: &mut usize,
    report: &mut Report,
) -> Option<Decoded> {
    let name = accept(names::key(&entry.key), &entry.key_place, report);
    let item = Item { key: &entry.key, node: &entry.node };
    let mut all_fields = item.fields(format!("service `{}`", entry.key), report)?;
    let fields = &mut all_fields;
    let image_item = fields.get("image");
    let joined = attachments::read(fields, report);
    let container_name = fields.get("container_name");
    let ready = fields.get("ready");
    let service = Service {
        name: entry.key.clone(),
        place: entry.key_place.clone(),
        image: image_item.and_then(|item| item.parse(Expected::String, report, image::reference)).unwrap_or_default(),
        command: command("command", fields, report),
        entrypoint: command("entrypoint", fields, report),
        environment: environment::read(fields, surroundings, report),
        ports: ports::read(fields, ports_left, report),
        mounts: mounts::read(fields, surroundings, report),
        secrets: secrets::granted(FileKind::Secret, fields, report),
        configs: secrets::granted(FileKind::Config, fields, report),
        networks: joined.attachments,
        depends_on: depends_on::read(fields, report),
        healthcheck: healthcheck::read(fields, report),
        restart: fields.get("restart").and_then(|item| item.parse(Expected::RestartPolicy, report, choice::restart)),
        ready: ready.and_then(|item| item.parse(Expected::String, report, choice::ready)),
        labels: labels::read(fields, report),
        hostname: fields.parse("hostname", report, names::hostname),
        domainname: fields.parse("domainname", report, names::hostname),
        user: user(fields, report),
        working_dir: fields.parse("working_dir", report, |text| absolute("working_dir", text)),
        init: fields.boolean("init", report),
        stop_signal: scalar(fields, "stop_signal", report, signals::signal),
        stop_grace_period: fields
            .get("stop_grace_period")
            .and_then(|item| item.parse(Expected::Duration, report, amounts::duration)),
        container_name: container_name
            .and_then(|item| item.parse(Expected::String, report, |text| names::engine("container", text))),
        cap_add: fields.parse_strings("cap_add", report, privileges::capability),
        cap_drop: fields.parse_strings("cap_drop", report, privileges::capability),
        privileged: fields.boolean("privileged", report).unwrap_or(false),
        read_only: fields.boolean("read_only", report).unwrap_or(false),
        tty: fields.boolean("tty", report).unwrap_or(false),
        stdin_open: fields.boolean("stdin_open", report).unwrap_or(false),
        devices: privileges::devices(fields, report),
        extra_hosts: hosts::extra_hosts(fields, report),
        dns: fields.parse_strings("dns", report, address),
        dns_search: fields.parse_strings("dns_search", report, |text| Ok(text.to_owned())),
        dns_opt: fields.parse_strings("dns_opt", report, |text| Ok(text.to_owned())),
        sysctls: labels::sysctls(fields, report),
        ulimits: limits::ulimits(fields, report),
        mem_limit: limits::mem_limit(fields, report),
        cpus: limits::cpus(fields, report),
        pids_limit: limits::pids_limit(fields, report),
        pull_policy: fields.parse("pull_policy", report, choice::pull_policy),
        systemd: systemd::read(fields, SERVICE_SECTIONS, report),
    };
    all_fields.finish(UNSUPPORTED, report);
    name?;
    Some(Decoded {
        service,
        network_places: joined.places,
        container_name_place: container_name.map(|item| item.place().clone()),
        ready_place: ready.map(|item| item.place().clone()),
        has_image_key: image_item.is_some(),
    })
}

/// `command` and `entrypoint`: a line that is split into words, or the words.
fn command(key: &'static str, fields: &mut Fields<'_>, report: &mut Report) -> Option<Vec<String>> {
    let item = fields.get(key)?;
    let words = match &item.node.value {
        Value::String(line) => accept(words::split(line), item.place(), report)?,
        _ => item.strings(report)?.iter().map(|text| text.text.to_owned()).collect(),
    };
    if words.iter().any(|word| word.contains('\0')) {
        report.add(item.place(), Invalid::Command(CommandFault::NulByte));
    }
    Some(words)
}

/// A string or a number, for keys whose values are often numbers.
fn scalar(
    fields: &mut Fields<'_>,
    key: &'static str,
    report: &mut Report,
    parser: impl FnOnce(&str) -> Result<String, Invalid>,
) -> Option<String> {
    let item = fields.get(key)?;
    let text = match &item.node.value {
        Value::Integer(number) => number.to_string(),
        _ => item.string(report)?,
    };
    accept(parser(&text), item.place(), report)
}

fn user(fields: &mut Fields<'_>, report: &mut Report) -> Option<String> {
    scalar(fields, "user", report, names::user)
}

fn absolute(key: &'static str, text: &str) -> Result<String, Invalid> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err(Invalid::AbsolutePath { key, value: text.to_owned() }) }
}

/// Keys of the Compose Specification that a service cannot have yet, and what to do instead.
const UNSUPPORTED: &[Unsupported] = &[
    ("annotations", Some("use `labels`")),
    ("attach", None),
    ("blkio_config", Some("set `[services.NAME.systemd.Slice]` directives as `IOWeight`")),
    ("build", Some("build the image beforehand and name it with `image`")),
    ("cgroup", None),
    ("cgroup_parent", Some("remove it: systemd's slices are the cgroups here")),
    ("cpu_count", Some("use `cpus`")),
    ("cpu_percent", Some("use `cpus`")),
    ("cpu_period", Some("use `cpus`")),
    ("cpu_quota", Some("use `cpus`")),
    ("cpu_rt_period", None),
    ("cpu_rt_runtime", None),
    ("cpu_shares", Some("set `CPUWeight` in `[services.NAME.systemd.Slice]`")),
    ("cpuset", Some("set `AllowedCPUs` in `[services.NAME.systemd.Slice]`")),
    ("credential_spec", None),
    ("deploy", Some("use `cpus`, `mem_limit`, `pids_limit` and `restart` of the service")),
    ("develop", None),
    ("device_cgroup_rules", Some("name the devices with `devices`")),
    ("expose", Some("remove it: containers of one network reach each other's ports without it")),
    ("extends", Some("write the keys out")),
    ("external_links", Some("join the other container's network, declared with `external = true`")),
    ("gpus", None),
    ("group_add", None),
    ("ipc", None),
    ("isolation", None),
    ("label_file", Some("use `labels`")),
    ("links", Some("remove it: services of one network find each other by name; use `depends_on` for the order")),
    ("logging", Some("remove it: the container's output goes to the journal")),
    ("mac_address", Some("set `mac_address` of the network in the service's `networks`")),
    ("mem_reservation", Some("set `MemoryLow` in `[services.NAME.systemd.Slice]`")),
    ("mem_swappiness", None),
    ("memswap_limit", Some("set `MemorySwapMax` in `[services.NAME.systemd.Slice]`")),
    ("models", None),
    ("network_mode", None),
    ("oom_kill_disable", None),
    ("oom_score_adj", None),
    ("pid", None),
    ("platform", None),
    ("post_start", None),
    ("pre_start", None),
    ("pre_stop", None),
    ("profiles", Some("put the service into a stack file of its own")),
    ("provider", None),
    ("pull_refresh_after", None),
    ("runtime", None),
    ("scale", None),
    ("security_opt", None),
    ("shm_size", Some("mount a tmpfs of that size on /dev/shm")),
    ("storage_opt", None),
    ("use_api_socket", Some("mount the engine's socket with `volumes`")),
    ("userns_mode", None),
    ("uts", None),
    ("volumes_from", Some("name the volumes in both services")),
];
