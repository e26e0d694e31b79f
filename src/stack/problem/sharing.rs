//! What several containers cannot share, and what a shared network does not have.

use super::wording::{Problem, Wording, wording};
use crate::diagnostic::Severity;

pub enum SharingConflict {
    NetworksAndMode,
    /// A key that belongs to the owner of the network namespace.
    OthersNetwork {
        key: &'static str,
        owner: String,
    },
    /// Ports without a network of one's own.
    PortsUnpublished {
        mode: String,
    },
    /// What only one container can have.
    NotForReplicas {
        key: &'static str,
        replicas: u32,
        instead: &'static str,
    },
    /// A container of which there are several, or none.
    WhichReplica {
        service: String,
        replicas: u32,
    },
    MacDiffers {
        network: String,
    },
}

impl Problem for SharingConflict {
    fn severity(&self) -> Severity {
        match self {
            Self::PortsUnpublished { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::NetworksAndMode => wording(
                "`network_mode` and `networks` cannot be used together",
                "keep `networks` to join networks of the stack, or `network_mode` to share a network namespace",
            ),
            Self::OthersNetwork { key, owner } => wording(
                format!("`{key}` cannot be set here: this service shares the network namespace of `{owner}`"),
                format!("set it in `{owner}`"),
            ),
            Self::PortsUnpublished { mode } => wording(
                format!("no port is published with `network_mode = \"{mode}\"`"),
                "remove `ports`: with `host` the container listens on the host's own ports, with `none` on no port",
            ),
            Self::NotForReplicas { key, replicas, instead } => {
                wording(format!("{replicas} containers cannot share one `{key}`"), *instead)
            }
            Self::WhichReplica { service, replicas } => wording(
                format!("service `{service}` has {replicas} containers, but this key must refer to exactly one"),
                format!("remove `scale` and `replicas` from `{service}`, or name one container: `container:NAME`"),
            ),
            Self::MacDiffers { network } => wording(
                format!("`mac_address` conflicts with that of the network `{network}`, which is joined first"),
                "keep the one in `networks`",
            ),
        }
    }
}
