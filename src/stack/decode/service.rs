//! One service: every key of it, read by the file of the key's family.
//!
//! Source: Compose Specification, services.

use std::collections::BTreeMap;

use super::attachments;
use super::build;
use super::depends_on;
use super::deploy;
use super::devices;
use super::environment;
use super::healthcheck;
use super::hooks;
use super::hosts;
use super::labels;
use super::limits;
use super::links;
use super::mounts;
use super::namespaces;
use super::ports::{self, PortsLeft};
use super::profiles::Membership;
use super::pull_policy;
use super::reload;
use super::resources;
use super::schedule;
use super::secrets;
use super::security;
use super::stand_in;
use super::systemd::{self, SCHEDULED_SECTIONS, SERVICE_SECTIONS};
use super::update_hook;
use crate::diagnostic::Place;
use crate::name::ImageRef;
use crate::spec::OutputPart;
use crate::stack::fields::commands::{command, scalar, user};
use crate::stack::fields::maps;
use crate::stack::fields::quantities::duration;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::addresses::{address, mac_address};
use crate::stack::grammar::choice;
use crate::stack::grammar::image;
use crate::stack::grammar::kernel::capability;
use crate::stack::grammar::names;
use crate::stack::grammar::paths::absolute;
use crate::stack::grammar::security::platform;
use crate::stack::grammar::signals;
use crate::stack::keys;
use crate::stack::model::{Condition, Dependency, DeviceRequest, MountsOwner, Service};
use crate::stack::problem::{BuildFault, Expected, FileKind, Invalid, LimitConflict, Shape};
use crate::stack::text::surroundings::Surroundings;

/// What is needed to check a service against the others but is no part of it.
pub struct Written {
    /// Where each network is named.
    pub network_places: BTreeMap<String, Place>,
    /// Where `container_name` and `ready` stand.
    pub container_name_place: Option<Place>,
    pub ready_place: Option<Place>,
    /// `image` or `build` is written; a wrong one is not reported as missing, too.
    pub has_image_key: bool,
}

/// What reading a service depends on besides the service itself.
pub struct Context<'a> {
    pub membership: &'a Membership,
    pub surroundings: &'a Surroundings<'a>,
    /// How many ports the stack may still publish.
    pub ports: &'a mut PortsLeft,
}

