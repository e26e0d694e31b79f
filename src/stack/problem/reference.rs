//! Names that are not declared in the stack.

use super::wording::{Problem, Wording, did_you_mean, quoted_list, wording};
use crate::diagnostic::Severity;

pub enum ReferenceFault {
    UnknownDependency {
        service: String,
        dependency: String,
        nearest: Option<String>,
    },
    /// `required = false` and not there: allowed, but perhaps a mistake.
    MissingOptional {
        service: String,
        dependency: String,
        nearest: Option<String>,
    },
    /// The service is there, in profiles that are not selected.
    NotSelected {
        service: String,
        dependency: String,
        profiles: Vec<String>,
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
}

impl Problem for ReferenceFault {
    fn severity(&self) -> Severity {
        match self {
            Self::MissingOptional { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::UnknownDependency { service, dependency, nearest } => wording(
                format!("service `{service}` depends on `{dependency}`, which is not a service of this stack"),
                did_you_mean(nearest.as_ref(), || format!("add `[services.{dependency}]`, or remove the dependency")),
            ),
            Self::MissingOptional { service, dependency, nearest } => wording(
                format!("the optional dependency `{dependency}` of service `{service}` is not a service of this stack"),
                did_you_mean(nearest.as_ref(), || {
                    "remove the dependency, unless another stack file defines the service".to_owned()
                }),
            ),
            Self::NotSelected { service, dependency, profiles } => wording(
                format!("service `{service}` depends on `{dependency}`, whose profile is not selected"),
                format!(
                    "select it with `--profile` ({}), or give `{service}` the same `profiles`; `depends_on` may also have `required = false`",
                    quoted_list(profiles, "or")
                ),
            ),
            Self::UndeclaredNetwork { service, network, nearest } => wording(
                format!("service `{service}` joins the network `{network}`, which is not declared"),
                did_you_mean(nearest.as_ref(), || {
                    format!("add `[networks.{network}]`, with `external = true` if it is created outside this stack")
                }),
            ),
            Self::UndeclaredVolume { service, volume, nearest } => wording(
                format!("service `{service}` mounts the volume `{volume}`, which is not declared"),
                did_you_mean(nearest.as_ref(), || {
                    format!("add `[volumes.{volume}]`, or write `./{volume}` for a directory beside the stack file")
                }),
            ),
        }
    }
}
