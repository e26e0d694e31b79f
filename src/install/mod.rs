//! Unit files ↔ host: what a plan changes, written so that no file is ever half there, and loaded by systemd.
//!
//! In: plans, and the directory that is to hold them. Out: the same files on disk, stale ones gone, systemd reloaded, jobs
//! awaited; and a report of what changed, also in the journal.
//! Invariant: a file that this project does not own is never overwritten, shadowed or removed; every file is whole at every
//! moment; nothing is touched or reloaded when nothing changed. Decisions (`changes`, `precheck`) are pure, effects stand
//! beside them (`directory`, `generate`, `remove`).

mod audit;
mod changes;
mod conflict;
mod destination;
mod diff;
mod directory;
mod error;
mod generate;
mod generator;
mod jobs;
mod named;
mod needs;
mod note;
mod precheck;
mod prepare;
mod remove;
mod running;
mod stack_files;

pub use changes::Enablement;
pub use conflict::{Conflict, Reason};
pub use destination::{Destination, LIBEXEC, Reach, STACK_DIRECTORY};
pub use diff::{Side, compare, diff};
pub use directory::{
    Access, Action, Change, Changes, DirectoryError, Durability, Entry, LoadPath, Snapshot, Unfinished, UnitDirectory,
};
pub use error::InstallError;
pub use generate::{Effect, Generate, Generated, ProjectChanges};
pub use generator::{BrokenStack, Generator};
pub use jobs::FailedJob;
pub use named::{NameError, named, named_with_units};
pub use needs::{Agenda, Progress, Pull, Silent, WantedImage, missing_credentials, provide, running_older_image};
pub use note::{Note, volumes_stay};
pub use precheck::conflicts;
pub use prepare::{Prepared, prepare, requests, stacks_in};
pub use remove::{Leaving, Remove, Removed};
pub use stack_files::StackFiles;
