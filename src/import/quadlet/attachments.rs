//! The networks that a container joins, and its addresses in them → keys of a service.

use super::entry;
use super::rules::{REMOVE, Translation, string, table_of};
use super::unit::Line;
use crate::stack::text::node::Value;

/// `MODE`, or a network with its options: `NAME[.network][:ip=…,alias=…]`.
pub fn network(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let (name, options) = text.split_once(':').unwrap_or((&text, ""));
    if let Some(container) = name.strip_suffix(".container") {
        return translation.set(&["network_mode"], string(format!("service:{container}")), &line.place);
    }
    match name {
        "bridge" | "private" => {}
        "host" | "none" | "container" => translation.set(&["network_mode"], string(&text), &line.place),
        "slirp4netns" | "pasta" | "ns" => {
            translation.lose(line, "it is a mode of Podman's alone", "remove it: a service joins the stack's network");
        }
        _ => {
            let key = name.strip_suffix(".network").unwrap_or(name);
            translation.set(&["networks", key], table_of(&line.place, []), &line.place);
            if key == name {
                translation.declare("networks", key, vec![entry("external", Value::Bool(true), &line.place)]);
            }
            for (option, value) in options.split(',').filter_map(|option| option.split_once('=')) {
                attach(translation, line, key, (option, value));
            }
        }
    }
}

fn attach(translation: &mut Translation<'_>, line: &Line, network: &str, (option, value): (&str, &str)) {
    match option {
        "ip" | "ip6" if value.contains(':') => {
            translation.set(&["networks", network, "ipv6_address"], string(value), &line.place)
        }
        "ip" => translation.set(&["networks", network, "ipv4_address"], string(value), &line.place),
        "mac" => translation.set(&["networks", network, "mac_address"], string(value), &line.place),
        "interface_name" => translation.set(&["networks", network, "interface_name"], string(value), &line.place),
        "alias" => translation.push(&["networks", network, "aliases"], value.to_owned(), &line.place),
        _ => {
            let because = format!("the option `{option}` of a network has no equivalent");
            translation.lose(line, &because, REMOVE);
        }
    }
}

/// `IP=`, `IP6=` and `NetworkAlias=` are of the one network that the container joins.
pub fn addresses(translation: &mut Translation<'_>) {
    let unit = translation.unit;
    let joined = unit.own("Network").iter().find_map(|line| {
        let name = line.value.split(':').next().unwrap_or("");
        let is_mode = ["bridge", "private"].contains(&name);
        (!is_mode).then(|| name.strip_suffix(".network").unwrap_or(name).to_owned())
    });
    let network = joined.as_deref().unwrap_or("default");
    for (key, option) in [("IP", "ip"), ("IP6", "ip6"), ("NetworkAlias", "alias")] {
        for line in unit.own(key) {
            if let Some(value) = translation.text(line, line.unquoted()) {
                attach(translation, line, network, (option, &value));
            }
        }
    }
}
