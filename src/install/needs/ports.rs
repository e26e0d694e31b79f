//! Whether the ports that are to be published are free.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use crate::engine::{Engine, EngineError, PublishedPort, port_in_use};
use crate::spec::{ContainerSpec, label};

/// A port of this host that a container is to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    address: SocketAddr,
    is_udp: bool,
}

/// The ports that these units are to publish and cannot, because somebody else has them. A container of the same project may have
/// one: it may be about to end.
///
/// # Errors
/// The engine does not answer.
pub(super) async fn taken(
    engine: &Engine,
    starting: impl Iterator<Item = (&str, &ContainerSpec)>,
) -> Result<Vec<String>, EngineError> {
    let wanted = starting.flat_map(|(unit, spec)| wanted(spec).map(move |port| (unit, &*spec.wharf.project, port)));
    let wanted: Vec<(&str, &str, Wanted)> = wanted.collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let published = engine.published_ports().await?;
    let taken = wanted.iter().filter_map(|(unit, project, port)| {
        let holder = published.iter().find(|published| port.is_had_by(published));
        match holder {
            Some(holder) if holder.labels.get(label::PROJECT).is_some_and(|of| of == project) => None,
            Some(holder) => Some(format!(
                "{unit}: port {} of this host is published by the container {}",
                port.address, holder.container
            )),
            None if port.is_in_use() => Some(format!("{unit}: {}", port_in_use(&port.address.to_string()))),
            None => None,
        }
    });
    Ok(taken.collect())
}

/// Those of one number. Of a range the engine takes one that is free.
fn wanted(spec: &ContainerSpec) -> impl Iterator<Item = Wanted> {
    let host = spec.container.host_config.as_ref();
    let bindings = host.and_then(|host| host.port_bindings.as_ref()).into_iter().flatten();
    bindings.flat_map(|(port, bindings)| {
        let is_udp = port.ends_with("/udp");
        let is_known = is_udp || port.ends_with("/tcp");
        let bindings = bindings.iter().flatten().filter(move |_| is_known);
        bindings.filter_map(move |binding| {
            let number = binding.host_port.as_ref()?.parse::<u16>().ok().filter(|number| *number != 0)?;
            let ip = binding.host_ip.as_deref().filter(|ip| !ip.is_empty());
            let ip = ip.map_or(Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), str::parse).ok()?;
            Some(Wanted { address: SocketAddr::new(ip, number), is_udp })
        })
    })
}

impl Wanted {
    fn is_had_by(&self, published: &PublishedPort) -> bool {
        let (own, other) = (self.address.ip(), published.address.ip());
        let overlaps =
            own == other || own.is_ipv4() == other.is_ipv4() && (own.is_unspecified() || other.is_unspecified());
        self.is_udp == published.is_udp && self.address.port() == published.address.port() && overlaps
    }

    /// Whether a program listens there. Another fault, such as an address that this host has not, the start reports.
    fn is_in_use(&self) -> bool {
        let bound = if self.is_udp {
            UdpSocket::bind(self.address).map(drop)
        } else {
            TcpListener::bind(self.address).map(drop)
        };
        bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    }
}
