//! A service's `networks`: which networks it joins, and how.
//!
//! Source: Compose Specification, services, networks.

use std::collections::BTreeMap;

use crate::diagnostic::Place;
use crate::stack::fields::maps::options;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::addresses::{address, interface, ipv4, ipv6, mac_address};
use crate::stack::keys;
use crate::stack::model::Attachment;
use crate::stack::problem::{Expected, Shape, SharingConflict};
use crate::stack::text::node::Value;

/// The network that a service joins when it names none.
pub const DEFAULT: &str = "default";

/// The engine's option for the interface's name in the container (Docker Engine 28.1).
const INTERFACE_NAME: &str = "com.docker.network.endpoint.ifname";

/// A network's key as a service names it, and where.
pub struct Joined {
    pub attachments: BTreeMap<String, Box<Attachment>>,
    pub places: BTreeMap<String, Place>,
}

/// Reads `networks`, in list and table form; without it, or with an empty one, the `default` network.
///
/// With `network_mode` a service joins none.
pub fn read(service: &mut Fields<'_>, has_mode: bool) -> Joined {
    let mut joined = Joined { attachments: BTreeMap::new(), places: BTreeMap::new() };
    if let Some(item) = service.get("networks") {
        match &item.node.value {
            Value::Array(_) => list(item, &mut joined),
            Value::Table(_) => {
                for item in item.entries() {
                    let owner = format!("network `{}` of {}", item.key, service.owner);
                    let attachment = attachment(item, owner).unwrap_or_default();
                    joined.attachments.insert(item.key.to_owned(), Box::new(attachment));
                    joined.places.insert(item.key.to_owned(), item.key_place.clone());
                }
            }
            _ => item.wrong_type(Expected::ListOrTable),
        }
    }
    if has_mode && !joined.attachments.is_empty() {
        service.add("network_mode", SharingConflict::NetworksAndMode);
    } else if !has_mode && joined.attachments.is_empty() {
        joined.attachments.insert(DEFAULT.to_owned(), Box::default());
    }
    joined
}

fn list(item: Item<'_>, joined: &mut Joined) {
    for text in item.string_list().unwrap_or_default() {
        if joined.attachments.insert(text.text.to_owned(), Box::default()).is_some() {
            let what = format!("`{}`", text.text);
            text.item.add(Shape::Twice { key: "networks".to_owned(), what });
        }
        joined.places.insert(text.text.to_owned(), text.item.place().clone());
    }
}

fn attachment(item: Item<'_>, owner: String) -> Option<Attachment> {
    let mut fields = item.fields(&keys::ATTACHMENT, owner)?;
    let mut attachment = Attachment {
        aliases: fields.texts("aliases"),
        ipv4_address: fields.parse("ipv4_address", ipv4),
        ipv6_address: fields.parse("ipv6_address", ipv6),
        link_local_ips: fields.parse_strings("link_local_ips", address),
        mac_address: fields.parse("mac_address", mac_address),
        driver_opts: options(&mut fields, "driver_opts"),
        priority: fields.get("priority").and_then(|item| item.integer(i64::MIN)).unwrap_or(0),
        gw_priority: fields.get("gw_priority").and_then(|item| item.integer(i64::MIN)),
    };
    if let Some(name) = fields.parse("interface_name", interface) {
        attachment.driver_opts.entry(INTERFACE_NAME.to_owned()).or_insert(name);
    }
    fields.finish();
    Some(attachment)
}