/// Reads one entry of `services`.
pub fn read(item: Item<'_>, context: &mut Context<'_>) -> Option<(Box<Service>, Written)> {
    let name = item.report.accept(item.key_place, names::service(item.key));
    let mut fields = item.fields(&keys::SERVICE, format!("service `{}`", item.key))?;
    let known_name = name.clone().unwrap_or_else(stand_in::service);
    let mut service = Box::new(Service::new(known_name, item.key_place.clone(), stand_in::image()));
    image(&mut fields, context.surroundings, &mut service);
    process(&mut fields, context, &mut service);
    let network_places = network(&mut fields, context.ports, &mut service);
    files(&mut fields, context.surroundings, &mut service);
    privileges(&mut fields, context.surroundings, &mut service);
    deployment(&mut fields, &mut service);
    supervision(&mut fields, context.surroundings, &mut service);
    output(&mut fields);
    add_implicit_dependencies(&mut service);
    // Have been read before: the one when the files were put together, the other to know whether the service is there.
    fields.skip(&["extends", "profiles"]);
    let place_of = |key| fields.peek(key).map(|item: Item<'_>| item.place().clone());
    let written = Written {
        network_places,
        container_name_place: place_of("container_name"),
        ready_place: place_of("ready"),
        has_image_key: fields.has("image") || fields.has("build"),
    };
    fields.finish();
    name.map(|_| (service, written))
}

/// What the container is made from.
fn image(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, service: &mut Service) {
    service.build = build::read(fields, surroundings).map(Box::new);
    if let Some(image) = image_name(fields, surroundings, service) {
        service.image = image;
    }
    service.pull_policy = pull_policy::read(service.build.as_deref(), fields);
    service.platform = fields.parse("platform", platform);
    service.runtime = fields.string("runtime");
    if fields.string("isolation").is_some_and(|isolation| isolation != "default") {
        fields.refuse("isolation", "it is for Windows", "remove it");
    }
}

/// What runs in the container, and what it is called.
fn process(fields: &mut Fields<'_>, context: &Context<'_>, service: &mut Service) {
    let Context { membership, surroundings, .. } = context;
    service.command = command("command", fields);
    service.entrypoint = command("entrypoint", fields);
    service.environment = environment::read(fields, membership, surroundings);
    service.user = user(fields);
    service.working_dir = fields.parse("working_dir", |text| absolute("working_dir", text));
    service.init = fields.boolean("init");
    service.tty = fields.is_on("tty");
    service.stdin_open = fields.is_on("stdin_open");
    service.container_name = fields.parse("container_name", |text| names::engine("container", text));
    service.labels = labels::of_service(fields, membership, surroundings);
    service.annotations = maps::pairs(fields, "annotations");
}

/// Networks, ports and names of hosts. Out: where each network is named.
fn network(fields: &mut Fields<'_>, ports_left: &mut PortsLeft, service: &mut Service) -> BTreeMap<String, Place> {
    service.namespaces = namespaces::read(fields);
    let joined = attachments::read(fields, service.namespaces.network_mode.is_some());
    service.networks = joined.attachments;
    service.ports = ports::read(fields, ports_left);
    service.expose = ports::expose(fields, ports_left);
    service.links = links::links(fields);
    service.external_links = links::external_links(fields);
    service.hostname = fields.parse("hostname", names::hostname);
    service.domainname = fields.parse("domainname", names::hostname);
    service.mac_address = fields.parse("mac_address", mac_address);
    service.extra_hosts = hosts::extra_hosts(fields);
    service.dns = fields.parse_strings("dns", address);
    service.dns_search = fields.texts("dns_search");
    service.dns_opt = fields.texts("dns_opt");
    joined.places
}

/// What is mounted into the container.
fn files(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, service: &mut Service) {
    service.mounts = mounts::read(fields, surroundings);
    service.secrets = secrets::granted(FileKind::Secret, fields);
    service.configs = secrets::granted(FileKind::Config, fields);
    service.volumes_from = links::volumes_from(fields);
    service.read_only = fields.is_on("read_only");
    service.storage_opt = maps::options(fields, "storage_opt");
}

/// What the container may do to the host.
fn privileges(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, service: &mut Service) {
    let security = security::options(fields, surroundings);
    service.security_opt = security.options;
    service.masked_paths = security::system_paths("masked_paths", fields, security.unconfined_paths);
    service.readonly_paths = security::system_paths("readonly_paths", fields, security.unconfined_paths);
    service.privileged = fields.is_on("privileged");
    service.cap_add = fields.parse_strings("cap_add", capability);
    service.cap_drop = fields.parse_strings("cap_drop", capability);
    service.group_add = security::groups(fields);
    service.device_cgroup_rules = security::device_cgroup_rules(fields);
    service.sysctls = labels::sysctls(fields);
    service.ulimits = limits::ulimits(fields);
}

/// How many containers, with which resources and devices, restarted how.
fn deployment(fields: &mut Fields<'_>, service: &mut Service) {
    let deploy = deploy::read(fields);
    service.replicas = replicas(fields, deploy.replicas);
    let restart = fields.get("restart").and_then(|item| item.parse(Expected::RestartPolicy, choice::restart));
    service.restart = deploy.restart.or(restart);
    service.restart_tuning = deploy.restart_tuning;
    service.update_config = deploy.update_config;
    service.rollback_config = deploy.rollback_config;
    service.resources = resources::read(fields, deploy.resources);
    let devices = devices::read(fields);
    service.devices = devices.nodes;
    if !devices.cdi.is_empty() {
        let request = DeviceRequest { driver: Some("cdi".to_owned()), device_ids: devices.cdi, ..Default::default() };
        service.resources.device_requests.insert(0, request);
    }
}

/// When the unit starts, is ready, reloads and stops.
fn supervision(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, service: &mut Service) {
    service.depends_on = depends_on::read(fields);
    service.healthcheck = healthcheck::read(fields);
    service.ready = fields.parse("ready", choice::ready);
    service.on_unhealthy = fields.parse("on_unhealthy", choice::on_unhealthy).unwrap_or_default();
    service.output = levels(fields);
    service.stop_signal = scalar(fields, "stop_signal", signals::signal);
    service.stop_grace_period = fields.get("stop_grace_period").and_then(duration);
    service.post_start = hooks::read(fields, "post_start", surroundings);
    service.pre_stop = hooks::read(fields, "pre_stop", surroundings);
    service.reload = reload::read(fields);
    service.schedule = schedule::read(fields);
    service.update_hooks = update_hook::read(fields);
    let sections = if service.schedule.is_some() { SCHEDULED_SECTIONS } else { SERVICE_SECTIONS };
    service.systemd = systemd::read(fields, sections);
}

/// Of what the container prints.
fn levels(fields: &mut Fields<'_>) -> OutputPart {
    let default = OutputPart::default();
    let mut level = |key, default| fields.parse(key, |text| choice::level(key, text)).unwrap_or(default);
    OutputPart {
        stdout_level: level("stdout_level", default.stdout_level),
        stderr_level: level("stderr_level", default.stderr_level),
        level_prefix: fields.is_on("level_prefix"),
    }
}

/// `image`, else the name that Compose gives to what it builds.
fn image_name(fields: &mut Fields<'_>, surroundings: &Surroundings<'_>, service: &Service) -> Option<ImageRef> {
    if let Some(item) = fields.get("image") {
        return item.parse(Expected::String, image::reference);
    }
    let build = service.build.as_ref()?;
    let image = format!("{}-{}", surroundings.project, service.name.to_lowercase());
    let reference = image::reference(&image);
    if reference.is_err() && !surroundings.project.is_empty() {
        fields.report.add(&build.place, Invalid::Build(BuildFault::ImageName { image }));
    }
    reference.ok()
}

/// `scale`, or `replicas` of `deploy`; both say the same.
fn replicas(fields: &mut Fields<'_>, of_deploy: Option<u32>) -> Option<u32> {
    let scale = deploy::replicas(fields, "scale");
    if scale.zip(of_deploy).is_some_and(|(scale, replicas)| scale != replicas) {
        fields.add("scale", LimitConflict::DeployDiffers { key: "scale" });
    }
    scale.or(of_deploy)
}

/// `attach` and `logging`: the output goes to the journal, and nowhere else.
fn output(fields: &mut Fields<'_>) {
    const BECAUSE: &str = "all output goes to the journal";
    const JOURNAL: &str = "all output goes to the journal, whose size and age journald.conf(5) bounds";
    if fields.boolean("attach") == Some(false) {
        let instead = "remove it; to keep the output out of the journal, set `LogLevelMax = \"warning\"` in \
                       `[services.NAME.systemd.Service]`";
        fields.refuse("attach", BECAUSE, instead);
    }
    let Some(mut logging) = fields.table("logging", &keys::LOGGING) else { return };
    match logging.string("driver").as_deref() {
        Some("journald") => logging.finish(),
        // Their options bound the log's size, which for the journal journald.conf(5) does.
        None | Some("json-file" | "local") => {
            fields.add("logging", Shape::Ignored { key: "logging".to_owned(), reason: JOURNAL })
        }
        Some(_) => fields.refuse("logging", BECAUSE, "remove it: journald.conf(5) bounds the journal's size and age"),
    }
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
