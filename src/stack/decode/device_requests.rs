//! Devices that the engine picks by what they can do: `gpus`, and `deploy.resources.reservations.devices`.
//!
//! Source: Compose Specification, services, gpus, and Compose Deploy Specification, devices; Engine API, DeviceRequest.

use crate::stack::fields::maps::pairs;
use crate::stack::fields::{Fields, Item};
use crate::stack::keys;
use crate::stack::model::DeviceRequest;
use crate::stack::problem::{ChoiceFault, Expected, Invalid, LimitConflict};
use crate::stack::text::node::Value;

/// Reads `gpus`: `"all"`, or a list of requests to which the capability `gpu` is added.
pub fn gpus(service: &mut Fields<'_>) -> Vec<DeviceRequest> {
    let Some(item) = service.get("gpus") else { return Vec::new() };
    let mut requests = match &item.node.value {
        Value::String(text) if text == "all" => vec![DeviceRequest { count: Some(-1), ..Default::default() }],
        Value::String(text) => {
            let (value, allowed) = (text.clone(), ["all"].as_slice());
            item.add(Invalid::Choice(ChoiceFault::OneOf { key: "gpus", value, nearest: None, allowed }));
            Vec::new()
        }
        _ => list(item, false),
    };
    requests.iter_mut().for_each(|request| request.capabilities.push("gpu".to_owned()));
    requests
}

/// Reads `devices` of reservations.
pub fn devices(reservations: &mut Fields<'_>) -> Vec<DeviceRequest> {
    reservations.get("devices").map(|item| list(item, true)).unwrap_or_default()
}

fn list(item: Item<'_>, needs_capabilities: bool) -> Vec<DeviceRequest> {
    item.elements(Expected::List).filter_map(|item| request(item, needs_capabilities)).collect()
}

fn request(item: Item<'_>, needs_capabilities: bool) -> Option<DeviceRequest> {
    let mut fields = item.fields(&keys::DEVICE_REQUEST, format!("a device of `{}`", item.key))?;
    if needs_capabilities {
        fields.required("capabilities", "capabilities = [\"gpu\"]");
    }
    let capabilities = fields.texts("capabilities");
    let driver = fields.string("driver");
    let device_ids = fields.texts("device_ids");
    let count_item = fields.get("count");
    let count = match count_item {
        Some(item) if matches!(&item.node.value, Value::String(text) if text == "all") => Some(-1),
        Some(item) => item.integer(-1),
        None if device_ids.is_empty() => Some(-1),
        None => None,
    };
    if count_item.is_some() && !device_ids.is_empty() {
        fields.add("count", LimitConflict::CountAndIds);
    }
    let options = pairs(&mut fields, "options");
    fields.finish();
    Some(DeviceRequest { driver, count, device_ids, capabilities, options })
}
