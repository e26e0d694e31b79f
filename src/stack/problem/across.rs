//! Problems between keys: references without a target, cycles, collisions.

use std::path::PathBuf;

use super::{Problem, Said, did_you_mean, quoted_list, said};
use crate::diagnostic::Severity;

pub enum Across {
    NoServices,
    UnknownDependency {
        service: String,
        dependency: String,
        nearest: Option<String>,
    },
    /// `required = false` and not there: allowed, perhaps not meant.
    MissingOptional {
        service: String,
        dependency: String,
        nearest: Option<String>,
    },
    SelfDependency {
        service: String,
    },
    /// The services in order; the first is not repeated at the end.
    Cycle {
        services: Vec<String>,
    },
    UndeclaredNetwork {
        service: String,
        network: String,
        nearest: Option<String>,
    },
    UndeclaredVolume {
        service: String,
        volume: String,
        nearest: Option<String>,
    },
    NoImage {
        service: String,
    },
    SamePort {
        host: String,
        other_service: String,
        service: String,
    },
    SameContainerName {
        name: String,
        other_service: String,
    },
    SameEngineName {
        what: &'static str,
        name: String,
        other: String,
    },
    SameTarget {
        service: String,
        target: String,
    },
    NeverHealthy {
        dependency: String,
    },
    ReadyNeverHealthy {
        service: String,
    },
    BindSourceMissing {
        source: PathBuf,
        create: bool,
    },
}

impl Problem for Across {
    fn severity(&self) -> Severity {
        match self {
            Self::MissingOptional { .. } | Self::BindSourceMissing { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn say(&self) -> Said {
        match self {
            Self::NoServices => said("the stack has no service", "add one: `[services.NAME]` with `image = \"…\"`"),
            Self::UnknownDependency { .. }
            | Self::MissingOptional { .. }
            | Self::UndeclaredNetwork { .. }
            | Self::UndeclaredVolume { .. } => self.say_reference(),
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
                "add `image = \"…\"`, as in `image = \"docker.io/library/nginx:1.29\"`",
            ),
            Self::NeverHealthy { dependency } => said(
                format!("`service_healthy` never comes true: the healthcheck of `{dependency}` is disabled"),
                format!("wait for `service_started`, or give `{dependency}` a healthcheck"),
            ),
            Self::ReadyNeverHealthy { service } => said(
                format!("`ready = \"healthy\"` never comes true: the healthcheck of `{service}` is disabled"),
                "write `ready = \"started\"`, or give the service a healthcheck",
            ),
            Self::BindSourceMissing { source, create: true } => said(
                format!("{} does not exist on this host", source.display()),
                "create it first, or the engine makes an empty directory of root's there",
            ),
            Self::BindSourceMissing { source, .. } => said(
                format!("{} does not exist on this host", source.display()),
                "create it before the stack is started, or the container cannot be created",
            ),
            _ => self.say_collision(),
        }
    }
}

impl Across {
    fn say_reference(&self) -> Said {
        match self {
            Self::UnknownDependency { service, dependency, nearest } => said(
                format!("service `{service}` depends on `{dependency}`, which is not a service of this stack"),
                did_you_mean(nearest.as_ref(), || format!("add `[services.{dependency}]`, or remove the dependency")),
            ),
            Self::MissingOptional { service, dependency, nearest } => said(
                format!("service `{service}` can do without `{dependency}`, which is not a service of this stack"),
                did_you_mean(nearest.as_ref(), || {
                    "remove the dependency if it is not meant for another file".to_owned()
                }),
            ),
            Self::UndeclaredNetwork { service, network, nearest } => said(
                format!("service `{service}` joins the network `{network}`, which is not declared"),
                did_you_mean(nearest.as_ref(), || {
                    format!("add `[networks.{network}]`, with `external = true` if somebody else makes it")
                }),
            ),
            Self::UndeclaredVolume { service, volume, nearest } => said(
                format!("service `{service}` mounts the volume `{volume}`, which is not declared"),
                did_you_mean(nearest.as_ref(), || {
                    format!("add `[volumes.{volume}]`, or write `./{volume}` for a directory beside the stack file")
                }),
            ),
            _ => self.say_collision(),
        }
    }

    fn say_collision(&self) -> Said {
        match self {
            Self::SamePort { host, other_service, service } if other_service == service => said(
                format!("service `{service}` publishes {host} twice"),
                "remove one of the two, or give one another host port",
            ),
            Self::SamePort { host, other_service, .. } => said(
                format!("{host} is already published by service `{other_service}`"),
                "give one of the two another host port or host address",
            ),
            Self::SameContainerName { name, other_service } => said(
                format!("the container of service `{other_service}` has the name `{name}` too"),
                "give each service its own `container_name`, or leave it to Wharf",
            ),
            Self::SameEngineName { what, name, other } => said(
                format!("the {what} `{other}` has the name `{name}` at the engine too"),
                format!("give each {what} its own `name`, or use one of them in both places"),
            ),
            Self::SameTarget { service, target } => said(
                format!("service `{service}` mounts two things on `{target}`"),
                "remove one of them, or give one another target",
            ),
            _ => said("the stack contradicts itself", "see the place above"),
        }
    }
}
