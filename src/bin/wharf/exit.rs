//! How a run ends: the only place where exit codes are decided.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use wharf::diagnostic::Diagnostics;
use wharf::engine::EngineError;
use wharf::install::{InstallError, NameError};
use wharf::report::history::HistoryError;
use wharf::report::installed::LookupError;
use wharf::report::selection::SelectionError;
use wharf::report::status::StatusError;
use wharf::systemd::credentials::CredentialError;
use wharf::systemd::journalctl::JournalctlError;
use wharf::update::{LockError, StoreError, UpdateError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    /// The command line is wrong.
    Usage,
    /// A stack file is invalid.
    Invalid,
    /// `--check` found something to do, or `diff` a container that is not as its definition says.
    Different,
    /// `import` wrote a stack file that does not say everything, or that has to be corrected.
    Incomplete,
    /// `status` shows a unit that failed, whose container is unhealthy or has ended with the engine, or that crashes again and again.
    Degraded,
    /// `update` or `rollback` went back to what was before.
    RolledBack,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::Different => 4,
            Exit::Incomplete => 5,
            Exit::Degraded => 6,
            Exit::RolledBack => 7,
        })
    }
}

/// An error that ends the run.
#[derive(Debug)]
pub enum Failure {
    /// Stack files, or compose files, are invalid.
    Invalid(Diagnostics),
    /// What went wrong, one line or several.
    Failed(String),
}

impl Failure {
    pub fn failed(error: &dyn Error) -> Self {
        Self::Failed(error.to_string())
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::Invalid(_) => Exit::Invalid,
            Self::Failed(_) => Exit::Failed,
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Invalid(diagnostics) => Self::Invalid(diagnostics),
            other => Self::failed(&other),
        }
    }
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Invalid(diagnostics) | UpdateError::Lock(LockError::Invalid(diagnostics)) => {
                Self::Invalid(diagnostics)
            }
            other => Self::failed(&other),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        UpdateError::from(error).into()
    }
}

macro_rules! failures {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(&error)
            }
        })*
    };
}

failures!(
    CredentialError,
    EngineError,
    HistoryError,
    JournalctlError,
    LookupError,
    NameError,
    SelectionError,
    StatusError,
    StoreError,
    io::Error,
    serde_json::Error
);
