//! `ports`: which ports of a container the host publishes.
//!
//! Source: Compose Specification, services, ports. Invariant: ranges come out expanded, and no input makes more ports than
//! [`MOST_PORTS`].

use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::choice::one_of;
use crate::stack::grammar::ports::{
    self, MOST_PORTS, Mapping, PROTOCOLS, Range, container_range, expand, fault, protocol, range, short,
};
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::{Port, Protocol};
use crate::stack::problem::{ChoiceFault, Expected, Invalid, PortFault, Report, Shape};
use crate::stack::text::node::Value;

/// Reads `ports`, in short and long forms; `left` is how many the stack may still publish.
pub fn read(service: &mut Fields<'_>, left: &mut usize, report: &mut Report) -> Vec<Port> {
    let mut ports = Vec::new();
    let Some(item) = service.get("ports") else { return ports };
    for node in item.elements(Expected::List, report).unwrap_or_default() {
        let item = Item { key: "ports", node };
        let mapping = match &node.value {
            Value::String(text) => accept(short(text), item.place(), report),
            Value::Integer(_) => accept(short(&node.scalar().unwrap_or_default()), item.place(), report),
            Value::Table(_) => long(item, &service.owner, report),
            _ => {
                item.wrong_type(Expected::PortOrTable, report);
                None
            }
        };
        let expanded = mapping.and_then(|mapping| {
            accept(expand(&mapping, item.place(), *left).map_err(fault(node.source())), item.place(), report)
        });
        let expanded = expanded.unwrap_or_default();
        *left -= expanded.len();
        ports.extend(expanded);
    }
    ports
}

/// Reads `expose`: `PORT[-PORT][/PROTOCOL]`; ranges stay ranges, and count as many ports as they are.
pub fn expose(service: &mut Fields<'_>, left: &mut usize, report: &mut Report) -> Vec<(u16, u16, Protocol)> {
    let Some(item) = service.get("expose") else { return Vec::new() };
    let mut exposed = |text: &str| {
        let (ports, name) = text.split_once('/').unwrap_or((text, "tcp"));
        let range = container_range(ports)?;
        let length = usize::try_from(range.length()).unwrap_or(usize::MAX);
        *left = left.checked_sub(length).ok_or(PortFault::TooMany { most: MOST_PORTS })?;
        Ok((range.first, range.last, protocol(name)?))
    };
    let mut read = Vec::new();
    for node in item.elements(Expected::List, report).unwrap_or_default() {
        match &node.value {
            Value::String(_) | Value::Integer(_) => {
                let text = node.scalar().unwrap_or_default();
                read.extend(accept(exposed(&text).map_err(fault(&text)), &node.place, report));
            }
            _ => (Item { key: "expose", node }).wrong_type(Expected::Port, report),
        }
    }
    read
}

fn long(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Mapping> {
    let mut fields = item.fields(&keys::PORT, format!("a port of {owner}"), report)?;
    let target_item = fields.get("target");
    let target = target_item.and_then(|target| ranged(target, report));
    let published = fields.get("published").and_then(|published| ranged(published, report));
    let host_ip = fields.parse("host_ip", report, ports::host_ip);
    let protocol = fields.parse("protocol", report, |text| {
        protocol(text).map_err(|_| {
            Invalid::Choice(ChoiceFault::OneOf {
                key: "protocol",
                value: text.to_owned(),
                nearest: nearest(text, PROTOCOLS),
                allowed: PROTOCOLS,
            })
        })
    });
    // `mode` tells a swarm whether to balance; on one host both come to the same.
    fields.parse("mode", report, |text| one_of("mode", text, &["host", "ingress"]));
    for informational in ["name", "app_protocol"] {
        fields.string(informational, report);
    }
    let owner = fields.owner.clone();
    fields.finish(report);
    if target_item.is_none() {
        report.add(item.place(), Shape::Missing { key: "target", owner, example: "target = 80" });
    }
    let target = target?;
    if target.first == 0 {
        let invalid = Invalid::Port { value: "0".to_owned(), fault: PortFault::OutOfRange("0".to_owned()) };
        report.add(target_item.map_or(item.place(), |item| item.place()), invalid);
        return None;
    }
    Some(Mapping { host_ip, published, target, protocol: protocol.unwrap_or(Protocol::Tcp) })
}

/// A port as an integer, or a port or range as a string.
fn ranged(item: Item<'_>, report: &mut Report) -> Option<Range> {
    match &item.node.value {
        Value::String(_) | Value::Integer(_) => {
            let text = item.node.scalar().unwrap_or_default();
            accept(range(&text).map_err(fault(&text)), item.place(), report)
        }
        _ => {
            item.wrong_type(Expected::Port, report);
            None
        }
    }
}
