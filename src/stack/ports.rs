//! `ports`: which ports of a container the host publishes.
//!
//! Source: Compose Specification, services, ports. Invariant: ranges come out expanded, and no input makes more ports than
//! [`MOST_PORTS`].

use std::net::{IpAddr, Ipv4Addr};

use super::decode::{Fields, Item, accept};
use super::keys;
use super::model::{Port, Protocol, Published};
use super::node::{Node, Value};
use super::problem::{ChoiceFault, Expected, Family, Invalid, MachineFault, PortFault, Report, Shape};
use super::suggest::nearest;
use crate::diagnostic::Place;

/// As many as there are port numbers: more cannot work, and a file must not fill the memory.
pub const MOST_PORTS: usize = 65_536;

const PROTOCOLS: &[&str] = &["tcp", "udp", "sctp"];

/// An inclusive range of ports; one port is a range of length 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
}

impl Range {
    fn length(self) -> u32 {
        u32::from(self.last) - u32::from(self.first) + 1
    }
}

/// One mapping before its expansion.
#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    host_ip: Option<IpAddr>,
    published: Option<Range>,
    target: Range,
    protocol: Protocol,
}

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

/// What makes an entry of `ports` the same as another's: address, published port, container port, protocol. `None`: it is faulty.
pub fn identity(node: &Node) -> Option<String> {
    let mapping = match &node.value {
        Value::Table(_) => long(Item { key: "ports", node }, "", &mut Report::default()),
        _ => short(&node.scalar()?).ok(),
    }?;
    // Without an address the engine publishes on all of them.
    let host_ip = mapping.host_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Some(format!("{host_ip} {:?} {:?} {:?}", mapping.published, mapping.target, mapping.protocol))
}

fn fault(value: &str) -> impl Fn(PortFault) -> Invalid {
    let value = value.trim_matches('"').to_owned();
    move |fault| Invalid::Port { value: value.clone(), fault }
}

/// `[HOST:]CONTAINER[/PROTOCOL]`
fn short(text: &str) -> Result<Mapping, Invalid> {
    parse_short(text).map_err(fault(text))
}

fn parse_short(text: &str) -> Result<Mapping, PortFault> {
    let (addresses, protocol) = match text.split_once('/') {
        Some((addresses, name)) => (addresses, protocol(name)?),
        None => (text, Protocol::Tcp),
    };
    let (host, target) = match addresses.rsplit_once(':') {
        Some((host, target)) => (Some(host), target),
        None => (None, addresses),
    };
    let target = container_range(target)?;
    let Some(host) = host else {
        return Ok(Mapping { host_ip: None, published: None, target, protocol });
    };
    let (host_ip, port) = split_host(host)?;
    // `127.0.0.1::80` asks for any free port of that address.
    let published = if port.is_empty() && host_ip.is_some() { None } else { Some(range(port)?) };
    Ok(Mapping { host_ip, published, target, protocol })
}

/// `[IP:]PORTS`, where IP may be an IPv6 address in brackets or not.
fn split_host(host: &str) -> Result<(Option<IpAddr>, &str), PortFault> {
    if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(PortFault::Bracket)?;
        let port = port.strip_prefix(':').ok_or(PortFault::Empty)?;
        return Ok((Some(address_of(address)?), port));
    }
    match host.rsplit_once(':') {
        Some((address, port)) => Ok((Some(address_of(address)?), port)),
        None => Ok((None, host)),
    }
}

fn address_of(text: &str) -> Result<IpAddr, PortFault> {
    text.parse().map_err(|_| PortFault::Address(text.to_owned()))
}

fn protocol(name: &str) -> Result<Protocol, PortFault> {
    match name.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        _ => Err(PortFault::Protocol(name.to_owned())),
    }
}

/// `80` or `8000-8010`
fn range(text: &str) -> Result<Range, PortFault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if last < first { Err(PortFault::Backwards) } else { Ok(Range { first, last }) }
}

