//! A service's `networks`: which networks it joins, and how.
//!
//! Source: Compose Specification, services, networks.

use std::collections::BTreeMap;

use super::maps::options;
use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::addresses::{address, interface, ipv4, ipv6, mac_address};
use crate::stack::keys;
use crate::stack::model::Attachment;
use crate::stack::problem::{Across, Expected, Report, Shape};
use crate::stack::text::node::Value;

/// The network that a service joins when it names none.
pub const DEFAULT: &str = "default";

/// The engine's option for the interface's name in the container (Docker Engine 28.1).
const INTERFACE_NAME: &str = "com.docker.network.endpoint.ifname";

/// A network's key as a service names it, and where.
pub struct Joined {
    pub attachments: BTreeMap<String, Attachment>,
    pub places: BTreeMap<String, Place>,
}

/// Reads `networks`, in list and table form; without it, or with an empty one, the `default` network.
///
/// With `network_mode` a service joins none.
pub fn read(service: &mut Fields<'_>, has_mode: bool, report: &mut Report) -> Joined {
    let mut joined = Joined { attachments: BTreeMap::new(), places: BTreeMap::new() };
    if let Some(item) = service.get("networks") {
        match &item.node.value {
            Value::Array(_) => list(item, &mut joined, report),
            Value::Table(table) => {
                for entry in &table.entries {
                    let item = Item { key: &entry.key, node: &entry.node };
                    let owner = format!("network `{}` of {}", entry.key, service.owner);
                    let attachment = attachment(item, owner, report).unwrap_or_default();
                    joined.attachments.insert(entry.key.clone(), attachment);
                    joined.places.insert(entry.key.clone(), entry.key_place.clone());
                }
            }
            _ => item.wrong_type(Expected::ListOrTable, report),
        }
    }
    if has_mode && !joined.attachments.is_empty() {
        report.add(&service.place_of("network_mode"), Across::NetworksAndMode);
    } else if !has_mode && joined.attachments.is_empty() {
        joined.attachments.insert(DEFAULT.to_owned(), Attachment::default());
    }
    joined
}

fn list(item: Item<'_>, joined: &mut Joined, report: &mut Report) {
    for text in item.string_list(report).unwrap_or_default() {
        if joined.attachments.insert(text.text.to_owned(), Attachment::default()).is_some() {
            let what = format!("`{}`", text.text);
            report.add(&text.node.place, Shape::Twice { key: "networks".to_owned(), what });
        }
        joined.places.insert(text.text.to_owned(), text.node.place.clone());
    }
}

fn attachment(item: Item<'_>, owner: String, report: &mut Report) -> Option<Attachment> {
    let mut fields = item.fields(&keys::ATTACHMENT, owner, report)?;
    let mut attachment = Attachment {
        aliases: fields.parse_strings("aliases", report, |text| Ok(text.to_owned())),
        ipv4_address: fields.parse("ipv4_address", report, ipv4),
        ipv6_address: fields.parse("ipv6_address", report, ipv6),
        link_local_ips: fields.parse_strings("link_local_ips", report, address),
        mac_address: fields.parse("mac_address", report, mac_address),
        driver_opts: options(&mut fields, "driver_opts", report),
        priority: fields.get("priority").and_then(|item| item.integer(i64::MIN, report)).unwrap_or(0),
        gw_priority: fields.get("gw_priority").and_then(|item| item.integer(i64::MIN, report)),
    };
    if let Some(name) = fields.parse("interface_name", report, interface) {
        attachment.driver_opts.entry(INTERFACE_NAME.to_owned()).or_insert(name);
    }
    fields.finish(report);
    Some(attachment)
}
