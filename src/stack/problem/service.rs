//! What is wrong with the services of a stack, and between them.

use std::path::PathBuf;

use super::wording::{Problem, Wording, quoted_list, wording};
use crate::diagnostic::Severity;

pub enum ServiceFault {
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
    /// A timer or an update, not its dependents, starts it.
    DependsOnTriggered {
        service: String,
        dependency: String,
        key: &'static str,
    },
    /// A timer or an update starts one unit.
    TriggeredReplicas {
        service: String,
        key: &'static str,
    },
    /// A job is ready when it has ended.
    ReadyOfTriggered {
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

impl Problem for ServiceFault {
    fn severity(&self) -> Severity {
        match self {
            Self::BindSourceMissing { .. } | Self::BuildContextMissing { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::NoServices => wording("the stack has no service", "add one: `[services.NAME]` with `image = \"…\"`"),
            Self::SelfDependency { service } => {
                wording(format!("service `{service}` depends on itself"), "remove it from its own `depends_on`")
            }
            Self::Cycle { services } => {
                let mut round: Vec<&str> = services.iter().map(String::as_str).collect();
                round.extend(services.first().map(String::as_str));
                wording(
                    format!("circular dependency: {}", round.join(" → ")),
                    format!("remove one of the dependencies between {}", quoted_list(services, "and")),
                )
            }
            Self::NoImage { service } => wording(
                format!("service `{service}` has no image"),
                "add `image = \"…\"`, as in `image = \"docker.io/library/nginx:1.29\"`, or `build = \"DIRECTORY\"`",
            ),
            Self::DependsOnTriggered { service, dependency, key } => wording(
                format!("service `{service}` depends on `{dependency}`, which is started by {}", starter(key)),
                format!("remove the dependency; to run the job once before `{service}`, add a service without `{key}`"),
            ),
            Self::TriggeredReplicas { service, key } => wording(
                format!(
                    "service `{service}` has both `{key}` and replicas, but {} starts exactly one container",
                    starter(key)
                ),
                format!("remove `scale` or `deploy.replicas`, or `{key}`"),
            ),
            Self::ReadyOfTriggered { service } => wording(
                format!("`ready` cannot be used in service `{service}`: a job is complete when it exits"),
                "remove `ready`",
            ),
            Self::NeverHealthy { dependency } => wording(
                format!("`service_healthy` can never be met: the healthcheck of `{dependency}` is disabled"),
                format!("wait for `service_started`, or give `{dependency}` a healthcheck"),
            ),
            Self::ReadyNeverHealthy { service } => wording(
                format!("`ready = \"healthy\"` can never be met: the healthcheck of `{service}` is disabled"),
                "write `ready = \"started\"`, or give the service a healthcheck",
            ),
            Self::BuildContextMissing { context } => wording(
                format!("the build context {} does not exist on this host", context.display()),
                "create the directory before the stack is started; the image cannot be built without it",
            ),
            Self::BindSourceMissing { source, create: true } => wording(
                format!("the bind mount source {} does not exist on this host", source.display()),
                "create it before the stack is started; otherwise Docker will create an empty directory owned by root",
            ),
            Self::BindSourceMissing { source, .. } => wording(
                format!("the bind mount source {} does not exist on this host", source.display()),
                "create it before the stack is started; the container cannot be created without it",
            ),
        }
    }
}

/// What starts a service that has this key.
fn starter(key: &str) -> &'static str {
    if key == "schedule" { "a timer" } else { "an update" }
}
