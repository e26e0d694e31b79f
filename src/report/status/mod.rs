//! `wharf status`: the state of the installed projects and their containers.
//!
//! In: the units on disk, systemd's properties, and what wharfd knows of the containers, if it can be reached. Out: typed rows
//! ([`Status`]), shown as a tree ([`tree`]) or as JSON, once or whenever something changes ([`Watch`]).
//! Invariant: everybody may ask: neither root nor access to the engine is needed. Without wharfd the units are shown too, with empty
//! columns where only wharfd has the answer.

mod changed_files;
mod last_output;
mod limits;
mod model;
mod sources;
mod tree;
mod watch;

pub use last_output::last_outputs;
pub use model::{
    BrokenStack, ChangedSource, LastRun, MisplacedLimit, ProjectStatus, StackFindings, Status, StatusError, UnitStatus,
    Unknown,
};
pub use sources::{Host, Sources};
pub use tree::tree;
pub use watch::Watch;
