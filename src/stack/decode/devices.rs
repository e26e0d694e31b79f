//! `devices`: nodes of the host, and devices by the names of the Container Device Interface.
//!
//! Source: Compose Specification, services, devices.

use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::devices::{is_cdi_name, short};
use crate::stack::keys;
use crate::stack::model::Device;
use crate::stack::problem::Expected;
use crate::stack::text::node::Value;

/// `devices` as the engine takes them.
#[derive(Default)]
pub struct Devices {
    pub nodes: Vec<Device>,
    /// Names of the Container Device Interface, as `vendor.com/gpu=0`.
    pub cdi: Vec<String>,
}

/// Reads `devices`, in short and long forms.
pub fn read(service: &mut Fields<'_>) -> Devices {
    let mut devices = Devices::default();
    let Some(item) = service.get("devices") else { return devices };
    for item in item.elements(Expected::List) {
        match &item.node.value {
            Value::String(name) if is_cdi_name(name) => devices.cdi.push(name.clone()),
            _ => devices.nodes.extend(device(item, &service.owner)),
        }
    }
    devices
}

fn device(item: Item<'_>, owner: &str) -> Option<Device> {
    match &item.node.value {
        Value::String(text) => item.accept(short(text)),
        Value::Table(_) => long(item, owner),
        _ => {
            item.wrong_type(Expected::StringOrTable);
            None
        }
    }
}

fn long(item: Item<'_>, owner: &str) -> Option<Device> {
    let mut fields = item.fields(&keys::DEVICE, format!("a device of {owner}"))?;
    let written_source = fields.required("source", "source = \"/dev/…\"");
    let source = written_source.and_then(|item| item.string());
    let target = fields.string("target");
    let permissions = fields.string("permissions");
    fields.finish();
    let source = source?;
    let target = target.unwrap_or_else(|| source.clone());
    let short_form = format!("{source}:{target}:{}", permissions.as_deref().unwrap_or("rwm"));
    item.accept(short(&short_form))
}
