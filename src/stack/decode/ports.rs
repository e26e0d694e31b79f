//! `ports`: which ports of a container the host publishes.
//!
//! Source: Compose Specification, services, ports. Invariant: ranges come out expanded, and no input makes more ports than
//! [`MOST_PORTS`].

use crate::diagnostic::Place;
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::choice::one_of;
use crate::stack::grammar::ports::{
    self, MOST_PORTS, Mapping, Range, container_range, expand, fault, protocol, protocol_word, range, short,
};
use crate::stack::keys;
use crate::stack::model::{Port, Protocol};
use crate::stack::problem::{Expected, Invalid, PortFault};
use crate::stack::text::node::Value;

/// How many ports the stack may still publish.
pub struct PortsLeft {
    left: usize,
    /// There were not enough.
    exceeded: bool,
}

impl Default for PortsLeft {
    fn default() -> Self {
        Self { left: MOST_PORTS, exceeded: false }
    }
}

impl PortsLeft {
    /// How many have been taken; `None`: there were not enough.
    pub fn taken(&self) -> Option<usize> {
        (!self.exceeded).then_some(MOST_PORTS - self.left)
    }

    fn take(&mut self, ports: usize) -> Result<(), PortFault> {
        let left = self.left.checked_sub(ports);
        self.exceeded |= left.is_none();
        self.left = left.ok_or(PortFault::TooMany { most: MOST_PORTS })?;
        Ok(())
    }

    fn expand(&mut self, mapping: &Mapping, place: &Place) -> Result<Vec<Port>, PortFault> {
        let expanded = expand(mapping, place, self.left);
        self.exceeded |= matches!(expanded, Err(PortFault::TooMany { .. }));
        self.left -= expanded.as_ref().map_or(0, Vec::len);
        expanded
    }
}

/// Reads `ports`, in short and long forms.
pub fn read(service: &mut Fields<'_>, left: &mut PortsLeft) -> Vec<Port> {
    let mut ports = Vec::new();
    let Some(item) = service.get("ports") else { return ports };
    for item in item.elements(Expected::List) {
        let mapping = match &item.node.value {
            Value::String(text) => item.accept(short(text)),
            Value::Integer(_) => item.accept(short(&item.node.scalar().unwrap_or_default())),
            Value::Table(_) => long(item, &service.owner),
            _ => {
                item.wrong_type(Expected::PortOrTable);
                None
            }
        };
        let mut expand = |mapping| left.expand(&mapping, item.place()).map_err(fault(item.node.source()));
        ports.extend(mapping.and_then(|mapping| item.accept(expand(mapping))).unwrap_or_default());
    }
    ports
}

/// Reads `expose`: `PORT[-PORT][/PROTOCOL]`; ranges stay ranges, and count as many ports as they are.
pub fn expose(service: &mut Fields<'_>, left: &mut PortsLeft) -> Vec<(u16, u16, Protocol)> {
    let Some(item) = service.get("expose") else { return Vec::new() };
    let mut exposed = |text: &str| {
        let (ports, name) = text.split_once('/').unwrap_or((text, "tcp"));
        let range = container_range(ports)?;
        let length = usize::try_from(range.length()).unwrap_or(usize::MAX);
        left.take(length)?;
        Ok((range.first, range.last, protocol(name)?))
    };
    let mut read = Vec::new();
    for item in item.elements(Expected::List) {
        match &item.node.value {
            Value::String(_) | Value::Integer(_) => {
                let text = item.node.scalar().unwrap_or_default();
                read.extend(item.accept(exposed(&text).map_err(fault(&text))));
            }
            _ => item.wrong_type(Expected::Port),
        }
    }
    read
}

fn long(item: Item<'_>, owner: &str) -> Option<Mapping> {
    let mut fields = item.fields(&keys::PORT, format!("a port of {owner}"))?;
    let target_item = fields.required("target", "target = 80");
    let target = target_item.and_then(ranged);
    let published = fields.get("published").and_then(ranged);
    let host_ip = fields.parse("host_ip", ports::host_ip);
    let protocol = fields.parse("protocol", protocol_word);
    // `mode` tells a swarm whether to balance; on one host both come to the same.
    fields.parse("mode", |text| one_of("mode", text, &["host", "ingress"]));
    for informational in ["name", "app_protocol"] {
        fields.string(informational);
    }
    fields.finish();
    let target = target?;
    if target.first == 0 {
        target_item?.add(Invalid::Port { value: "0".to_owned(), fault: PortFault::OutOfRange("0".to_owned()) });
        return None;
    }
    Some(Mapping { host_ip, published, target, protocol: protocol.unwrap_or(Protocol::Tcp) })
}

/// A port as an integer, or a port or range as a string.
fn ranged(item: Item<'_>) -> Option<Range> {
    match &item.node.value {
        Value::String(_) | Value::Integer(_) => {
            let text = item.node.scalar().unwrap_or_default();
            item.accept(range(&text).map_err(fault(&text)))
        }
        _ => {
            item.wrong_type(Expected::Port);
            None
        }
    }
}
