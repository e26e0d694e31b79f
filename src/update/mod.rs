//! What becomes of a stack's images after its first start.
//!
//! In: a stack file, and what registries say. Out: the lock beside it.
//! Invariant: nothing is written before all registries have answered; each file is whole at every moment.

mod bases;
mod dockerfile;
mod lock;

pub use lock::{LockChange, LockError, Locking};
