//! One service: every key of it, read by the file of the key's family.
//!
//! Source: Compose Specification, services.

use super::keys;
use std::collections::BTreeMap;

use super::decode::{Fields, Item, accept};
use super::model::Service;
use super::node::{Entry, Value};
use super::problem::{CommandFault, Expected, Invalid, Report};
use super::surroundings::Surroundings;
use super::systemd::{self, SERVICE_SECTIONS};
use super::{
    amounts, attachments, attachments::address, choice, depends_on, environment, healthcheck, hosts, image, labels,
    limits, mounts, names, ports, privileges, signals, words,
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
    let mut all_fields = item.fields(&keys::SERVICE, format!("service `{}`", entry.key), report)?;
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
    all_fields.finish(report);
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
