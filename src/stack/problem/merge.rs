//! Declarations of several files that contradict each other.

use super::wording::{Problem, Wording, wording};
use crate::diagnostic::Severity;

pub enum MergeConflict {
    /// `what` is `service`, `network`…; `first` is the other place.
    Conflict { what: &'static str, name: String, first: String },
    /// A list and a table (or alike) for one key; `first` is the other place.
    Kinds { key: String, found: &'static str, base: &'static str, first: String },
    /// A key of an included file that only counts in the stack file itself.
    OnlyOfTheStack { key: String },
}

impl Problem for MergeConflict {
    fn severity(&self) -> Severity {
        match self {
            Self::OnlyOfTheStack { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::Conflict { what, name, first } => wording(
                format!("the included {what} `{name}` conflicts with the definition at {first}"),
                format!(
                    "rename one of the two; to change an included {what}, use an override file (`*.override.toml`, or another file in the `path` list of the include)"
                ),
            ),
            Self::Kinds { key, found, base, first } => wording(
                format!("`{key}` is {found} here but {base} at {first}: the two cannot be merged"),
                "write both in the same form",
            ),
            Self::OnlyOfTheStack { key } => wording(
                format!("`{key}` has no effect in an included file"),
                format!("set `{key}` in the stack file that includes it"),
            ),
        }
    }
}
