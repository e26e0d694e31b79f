//! `[Network]` → a network.

use super::rules::Rule::{Boolean, By, No, Nothing, Pairs, Text};
use super::rules::{Rule, Translation, table_of};
use super::unit::Line;
use crate::stack::text::node::Value;

#[rustfmt::skip]
const RULES: &[(&str, Rule)] = &[
    ("ContainersConfModule", No("containers.conf is Podman's", "remove it")),
    ("DNS", No("the Docker Engine asks the host's resolvers", "use `dns` of the services")),
    ("DisableDNS", By(disable_dns)),
    ("Driver", Text("driver")),
    ("Gateway", Nothing),
    ("GlobalArgs", No("it is an option of podman's command line", "use the key for it: see the manual's page keys")),
    ("IPAMDriver", By(ipam_driver)),
    ("IPRange", Nothing),
    ("IPv6", Boolean("enable_ipv6")),
    ("InterfaceName", By(interface)),
    ("Internal", Boolean("internal")),
    ("Label", Pairs("labels")),
    ("NetworkDeleteOnStop", Nothing),
    ("NetworkName", Text("name")),
    ("Options", By(options)),
    ("PodmanArgs", No("it is an option of podman's command line", "use the key for it: see the manual's page keys")),
    ("ServiceName", No("a unit is named after its project and network", "name the network in the stack file as you want it")),
    ("Subnet", By(subnet)),
];

pub fn translate(translation: &mut Translation<'_>) {
    translation.apply(RULES);
    let unit = translation.unit;
    // The first gateway and range are of the first subnet, and so on.
    for key in ["Gateway", "IPRange"] {
        for line in unit.own(key).into_iter().skip(unit.own("Subnet").len()) {
            translation.lose(line, "there is no subnet for it", "add `subnet` to the entry of `ipam.config`");
        }
    }
}

fn subnet(translation: &mut Translation<'_>, line: &Line) {
    let unit = translation.unit;
    let subnets = unit.own("Subnet");
    let index = subnets.iter().position(|subnet| subnet.place == line.place).unwrap_or(0);
    let mut entries = vec![("subnet", Value::String(line.value.clone()))];
    for (key, name) in [("Gateway", "gateway"), ("IPRange", "ip_range")] {
        entries.extend(unit.own(key).get(index).map(|line| (name, Value::String(line.value.clone()))));
    }
    translation.push_value(&["ipam", "config"], table_of(&line.place, entries), &line.place);
}

fn disable_dns(translation: &mut Translation<'_>, line: &Line) {
    if translation.boolean(line) == Some(true) {
        translation.lose(line, "the Docker Engine always resolves the names of a network", "remove it");
    }
}

fn ipam_driver(translation: &mut Translation<'_>, line: &Line) {
    match line.value.as_str() {
        "host-local" => {}
        _ => translation.lose(
            line,
            "it is a driver of Podman's",
            "remove it, or name one of the engine's in `ipam.driver`",
        ),
    }
}

/// The name of the bridge on the host.
fn interface(translation: &mut Translation<'_>, line: &Line) {
    if let Some(name) = translation.text(line, &line.value) {
        option(translation, line, ("com.docker.network.bridge.name", &name));
    }
}

/// `KEY=VALUE[,KEY=VALUE]`
fn options(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, &line.value) else { return };
    for (key, value) in text.split(',').map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
        match key.trim() {
            "isolate" => translation.lose(line, "the engine isolates its networks from each other", "remove it"),
            "mtu" => option(translation, line, ("com.docker.network.driver.mtu", value)),
            key => option(translation, line, (key, value)),
        }
    }
}

/// The names of options have dots.
fn option(translation: &mut Translation<'_>, line: &Line, (key, value): (&str, &str)) {
    translation.set(&["driver_opts", key], Value::String(value.to_owned()), &line.place);
}
