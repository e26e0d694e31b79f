//! Profiles that nobody has or that nobody selected.

use super::wording::{Problem, Wording, did_you_mean, quoted_list, wording};
use crate::diagnostic::Severity;

pub enum ProfileFault {
    ProfileName {
        name: String,
    },
    /// The stack's own `profiles` names one that no service has.
    NoSuchProfile {
        profile: String,
        nearest: Option<String>,
    },
    /// No service is left.
    NoneSelected {
        profiles: Vec<String>,
    },
}

impl Problem for ProfileFault {
    fn severity(&self) -> Severity {
        match self {
            Self::NoSuchProfile { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::ProfileName { name } => wording(
                format!("`{name}` is not a valid profile name"),
                "use letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
            ),
            Self::NoSuchProfile { profile, nearest } => wording(
                format!("no service of this stack has the profile `{profile}`"),
                did_you_mean(nearest.as_ref(), || {
                    format!("remove it, or add it to a service's `profiles`: `{profile}`")
                }),
            ),
            Self::NoneSelected { profiles } => wording(
                "every service of this stack belongs to a profile, and none of the profiles is selected",
                format!(
                    "select one with `--profile` or with `profiles` in the stack file: {}",
                    quoted_list(profiles, "or")
                ),
            ),
        }
    }
}
