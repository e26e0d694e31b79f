//! Two things in one place.

use super::wording::{Problem, Said, said};

pub enum Collision {
    Port { host: String, other_service: String, service: String },
    ContainerName { name: String, other_service: String },
    EngineName { what: &'static str, name: String, other: String },
    Target { service: String, target: String },
}

impl Problem for Collision {
    fn say(&self) -> Said {
        match self {
            Self::Port { host, other_service, service } if other_service == service => said(
                format!("service `{service}` publishes {host} twice"),
                "remove one of the two, or give one another host port",
            ),
            Self::Port { host, other_service, .. } => said(
                format!("{host} is already published by service `{other_service}`"),
                "give one of the two another host port or host address",
            ),
            Self::ContainerName { name, other_service } => said(
                format!("the container of service `{other_service}` has the name `{name}` too"),
                "give each service its own `container_name`, or leave it to Wharf",
            ),
            Self::EngineName { what, name, other } => said(
                format!("the {what} `{other}` has the name `{name}` at the engine too"),
                format!("give each {what} its own `name`, or use one of them in both places"),
            ),
            Self::Target { service, target } => said(
                format!("service `{service}` mounts two things on `{target}`"),
                "remove one of them, or give one another target",
            ),
        }
    }
}
