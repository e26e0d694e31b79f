//! What an administrator looks at: which projects stand on this host and how they fare.
//!
//! In: the files in systemd's unit directories and systemd's own properties. Out: typed facts, a table or JSON.
//! Invariant: this room only reads; it works without the engine, and without a stack file.

pub mod installed;
pub mod status;

pub use installed::InstalledProject;
