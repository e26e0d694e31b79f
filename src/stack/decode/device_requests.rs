//! Devices that the engine picks by what they can do: `gpus`, and `deploy.resources.reservations.devices`.
//!
//! Source: Compose Specification, services, gpus, and Compose Deploy Specification, devices; Engine API, DeviceRequest.

use super::maps::pairs;
use crate::stack::fields::{Fields, Item};
use crate::stack::keys;
use crate::stack::model::DeviceRequest;
use crate::stack::problem::{Across, ChoiceFault, Expected, Invalid, Report};
use crate::stack::text::node::Value;

/// Reads `gpus`: `"all"`, or a list of requests to which the capability `gpu` is added.
pub fn gpus(service: &mut Fields<'_>, report: &mut Report) -> Vec<DeviceRequest> {
    let Some(item) = service.get("gpus") else { return Vec::new() };
    let mut requests = match &item.node.value {
        Value::String(text) if text == "all" => vec![DeviceRequest { count: Some(-1), ..Default::default() }],
        Value::String(text) => {
            let (value, allowed) = (text.clone(), ["all"].as_slice());
            report
                .add(item.place(), Invalid::Choice(ChoiceFault::OneOf { key: "gpus", value, nearest: None, allowed }));
            Vec::new()
        }
        _ => list(item, false, report),
    };
    requests.iter_mut().for_each(|request| request.capabilities.push("gpu".to_owned()));
    requests
}

/// Reads `devices` of reservations.
pub fn devices(reservations: &mut Fields<'_>, report: &mut Report) -> Vec<DeviceRequest> {
    reservations.get("devices").map(|item| list(item, true, report)).unwrap_or_default()
}

fn list(item: Item<'_>, needs_capabilities: bool, report: &mut Report) -> Vec<DeviceRequest> {
    let nodes = item.elements(Expected::List, report).unwrap_or_default();
    nodes.iter().filter_map(|node| request(Item { key: item.key, node }, needs_capabilities, report)).collect()
}

fn request(item: Item<'_>, needs_capabilities: bool, report: &mut Report) -> Option<DeviceRequest> {
    let mut fields = item.fields(&keys::DEVICE_REQUEST, format!("a device of `{}`", item.key), report)?;
    if needs_capabilities {
        fields.required("capabilities", "capabilities = [\"gpu\"]", report);
    }
    let capabilities = fields.parse_strings("capabilities", report, |text| Ok(text.to_owned()));
    let driver = fields.string("driver", report);
    let device_ids = fields.parse_strings("device_ids", report, |text| Ok(text.to_owned()));
    let count_item = fields.get("count");
    let count = match count_item {
        Some(item) if matches!(&item.node.value, Value::String(text) if text == "all") => Some(-1),
        Some(item) => item.integer(-1, report),
        None if device_ids.is_empty() => Some(-1),
        None => None,
    };
    if count_item.is_some() && !device_ids.is_empty() {
        report.add(&fields.place_of("count"), Across::CountAndIds);
    }
    let options = pairs(&mut fields, "options", report);
    fields.finish(report);
    Some(DeviceRequest { driver, count, device_ids, capabilities, options })
}
