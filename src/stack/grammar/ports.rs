//! Ports and ranges of them: `[HOST:]CONTAINER[/PROTOCOL]`.
//!
//! Source: Compose Specification, services, ports and expose.

use std::net::IpAddr;

use super::choice;
use crate::diagnostic::Place;
use crate::stack::model::{Port, Protocol, Published};
use crate::stack::problem::{Family, Invalid, MachineFault, PortFault};

/// As many as there are port numbers: more cannot work, and a file must not fill the memory.
pub const MOST_PORTS: usize = 65_536;

const PROTOCOLS: &[&str] = &["tcp", "udp", "sctp"];

/// An inclusive range of ports; one port is a range of length 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub first: u16,
    pub last: u16,
}

impl Range {
    pub fn length(self) -> u32 {
        u32::from(self.last) - u32::from(self.first) + 1
    }
}

/// One mapping before its expansion.
#[derive(Debug, PartialEq, Eq)]
pub struct Mapping {
    pub host_ip: Option<IpAddr>,
    pub published: Option<Range>,
    pub target: Range,
    pub protocol: Protocol,
}

/// `[HOST:]CONTAINER[/PROTOCOL]`
pub fn short(text: &str) -> Result<Mapping, Invalid> {
    parse_short(text).map_err(fault(text))
}

fn parse_short(text: &str) -> Result<Mapping, PortFault> {
    let (addresses, protocol) = match text.split_once('/') {
        Some((addresses, name)) if !name.is_empty() => (addresses, protocol(name)?),
        Some((addresses, _)) => (addresses, Protocol::Tcp),
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
    // `127.0.0.1::80` asks for any free port of that address, and `:80`, which a variable may have left, for any free port.
    let published = if port.is_empty() { None } else { Some(range(port)?) };
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
        // `:80:80` is what a variable without a value leaves: all addresses, as without one.
        Some(("", port)) => Ok((None, port)),
        Some((address, port)) => Ok((Some(address_of(address)?), port)),
        None => Ok((None, host)),
    }
}

/// An address, which may stand in brackets.
pub fn host_ip(text: &str) -> Result<IpAddr, Invalid> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| Invalid::Machine(MachineFault::Address { value: text.to_owned(), family: Family::Any }))
}

fn address_of(text: &str) -> Result<IpAddr, PortFault> {
    text.parse().map_err(|_| PortFault::Address(text.to_owned()))
}

pub fn protocol(name: &str) -> Result<Protocol, PortFault> {
    match name.to_ascii_lowercase().as_str() {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        _ => Err(PortFault::Protocol(name.to_owned())),
    }
}

/// The same of a key of its own.
pub fn protocol_word(text: &str) -> Result<Protocol, Invalid> {
    protocol(text).map_err(|_| choice::not_one_of("protocol", text, PROTOCOLS))
}

/// `80` or `8000-8010`
pub fn range(text: &str) -> Result<Range, PortFault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if last < first { Err(PortFault::Backwards) } else { Ok(Range { first, last }) }
}

pub fn container_range(text: &str) -> Result<Range, PortFault> {
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

/// One entry for each container port.
pub fn expand(mapping: &Mapping, place: &Place, most: usize) -> Result<Vec<Port>, PortFault> {
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

pub fn fault(value: &str) -> impl Fn(PortFault) -> Invalid {
    let value = value.trim_matches('"').to_owned();
    move |fault| Invalid::Port { value: value.clone(), fault }
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
            // What variables without a value leave.
            (":80", mapping(None, None, (80, 80), Tcp)),
            (":8080:80/", mapping(None, Some((8080, 8080)), (80, 80), Tcp)),
            ("::80", mapping(None, None, (80, 80), Tcp)),
            ("6060:6060/udp", mapping(None, Some((6060, 6060)), (6060, 6060), Udp)),
        ] {
            assert_eq!(parse_short(text).ok(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_mapping() {
        for bad in ["", "80:", "a", "70000", "0", "90-80", "1.2.3.4.5:80:80", "[::1:80:80", "80/icmp", "80:80:80", "+1"]
        {
            assert!(parse_short(bad).is_err(), "{bad}");
        }
    }
}
