//! One service: every key of it, read by the file of the key's family.
//!
//! Source: Compose Specification, services.

use std::collections::BTreeMap;

use super::attachments;
use super::build;
use super::commands::{command, scalar, user};
use super::depends_on;
use super::deploy;
use super::environment;
use super::healthcheck;
use super::hooks;
use super::hosts;
use super::labels;
use super::limits;
use super::links;
use super::maps;
use super::mounts;
use super::namespaces;
use super::ports;
use super::privileges;
use super::profiles::Membership;
use super::pull_policy;
use super::reload;
use super::resources;
use super::schedule;
use super::secrets;
use super::security;
use super::systemd::{self, SCHEDULED_SECTIONS, SERVICE_SECTIONS};
use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::addresses::{address, mac_address};
use crate::stack::grammar::amounts;
use crate::stack::grammar::choice;
use crate::stack::grammar::image;
use crate::stack::grammar::kernel::capability;
use crate::stack::grammar::names;
use crate::stack::grammar::paths::absolute;
use crate::stack::grammar::security::platform;
use crate::stack::grammar::signals;
use crate::stack::keys;
use crate::stack::model::{Build, Condition, Dependency, DeviceRequest, MountsOwner, Service};
use crate::stack::problem::{Across, BuildFault, Expected, FileKind, Invalid, Report, Shape};
use crate::stack::text::node::Entry;
use crate::stack::text::surroundings::Surroundings;

/// A service, and what is needed to check it against the others but is no part of it.
pub struct Decoded {
    pub service: Service,
    /// Where each network is named.
    pub network_places: BTreeMap<String, Place>,
    /// Where `container_name` and `ready` stand.
    pub container_name_place: Option<Place>,
    pub ready_place: Option<Place>,
    pub profiles: Vec<String>,
    /// `image` or `build` was said; if it is wrong, nothing is missing all the same.
    pub has_image_key: bool,
}

/// Reads one entry of `services`; `ports_left` is how many ports the stack may still publish.
pub fn read(
    entry: &Entry,
    membership: &Membership,
    surroundings: &Surroundings<'_>,
    ports_left: &mut usize,
    report: &mut Report,
) -> Option<Decoded> {
    let name = accept(names::key(&entry.key), &entry.key_place, report);
    let item = Item { key: &entry.key, node: &entry.node };
    let mut all_fields = item.fields(&keys::SERVICE, format!("service `{}`", entry.key), report)?;
    let fields = &mut all_fields;
    let image_item = fields.get("image");
    let namespaces = namespaces::read(fields, report);
    let joined = attachments::read(fields, namespaces.network_mode.is_some(), report);
    let deploy = deploy::read(fields, report);
    let replicas = replicas(fields, deploy.replicas, report);
    let restart = fields.get("restart").and_then(|item| item.parse(Expected::RestartPolicy, report, choice::restart));
    let security = security::options(fields, surroundings, report);
    output(fields, report);
    let container_name = fields.get("container_name");
    let ready = fields.get("ready");
    let build = build::read(fields, surroundings, report);
    let has_build_key = fields.has("build");
    let schedule = schedule::read(fields, report);
    let devices = privileges::devices(fields, report);
    let mut service = Service {
        name: entry.key.clone(),
        place: entry.key_place.clone(),
        image: image_name(image_item, build.as_ref(), &entry.key, surroundings, report),
        command: command("command", fields, report),
        entrypoint: command("entrypoint", fields, report),
        environment: environment::read(fields, membership, surroundings, report),
        ports: ports::read(fields, ports_left, report),
        mounts: mounts::read(fields, surroundings, report),
        secrets: secrets::granted(FileKind::Secret, fields, report),
        configs: secrets::granted(FileKind::Config, fields, report),
        networks: joined.attachments,
        depends_on: depends_on::read(fields, report),
        healthcheck: healthcheck::read(fields, report),
        restart: deploy.restart.or(restart),
        restart_tuning: deploy.restart_tuning,
        replicas,
        ready: ready.and_then(|item| item.parse(Expected::String, report, choice::ready)),
        labels: labels::of_service(fields, membership, surroundings, report),
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
        cap_add: fields.parse_strings("cap_add", report, capability),
        cap_drop: fields.parse_strings("cap_drop", report, capability),
        privileged: fields.boolean("privileged", report).unwrap_or(false),
        read_only: fields.boolean("read_only", report).unwrap_or(false),
        tty: fields.boolean("tty", report).unwrap_or(false),
        stdin_open: fields.boolean("stdin_open", report).unwrap_or(false),
        devices: devices.nodes,
        extra_hosts: hosts::extra_hosts(fields, report),
        dns: fields.parse_strings("dns", report, address),
        dns_search: fields.parse_strings("dns_search", report, |text| Ok(text.to_owned())),
        dns_opt: fields.parse_strings("dns_opt", report, |text| Ok(text.to_owned())),
        sysctls: labels::sysctls(fields, report),
        ulimits: limits::ulimits(fields, report),
        resources: resources::read(fields, deploy.resources, report),
        namespaces,
        annotations: maps::pairs(fields, "annotations", report),
        expose: ports::expose(fields, ports_left, report),
        links: links::links(fields, report),
        external_links: links::external_links(fields, report),
        volumes_from: links::volumes_from(fields, report),
        group_add: security::groups(fields, report),
        security_opt: security.options,
        unconfined_paths: security.unconfined_paths,
        device_cgroup_rules: security::device_cgroup_rules(fields, report),
        storage_opt: maps::options(fields, "storage_opt", report),
        runtime: fields.string("runtime", report),
        platform: fields.parse("platform", report, platform),
        mac_address: fields.parse("mac_address", report, mac_address),
        pull_policy: pull_policy::read(build.as_ref(), fields, report),
        post_start: hooks::read(fields, "post_start", surroundings, report),
        pre_stop: hooks::read(fields, "pre_stop", surroundings, report),
        reload: reload::read(fields, report),
        on_unhealthy: fields.parse("on_unhealthy", report, choice::on_unhealthy).unwrap_or_default(),
        build,
        systemd: systemd::read(fields, if schedule.is_some() { SCHEDULED_SECTIONS } else { SERVICE_SECTIONS }, report),
        schedule,
    };
    if !devices.cdi.is_empty() {
        let request = DeviceRequest { driver: Some("cdi".to_owned()), device_ids: devices.cdi, ..Default::default() };
        service.resources.device_requests.insert(0, request);
    }
    add_implicit_dependencies(&mut service);
    // Have been read before: the one when the files were put together, the other to know whether the service is there.
    all_fields.entry("extends");
    all_fields.entry("profiles");
    all_fields.finish(report);
    name?;
    Some(Decoded {
        service,
        network_places: joined.places,
        container_name_place: container_name.map(|item| item.place().clone()),
        ready_place: ready.map(|item| item.place().clone()),
        profiles: membership.profiles.clone(),
        has_image_key: image_item.is_some() || has_build_key,
    })
}

