//! Addresses of hosts, networks and interfaces; host names with their addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names;
use crate::stack::problem::{Family, Invalid, MachineFault};

/// An address of either family, as the user wrote it.
pub fn address(text: &str) -> Result<String, Invalid> {
    checked::<IpAddr>(text, Family::Any)
}

/// netdevice(7): at most fifteen bytes.
pub fn interface(text: &str) -> Result<String, Invalid> {
    let fits = (1..=15).contains(&text.len()) && names::is_key(text);
    fits.then(|| text.to_owned()).ok_or_else(|| Invalid::Machine(MachineFault::Interface { value: text.to_owned() }))
}

pub fn ipv4(text: &str) -> Result<String, Invalid> {
    checked::<Ipv4Addr>(text, Family::V4)
}

pub fn ipv6(text: &str) -> Result<String, Invalid> {
    checked::<Ipv6Addr>(text, Family::V6)
}

fn checked<T: std::str::FromStr>(text: &str, family: Family) -> Result<String, Invalid> {
    match text.parse::<T>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Invalid::Machine(MachineFault::Address { value: text.to_owned(), family })),
    }
}

/// Six pairs of hex digits.
pub fn mac_address(text: &str) -> Result<String, Invalid> {
    let pairs: Vec<&str> = text.split([':', '-']).collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit());
    if pairs.len() == 6 && pairs.iter().all(is_pair) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::Machine(MachineFault::Mac { value: text.to_owned() }))
    }
}

/// An address and a prefix length, in CIDR notation.
pub fn subnet(text: &str) -> Result<String, Invalid> {
    let fits = text.split_once('/').is_some_and(|(address, length)| {
        let longest = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        length.parse::<u8>().is_ok_and(|length| length <= longest)
    });
    if fits { Ok(text.to_owned()) } else { Err(Invalid::Machine(MachineFault::Subnet { value: text.to_owned() })) }
}

/// What the engine replaces by the host's own address.
const HOST_GATEWAY: &str = "host-gateway";

/// `host=ip`, or the older `host:ip`; the host may have several addresses, with commas between them.
pub fn extra_host(text: &str) -> Result<Vec<String>, Invalid> {
    let (host, address) = text
        .split_once('=')
        .or_else(|| text.split_once(':'))
        .ok_or_else(|| Invalid::Machine(MachineFault::ExtraHost { value: text.to_owned() }))?;
    address.split(',').map(|address| host_with_address(host, address)).collect()
}

pub fn host_with_address(host: &str, address: &str) -> Result<String, Invalid> {
    let bare = address.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(address);
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if is_host && (bare == HOST_GATEWAY || bare.parse::<IpAddr>().is_ok()) {
        Ok(format!("{host}:{bare}"))
    } else {
        Err(Invalid::Machine(MachineFault::ExtraHost { value: format!("{host}={address}") }))
    }
}

#[cfg(test)]
mod tests {
    use super::extra_host;

    #[test]
    fn hosts_of_the_specification() {
        for (text, expected) in [
            ("somehost=162.242.195.82", "somehost:162.242.195.82"),
            ("somehost:162.242.195.82", "somehost:162.242.195.82"),
            ("myhostv6=::1", "myhostv6:::1"),
            ("myhostv6=[::1]", "myhostv6:::1"),
            ("myhostv6:::1", "myhostv6:::1"),
            ("host.docker.internal:host-gateway", "host.docker.internal:host-gateway"),
        ] {
            assert_eq!(extra_host(text).ok(), Some(vec![expected.to_owned()]), "{text}");
        }
        let both = extra_host("a=1.1.1.1,[::1]").ok();
        assert_eq!(both, Some(vec!["a:1.1.1.1".to_owned(), "a:::1".to_owned()]));
        for bad in ["somehost", "a=1.1.1.1,", "=1.2.3.4", "somehost=", "some host=1.2.3.4", "somehost=1.2.3"] {
            assert!(extra_host(bad).is_err(), "{bad}");
        }
    }
}
