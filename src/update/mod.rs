//! What becomes of a stack after its first start: its lock, its updates, and the way back.
//!
//! In: a stack file, what registries say, and what runs. Out: the lock beside it, changed containers, and the revisions of the project.
//! Invariant: nothing is written before all registries have answered, nothing is stopped before everything is there that the new
//! containers need; each file is whole at every moment.

mod bases;
mod change;
mod dockerfile;
mod error;
mod lock;
mod rollout;
mod store;
mod table;

pub use change::{Changed, Means, NewImage, Outcome, Update, forget};
pub use error::UpdateError;
pub use lock::{LockChange, LockError, Locking};
pub use rollout::Failure;
pub use store::{
    Record, RefusedImage, Revision, RevisionImage, STATE_DIRECTORY, Store, StoreError, projects, revision, revisions,
};
pub use table::table;
