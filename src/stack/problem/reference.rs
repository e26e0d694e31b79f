//! Names that lead to nothing in the stack.

use super::wording::{Problem, Said, did_you_mean, quoted_list, said};
use crate::diagnostic::Severity;

pub enum ReferenceFault {
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

    fn say(&self) -> Said {
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
            Self::NotSelected { service, dependency, profiles } => said(
                format!("service `{service}` depends on `{dependency}`, whose profile is not selected"),
                format!(
                    "select it with `--profile` ({}), or give `{service}` the same `profiles`; a `depends_on` may say `required = false`",
                    quoted_list(profiles, "or")
                ),
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
        }
    }
}
