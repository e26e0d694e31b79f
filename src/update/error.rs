//! Why an update or a rollback did not begin, or was interrupted.

use std::path::PathBuf;

use thiserror::Error;

use crate::diagnostic::Diagnostics;
use crate::engine::EngineError;
use crate::install::InstallError;
use crate::systemd::ManagerError;

use super::failure::Failure;
use super::lock::LockError;
use super::lock_file::Unwritable;
use super::store::StoreError;

#[derive(Debug, Error)]
pub enum UpdateError {
    /// A stack file is invalid.
    #[error("{}", .0.render(false).trim_end())]
    Invalid(Diagnostics),
    /// An update changes digests alone: what else was changed in the stack file is not brought about by it.
    #[error(
        "the units of {project} are not what {} says now, so it was not updated: first `wharf generate --now {project}`",
        .source_file.display()
    )]
    NotGenerated { project: String, source_file: PathBuf },
    /// Somebody has written another lock.
    #[error(
        "{} names other images than those that run: `wharf update --locked {project}` brings them about, and goes back if one fails",
        .lock.display()
    )]
    OtherLock { project: String, lock: PathBuf },
    /// Only what changes something puts it back.
    #[error(
        "an update or a rollback of {project} was interrupted, or is under way: `wharf update {project}` first puts back what ran before"
    )]
    Unfinished { project: String },
    #[error(
        "{project} has no lock, so its images cannot be updated: `wharf lock {project}`, then `wharf generate --now {project}`"
    )]
    NoLock { project: String },
    #[error(
        "the units of {project} are neither what {} says now nor those of the newest revision, so nothing was changed: first `wharf \
         generate --now {project}`",
        .source_file.display()
    )]
    UnknownUnits { project: String, source_file: PathBuf },
    #[error("`{0}` is not the name of a project")]
    NoProject(String),
    #[error("{project} has no earlier revision to go back to; `wharf history --revisions {project}` shows all")]
    NoRevision { project: String },
    #[error("{project} has no revision {number}; `wharf history --revisions {project}` shows all")]
    UnknownRevision { project: String, number: u32 },
    #[error("{}", .0.join("\n"))]
    Unready(Vec<String>),
    #[error("{hook}: {failure}; nothing was changed")]
    Hook { hook: &'static str, failure: Failure },
    #[error("interrupted: nothing was changed")]
    Interrupted,
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    LockFile(#[from] Unwritable),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error(transparent)]
    Manager(#[from] ManagerError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<Diagnostics> for UpdateError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}
