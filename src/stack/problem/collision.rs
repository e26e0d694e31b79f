//! Two things in one place.

use super::wording::{Problem, Wording, wording};

pub enum Collision {
    Port { host: String, other_service: String, service: String },
    ContainerName { name: String, other_service: String },
    EngineName { what: &'static str, name: String, other: String },
    Target { service: String, target: String },
}

impl Problem for Collision {
    fn wording(&self) -> Wording {
        match self {
            Self::Port { host, other_service, service } if other_service == service => wording(
                format!("service `{service}` publishes {host} twice"),
                "remove one of the two, or give one another host port",
            ),
            Self::Port { host, other_service, .. } => wording(
                format!("{host} is already published by service `{other_service}`"),
                "give one of the two another host port or host address",
            ),
            Self::ContainerName { name, other_service } => wording(
                format!("the container name `{name}` is already used by service `{other_service}`"),
                "give each service its own `container_name`, or remove it",
            ),
            Self::EngineName { what, name, other } => wording(
                format!("the {what} name `{name}` is already used by the {what} `{other}`"),
                format!("give each {what} its own `name`, or use the same {what} in both places"),
            ),
            Self::Target { service, target } => wording(
                format!("service `{service}` has two mounts at `{target}`"),
                "remove one of them, or give one another target",
            ),
        }
    }
}
