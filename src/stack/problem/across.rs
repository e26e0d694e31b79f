//! Contradictions between keys.

use std::path::PathBuf;

use super::{Problem, Said, quoted_list, said};
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
}

impl Problem for Across {
    fn severity(&self) -> Severity {
        match self {
            Self::BindSourceMissing { .. } | Self::BuildContextMissing { .. } => Severity::Warning,
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
        }
    }
}
