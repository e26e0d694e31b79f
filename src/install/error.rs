//! Why an installation did not happen, and how that is told.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostics;
use crate::engine::EngineError;
use crate::report::installed::LookupError;
use crate::systemd::ManagerError;

use super::conflict::Conflict;

#[derive(Debug)]
pub enum InstallError {
    /// A stack file is invalid: nothing was written for any.
    Invalid(Diagnostics),
    /// Units of somebody else are in the way: nothing was written for any.
    Conflicts(Vec<Conflict>),
    Io {
        verb: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    Manager(ManagerError),
    Engine(EngineError),
    Lookup(LookupError),
    /// `--user` without a home directory.
    NoHome,
}

impl InstallError {
    pub(super) fn io(verb: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { verb, path: path.to_owned(), error }
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(diagnostics) => f.write_str(diagnostics.render(false).trim_end()),
            Self::Conflicts(conflicts) => {
                let lines: Vec<String> = conflicts.iter().map(Conflict::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Io { verb, path, error } => write!(f, "cannot {verb} {}: {error}", path.display()),
            Self::Manager(error) => error.fmt(f),
            Self::Engine(error) => error.fmt(f),
            Self::Lookup(error) => error.fmt(f),
            Self::NoHome => f.write_str("neither $XDG_CONFIG_HOME nor $HOME is set to an absolute path"),
        }
    }
}

impl Error for InstallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Manager(error) => Some(error),
            Self::Lookup(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Diagnostics> for InstallError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}

impl From<ManagerError> for InstallError {
    fn from(error: ManagerError) -> Self {
        Self::Manager(error)
    }
}

impl From<EngineError> for InstallError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<LookupError> for InstallError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}
