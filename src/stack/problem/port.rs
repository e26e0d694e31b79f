//! What is wrong with a port mapping.

use super::wording::{Wording, refused, why};

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

impl PortFault {
    /// Of this value.
    pub fn wording(&self, value: &str) -> Wording {
        let form = "write `[[HOST-ADDRESS:]HOST-PORT:]CONTAINER-PORT[/PROTOCOL]`, as in `127.0.0.1:8080:80/tcp`";
        let (reason, help) = match self {
            Self::Empty => why("a port is missing", form),
            Self::NotANumber(part) => why(format!("`{part}` is not a port number"), form),
            Self::OutOfRange(part) => {
                why(format!("{part} is not a port"), "use a number from 1 to 65535 (0 on the host side: any free port)")
            }
            Self::Backwards => why("the range ends before it begins", "write the lower port first, as in `8000-8010`"),
            Self::LengthsDiffer { host, container } => why(
                format!("{host} host ports for {container} container ports"),
                "give both ranges the same length, or publish one container port on any port of a range, as in `8000-8010:80`",
            ),
            Self::Address(address) => why(
                format!("`{address}` is not an IP address of the host"),
                "write it as in `127.0.0.1:8080:80` or `[::1]:8080:80`",
            ),
            Self::Protocol(protocol) => why(format!("`{protocol}` is not a protocol"), "use `tcp`, `udp` or `sctp`"),
            Self::Bracket => why("the `]` of an IPv6 address is missing", "write it as in `[::1]:8080:80`"),
            Self::TooMany { most } => why(
                format!("the stack publishes more than {most} ports in total"),
                "publish fewer ports, or join the host's network",
            ),
        };
        refused(value, "is not a port mapping", &reason, help)
    }
}
