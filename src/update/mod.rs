//! What becomes of a stack after its first start: its lock, its updates, and the way back.
//!
//! In: a stack file, what registries say, and what runs. Out: the lock beside it, changed containers, and the revisions of the project.
//! Invariant: nothing is written before all registries have answered, nothing is stopped before everything is there that the new
//! containers need; each file is whole at every moment.

mod audit;
mod bases;
mod change;
mod difference;
mod digests;
mod dockerfile;
mod error;
mod failure;
mod find;
mod hooks;
mod judge;
mod lock;
mod lock_file;
mod observe;
mod outcome;
mod revision;
mod rollout;
mod steps;
mod store;
mod table;
mod updater;

pub use difference::{ChangedFile, difference};
pub use digests::Update;
pub use error::UpdateError;
pub use failure::Failure;
pub use lock::{LockChange, LockError, Locking};
pub use observe::forget;
pub use outcome::{Changed, NewImage, Outcome};
pub use revision::{Record, RefusedImage, Revision, RevisionImage};
pub use store::{Store, StoreError, newest, projects, revision, revisions};
pub use table::table;
pub use updater::Updater;
