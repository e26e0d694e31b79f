//! What is wrong with a port mapping.

use super::wording::{Said, refused};

pub enum PortFault {
    Empty,
    NotANumber(String),
    OutOfRange(String),
    Backwards,
    LengthsDiffer { host: u32, container: u32 },
    Address(String),
    Protocol(String),
    Bracket,
    TooMany { most: usize },
}

pub fn say_port(value: &str, fault: &PortFault) -> Said {
    let form = "write `[[HOST-ADDRESS:]HOST-PORT:]CONTAINER-PORT[/PROTOCOL]`, as in `127.0.0.1:8080:80/tcp`";
    let (why, help) = match fault {
        PortFault::Empty => ("a port is missing".to_owned(), form.to_owned()),
        PortFault::NotANumber(part) => (format!("`{part}` is not a port number"), form.to_owned()),
        PortFault::OutOfRange(part) => (
            format!("{part} is not a port"),
            "use a number from 1 to 65535 (0 on the host side: any free port)".to_owned(),
        ),
        PortFault::Backwards => {
            ("the range ends before it begins".to_owned(), "write the lower port first, as in `8000-8010`".to_owned())
        }
        PortFault::LengthsDiffer { host, container } => (
            format!("{host} host ports for {container} container ports"),
            "make both ranges equally long, or publish one container port on any of a range, as in `8000-8010:80`"
                .to_owned(),
        ),
        PortFault::Address(address) => (
            format!("`{address}` is not an IP address of the host"),
            "write it as in `127.0.0.1:8080:80` or `[::1]:8080:80`".to_owned(),
        ),
        PortFault::Protocol(protocol) => {
            (format!("`{protocol}` is not a protocol"), "use `tcp`, `udp` or `sctp`".to_owned())
        }
        PortFault::Bracket => {
            ("the `]` of an IPv6 address is missing".to_owned(), "write it as in `[::1]:8080:80`".to_owned())
        }
        PortFault::TooMany { most } => (
            format!("with it the stack publishes more than {most} ports"),
            "publish fewer ports, or join the host's network".to_owned(),
        ),
    };
    refused(value, "is not a port mapping", &why, help)
}
