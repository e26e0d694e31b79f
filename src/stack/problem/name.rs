//! Names that break the rules of what they name.

use super::wording::{Problem, Wording, quote, wording};

pub enum NameFault {
    ProjectName {
        value: String,
    },
    /// A stack file without `name` whose own name is none of a project; `like` is what would be.
    FileName {
        stem: String,
        like: String,
    },
    ServiceName {
        value: String,
    },
    EngineName {
        what: &'static str,
        value: String,
    },
    Hostname {
        value: String,
    },
    User {
        value: String,
    },
    Group {
        value: String,
    },
    Variable {
        name: String,
    },
}

impl Problem for NameFault {
    fn wording(&self) -> Wording {
        match self {
            Self::FileName { stem, like } if like.is_empty() => wording(
                format!("no project name can be derived from the file name `{stem}`"),
                "add `name = \"…\"` at the top: lower-case letters, digits, `-` and `_`, beginning with a letter or digit",
            ),
            Self::FileName { stem, like } => wording(
                format!("the file name `{stem}` is not a project name"),
                format!("add `name = \"{like}\"` at the top, or rename the file `{like}.toml`"),
            ),
            Self::ProjectName { value } => wording(
                format!("{} is not a project name", quote(value)),
                "use lower-case letters, digits, `-` and `_`, beginning with a letter or digit",
            ),
            Self::ServiceName { value } => wording(
                format!("{} is not a name for a service, network or volume", quote(value)),
                "use letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
            ),
            Self::EngineName { what, value } => wording(
                format!("{} is not a name for a {what}", quote(value)),
                "use two or more letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
            ),
            Self::Hostname { value } => wording(
                format!("{} is not a host name", quote(value)),
                "use letters, digits and `-` in parts of at most 63 characters, joined by `.` (RFC 1123)",
            ),
            Self::User { value } => wording(
                format!("{} is not a user", quote(value)),
                "write `\"user\"`, `\"user:group\"` or numeric ids, as in `\"1000:1000\"`",
            ),
            Self::Group { value } => {
                wording(format!("{} is not a group", quote(value)), "write a group's name or its number")
            }
            Self::Variable { name } => wording(
                format!("{} is not a name for an environment variable", quote(name)),
                "use a name without spaces, `=` and control characters",
            ),
        }
    }
}
