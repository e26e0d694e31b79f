//! What a container may do to the host: capabilities and devices.
//!
//! Source: Compose Specification, services, cap_add, cap_drop and devices; capabilities(7).

use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::devices::{is_cdi_name, short};
use crate::stack::keys;
use crate::stack::model::Device;
use crate::stack::problem::{Expected, Report, Shape};
use crate::stack::text::node::Value;

/// `devices` as the engine takes them.
#[derive(Default)]
pub struct Devices {
    pub nodes: Vec<Device>,
    /// Names of the Container Device Interface, as `vendor.com/gpu=0`.
    pub cdi: Vec<String>,
}

/// Reads `devices`, in short and long forms.
pub fn devices(service: &mut Fields<'_>, report: &mut Report) -> Devices {
    let mut devices = Devices::default();
    let Some(item) = service.get("devices") else { return devices };
    for node in item.elements(Expected::List, report).unwrap_or_default() {
        match &node.value {
            Value::String(name) if is_cdi_name(name) => devices.cdi.push(name.clone()),
            _ => devices.nodes.extend(device(Item { key: "devices", node }, &service.owner, report)),
        }
    }
    devices
}

fn device(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Device> {
    match &item.node.value {
        Value::String(text) => accept(short(text), item.place(), report),
        Value::Table(_) => long(item, owner, report),
        _ => {
            item.wrong_type(Expected::StringOrTable, report);
            None
        }
    }
}

fn long(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Device> {
    let mut fields = item.fields(&keys::DEVICE, format!("a device of {owner}"), report)?;
    let written_source = fields.get("source");
    let source = written_source.and_then(|item| item.string(report));
    let target = fields.string("target", report);
    let permissions = fields.string("permissions", report);
    let owner = fields.owner.clone();
    fields.finish(report);
    if written_source.is_none() {
        report.add(item.place(), Shape::Missing { key: "source", owner, example: "source = \"/dev/…\"" });
    }
    let source = source?;
    let target = target.unwrap_or_else(|| source.clone());
    let short_form = format!("{source}:{target}:{}", permissions.as_deref().unwrap_or("rwm"));
    accept(short(&short_form), item.place(), report)
}
