//! Contradictions between keys.

use std::path::PathBuf;

use super::wording::{Problem, Said, quoted_list, said};
use crate::diagnostic::Severity;

pub enum Across {
    NoServices,
    SelfDependency {
        service: String,
    },
    /// The services in order; the first is not repeated at the end.
    Cycle {
        services: Vec<String>,
    },
    NoImage {
        service: String,
    },
    /// A timer, not its dependents, starts it.
    DependsOnScheduled {
        service: String,
        dependency: String,
    },
    /// A timer starts one unit.
    ScheduledReplicas {
        service: String,
    },
    /// A job is ready when it has ended.
    ReadyOfScheduled {
        service: String,
    },
    NeverHealthy {
        dependency: String,
    },
    ReadyNeverHealthy {
        service: String,
    },
    BuildContextMissing {
        context: PathBuf,
    },
    BindSourceMissing {
        source: PathBuf,
        create: bool,
    },
    /// The service key and `deploy` say different things.
    DeployDiffers {
        key: &'static str,
    },
    CpusAndQuota {
        key: &'static str,
    },
    SwapWithoutMemory,
    SwapBelowMemory,
    ReservationAboveLimit,
    GlobalReplicas,
    CountAndIds,
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

impl Problem for Across {
    fn severity(&self) -> Severity {
        match self {
            Self::BindSourceMissing { .. } | Self::BuildContextMissing { .. } | Self::PortsUnpublished { .. } => {
                Severity::Warning
            }
            _ => Severity::Error,
        }
    }

    fn say(&self) -> Said {
        match self {
            Self::NoServices => said("the stack has no service", "add one: `[services.NAME]` with `image = \"…\"`"),
            Self::SelfDependency { service } => {
                said(format!("service `{service}` depends on itself"), "remove it from its own `depends_on`")
            }
            Self::Cycle { services } => {
                let mut round: Vec<&str> = services.iter().map(String::as_str).collect();
                round.extend(services.first().map(String::as_str));
                said(
                    format!("services depend on each other in a circle: {}", round.join(" → ")),
                    format!("remove one of the dependencies between {}", quoted_list(services, "and")),
                )
            }
            Self::NoImage { service } => said(
                format!("service `{service}` has no image"),
                "add `image = \"…\"`, as in `image = \"docker.io/library/nginx:1.29\"`, or `build = \"DIRECTORY\"`",
            ),
            Self::DependsOnScheduled { service, dependency } => said(
                format!("service `{service}` depends on `{dependency}`, which a timer starts"),
                format!(
                    "remove the dependency; for a run of its own before `{service}`, add a service without `schedule`"
                ),
            ),
            Self::ScheduledReplicas { service } => said(
                format!("service `{service}` has a `schedule`, and a timer starts one container, not several"),
                "remove `scale` or `deploy.replicas`, or `schedule`",
            ),
            Self::ReadyOfScheduled { service } => said(
                format!("`ready` has no meaning in service `{service}`: a scheduled job is done when it has ended"),
                "remove `ready`",
            ),
            Self::NeverHealthy { dependency } => said(
                format!("`service_healthy` never comes true: the healthcheck of `{dependency}` is disabled"),
                format!("wait for `service_started`, or give `{dependency}` a healthcheck"),
            ),
            Self::ReadyNeverHealthy { service } => said(
                format!("`ready = \"healthy\"` never comes true: the healthcheck of `{service}` is disabled"),
                "write `ready = \"started\"`, or give the service a healthcheck",
            ),
            Self::BuildContextMissing { context } => said(
                format!("the build's context {} does not exist on this host", context.display()),
                "create the directory before the stack is started, or the image cannot be built",
            ),
            Self::BindSourceMissing { source, create: true } => said(
                format!("{} does not exist on this host", source.display()),
                "create it first, or the engine makes an empty directory of root's there",
            ),
            Self::BindSourceMissing { source, .. } => said(
                format!("{} does not exist on this host", source.display()),
                "create it before the stack is started, or the container cannot be created",
            ),
            Self::DeployDiffers { key } => {
                said(format!("`{key}` and `deploy` say different things"), "keep one of them")
            }
            Self::CpusAndQuota { key } => said(
                format!("`cpus` and `{key}` say the same thing in two ways"),
                format!("keep `cpus` and remove `{key}`"),
            ),
            Self::SwapWithoutMemory => {
                said("`memswap_limit` is memory and swap together, and `mem_limit` is missing", "add `mem_limit`")
            }
            Self::SwapBelowMemory => said(
                "`memswap_limit` is memory and swap together, and lower than `mem_limit` alone",
                "raise it to `mem_limit` or more; the same value means no swap",
            ),
            Self::ReservationAboveLimit => {
                said("`mem_reservation` is above `mem_limit`", "lower it, or raise `mem_limit`")
            }
            Self::GlobalReplicas => said(
                "`mode = \"global\"` is one container on each host, of which there is one",
                "remove `replicas`, or write `mode = \"replicated\"`",
            ),
            Self::CountAndIds => said("`count` and `device_ids` exclude each other", "keep one of them"),
            Self::NetworksAndMode => said(
                "`network_mode` and `networks` exclude each other",
                "keep `networks` for networks of the stack, `network_mode` for a namespace that is shared",
            ),
            Self::OthersNetwork { key, owner } => said(
                format!("`{key}` belongs to the network of `{owner}`, in which this service lives"),
                format!("give it to `{owner}`"),
            ),
            Self::PortsUnpublished { mode } => said(
                format!("with `network_mode = \"{mode}\"` no port is published"),
                "remove `ports`: on the host's network the container's ports are the host's; without one there are none",
            ),
            Self::NotForReplicas { key, replicas, instead } => {
                said(format!("{replicas} containers cannot share one `{key}`"), *instead)
            }
            Self::WhichReplica { service, replicas } => said(
                format!("service `{service}` has {replicas} containers, and one is meant"),
                format!("remove `scale` and `replicas` from `{service}`, or name one with `container:…`"),
            ),
            Self::MacDiffers { network } => said(
                format!("`mac_address` is another one than that of the network `{network}`, which is joined first"),
                "keep the one in `networks`",
            ),
        }
    }
}
