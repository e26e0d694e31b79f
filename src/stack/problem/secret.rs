//! What is wrong with a secret or config.

use std::path::PathBuf;

use super::wording::{Problem, Wording, did_you_mean, quote, quoted_list, wording};
use crate::diagnostic::Severity;

/// What a provided file is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Secret,
    Config,
}

impl FileKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
        }
    }

    /// The key under which they stand, in the stack and in a service.
    pub fn table(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::Config => "configs",
        }
    }

    fn sources(self) -> &'static str {
        match self {
            Self::Secret => "`file`, `environment` or `credential`",
            Self::Config => "`file`, `environment`, `content` or `credential`",
        }
    }
}

pub enum SecretFault {
    Undeclared {
        kind: FileKind,
        service: String,
        key: String,
        nearest: Option<String>,
    },
    NoSource {
        kind: FileKind,
        key: String,
    },
    SeveralSources {
        kind: FileKind,
        key: String,
        names: Vec<&'static str>,
    },
    /// `environment` names a variable that is not set.
    Unset {
        kind: FileKind,
        key: String,
        variable: String,
    },
    CredentialName {
        value: String,
    },
    Target {
        value: String,
    },
    /// `type = "env"` with `uid`, `gid` or `mode`.
    VariableWithOwner,
    /// Also set by `environment`, or by another entry.
    VariableTwice {
        service: String,
        name: String,
    },
    /// `uid` or `gid`.
    NotANumber {
        key: &'static str,
        value: String,
    },
    /// `file` names a directory.
    Directory {
        kind: FileKind,
        key: String,
        path: PathBuf,
    },
    FileMissing {
        kind: FileKind,
        key: String,
        path: PathBuf,
    },
}

impl Problem for SecretFault {
    fn severity(&self) -> Severity {
        match self {
            Self::FileMissing { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn wording(&self) -> Wording {
        match self {
            Self::Undeclared { kind, service, key, nearest } => wording(
                format!("service `{service}` uses the {} `{key}`, which is not declared", kind.word()),
                did_you_mean(nearest.as_ref(), || format!("add `[{}.{key}]` with {}", kind.table(), kind.sources())),
            ),
            Self::NoSource { kind, key } => {
                wording(format!("the {} `{key}` has no source", kind.word()), format!("add {}", kind.sources()))
            }
            Self::SeveralSources { kind, key, names } => wording(
                format!("the {} `{key}` has {} sources: {}", kind.word(), names.len(), quoted_list(names, "and")),
                "keep one of them",
            ),
            Self::Unset { kind, key, variable } => wording(
                format!("the {} `{key}` reads the variable `{variable}`, which is not set", kind.word()),
                format!(
                    "set `{variable}` in the environment or in `.env` beside the stack file, or use `file` or `credential`"
                ),
            ),
            Self::CredentialName { value } => wording(
                format!("{} is not the name of a credential", quote(value)),
                "use letters, digits, `.`, `_` and `-`; the path of an encrypted credential begins with `/` or `./`",
            ),
            Self::Target { value } => wording(
                format!("{} is not a valid path for a file in the container", quote(value)),
                "write a path that ends with a file name and contains no colon",
            ),
            Self::VariableWithOwner => wording(
                "a secret or config that is a variable has no owner and no mode",
                "remove `uid`, `gid` and `mode`, or `type = \"env\"`",
            ),
            Self::VariableTwice { service, name } => wording(
                format!("service `{service}` sets the variable `{name}` twice"),
                "remove it from `environment` or `env_file`, or give the secret another `target`",
            ),
            Self::NotANumber { key, value } => wording(
                format!("`{key}` must be a number, not {}", quote(value)),
                "write the numeric ID that the user or group has in the image, as in `uid = 999`",
            ),
            Self::Directory { kind, key, path } => wording(
                format!("the {} `{key}` is a directory: {}", kind.word(), path.display()),
                "name a file, or mount the directory with `volumes`",
            ),
            Self::FileMissing { kind, key, path } => wording(
                format!("the file of the {} `{key}` does not exist on this host: {}", kind.word(), path.display()),
                "create it before the stack is started; services that use it cannot start without it",
            ),
        }
    }
}
