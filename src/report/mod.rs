//! What an administrator looks at: which projects are installed on this host, stack status and drift, and what happened.
//!
//! In: the files in systemd's unit directories, systemd's own properties, what wharfd knows, and the journal. Out: typed facts, a
//! table or JSON. Invariant: this room only reads; it works without the engine, and without a stack file.

pub mod check;
pub mod credential;
pub mod difference;
pub mod habits;
pub mod history;
pub mod installed;
pub mod logs;
pub mod missing_credential;
pub mod orphans;
pub mod selection;
pub mod status;
pub mod table;
pub mod when;

pub use installed::InstalledProject;