fn container_range(text: &str) -> Result<Range, PortFault> {
    let range = range(text)?;
    if range.first == 0 { Err(PortFault::OutOfRange("0".to_owned())) } else { Ok(range) }
}

fn number(text: &str) -> Result<u16, PortFault> {
    if text.is_empty() {
        return Err(PortFault::Empty);
    }
    if !text.chars().all(|c| c.is_ascii_digit()) {
        return Err(PortFault::NotANumber(text.to_owned()));
    }
    text.parse().map_err(|_| PortFault::OutOfRange(text.to_owned()))
}

fn long(item: Item<'_>, owner: &str, report: &mut Report) -> Option<Mapping> {
    let mut fields = item.fields(&keys::PORT, format!("a port of {owner}"), report)?;
    let target_item = fields.get("target");
    let target = target_item.and_then(|target| ranged(target, report));
    let published = fields.get("published").and_then(|published| ranged(published, report));
    let host_ip = fields.parse("host_ip", report, |text| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse()
            .map_err(|_| Invalid::Machine(MachineFault::Address { value: text.to_owned(), family: Family::Any }))
    });
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
    fields.parse("mode", report, |text| super::choice::one_of("mode", text, &["host", "ingress"]));
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

/// One entry for each container port.
fn expand(mapping: &Mapping, place: &Place, most: usize) -> Result<Vec<Port>, PortFault> {
    let length = mapping.target.length();
    if usize::try_from(length).unwrap_or(usize::MAX) > most {
        return Err(PortFault::TooMany { most: MOST_PORTS });
    }
    let published_at = |index: u16| match mapping.published {
        None | Some(Range { first: 0, last: 0 }) => Ok(Published::Ephemeral),
        Some(range) if range.length() == length => Ok(Published::One(range.first + index)),
        Some(Range { first, last }) if length == 1 => Ok(Published::Range(first, last)),
        Some(range) => Err(PortFault::LengthsDiffer { host: range.length(), container: length }),
    };
    let Mapping { host_ip, target, protocol, .. } = *mapping;
    (target.first..=target.last)
        .map(|port| {
            let published = published_at(port - target.first)?;
            Ok(Port { target: port, protocol, host_ip, published, place: place.clone() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(ip: Option<&str>, published: Option<(u16, u16)>, target: (u16, u16), protocol: Protocol) -> Mapping {
        let range = |(first, last)| Range { first, last };
        Mapping {
            host_ip: ip.map(|ip| ip.parse().unwrap()),
            published: published.map(range),
            target: range(target),
            protocol,
        }
    }

    #[test]
    fn short_forms_of_the_specification() {
        use Protocol::{Tcp, Udp};
        for (text, expected) in [
            ("3000", mapping(None, None, (3000, 3000), Tcp)),
            ("3000-3005", mapping(None, None, (3000, 3005), Tcp)),
            ("9090-9091:8080-8081", mapping(None, Some((9090, 9091)), (8080, 8081), Tcp)),
            ("8000-9000:80", mapping(None, Some((8000, 9000)), (80, 80), Tcp)),
            ("127.0.0.1:8001:8001", mapping(Some("127.0.0.1"), Some((8001, 8001)), (8001, 8001), Tcp)),
            ("127.0.0.1::80", mapping(Some("127.0.0.1"), None, (80, 80), Tcp)),
            ("::1:6000:6000", mapping(Some("::1"), Some((6000, 6000)), (6000, 6000), Tcp)),
            ("[::1]:6001:6001", mapping(Some("::1"), Some((6001, 6001)), (6001, 6001), Tcp)),
            ("6060:6060/udp", mapping(None, Some((6060, 6060)), (6060, 6060), Udp)),
        ] {
            assert_eq!(parse_short(text).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_mapping() {
        for bad in [
            "",
            ":80",
            "80:",
            "a",
            "70000",
            "0",
            "90-80",
            "1.2.3.4.5:80:80",
            "[::1:80:80",
            "80/icmp",
            "80:80:80",
            "+1",
            "80/",
        ] {
            assert!(parse_short(bad).is_err(), "{bad}");
        }
    }
}
