//! Why an installation did not happen.

use thiserror::Error;

use crate::diagnostic::Diagnostics;
use crate::doctor::Check;
use crate::engine::EngineError;
use crate::report::installed::LookupError;
use crate::systemd::ManagerError;

use super::conflict::Conflict;
use super::directory::DirectoryError;

#[derive(Debug, Error)]
pub enum InstallError {
    /// A stack file is invalid: nothing was written for any.
    #[error("{}", .0.render(false).trim_end())]
    Invalid(Diagnostics),
    /// Units of somebody else are in the way: nothing was written for any.
    #[error("{}", lines(.0))]
    Conflicts(Vec<Conflict>),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error("{0}")]
    Manager(#[from] ManagerError),
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Lookup(#[from] LookupError),
    /// This host cannot run the stacks: nothing was written for any.
    #[error("{}", obstacles(.0))]
    Unfit(Vec<Check>),
    /// Units that are to be started could not be: nothing was written, stopped or started for any.
    #[error("{}\n{NOTHING_STOPPED}", .0.join("\n"))]
    Unready(Vec<String>),
    /// `--user` without a home directory.
    #[error("neither $XDG_CONFIG_HOME nor $HOME is set to an absolute path")]
    NoHome,
}

const NOTHING_STOPPED: &str = "nothing was written and nothing was stopped: what runs goes on as before; correct this, then run the same command again";

fn lines(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(Conflict::to_string).collect::<Vec<_>>().join("\n")
}

fn obstacles(checks: &[Check]) -> String {
    let line = |check: &Check| match &check.help {
        Some(help) => format!("{}: {help}", check.message),
        None => check.message.clone(),
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl From<Diagnostics> for InstallError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}