/// `image`, else the name that Compose gives to what it builds.
fn image_name(
    item: Option<Item<'_>>,
    build: Option<&Build>,
    service: &str,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> String {
    match (item, build) {
        (Some(item), _) => item.parse(Expected::String, report, image::reference).unwrap_or_default(),
        (None, Some(build)) => {
            let image = format!("{}-{}", surroundings.project, service.to_lowercase());
            if image::reference(&image).is_err() && !surroundings.project.is_empty() {
                report.add(&build.place, Invalid::Build(BuildFault::ImageName { image: image.clone() }));
            }
            image
        }
        (None, None) => String::new(),
    }
}

/// `scale`, or `replicas` of `deploy`; both say the same.
fn replicas(fields: &mut Fields<'_>, of_deploy: Option<u32>, report: &mut Report) -> Option<u32> {
    let scale = deploy::replicas(fields, "scale", report);
    if scale.zip(of_deploy).is_some_and(|(scale, replicas)| scale != replicas) {
        report.add(&fields.place_of("scale"), Across::DeployDiffers { key: "scale" });
    }
    scale.or(of_deploy)
}

/// `attach` and `logging`: the output goes to the journal, and nowhere else.
fn output(fields: &mut Fields<'_>, report: &mut Report) {
    let refuse = |fields: &Fields<'_>, key: &str, instead, report: &mut Report| {
        let because = "the output goes to the journal, and nowhere else";
        let problem = Shape::KeyRefused { key: key.to_owned(), owner: fields.owner.clone(), because, instead };
        report.add(&fields.place_of(key), problem);
    };
    if fields.boolean("attach", report) == Some(false) {
        let instead = "remove it; to keep the output out of the journal, set `LogLevelMax = \"notice\"` in \
                       `[services.NAME.systemd.Service]`";
        refuse(fields, "attach", instead, report);
    }
    let Some(item) = fields.get("logging") else { return };
    let Some(mut logging) = item.fields(&keys::LOGGING, format!("`logging` of {}", fields.owner), report) else {
        return;
    };
    let driver = logging.get("driver").and_then(|driver| driver.string(report));
    if driver.is_some_and(|name| name != "journald") {
        refuse(fields, "logging", "remove it: journald.conf(5) bounds the journal's size and age", report);
        return;
    }
    logging.finish(report);
}

/// What names another service cannot be there without it. Source: Compose Specification, services, links; the reference
/// implementation does the same for namespaces and volumes.
fn add_implicit_dependencies(service: &mut Service) {
    let owners = service.namespaces.owners().map(|(name, place)| (name.to_owned(), place.clone(), true));
    let mounts = service.volumes_from.iter().filter_map(|from| match &from.source {
        MountsOwner::Service(name) => Some((name.clone(), from.place.clone(), false)),
        MountsOwner::Container(_) => None,
    });
    let links = service.links.iter().map(|link| (link.service.clone(), link.place.clone(), false));
    let implied: Vec<_> = owners.chain(mounts).chain(links).collect();
    for (name, place, restart) in implied {
        let dependency = Dependency { condition: Condition::Started, required: true, restart, place };
        service.depends_on.entry(name).or_insert(dependency);
    }
}
