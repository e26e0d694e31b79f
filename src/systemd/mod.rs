//! The one door to systemd: its Manager over D-Bus, service notification, the journal (that of the program, `log`, among it) and the unit's own cgroup.
//!
//! Invariant: only this room, the D-Bus API of wharfd and its client (`supervisor1`) speak D-Bus.

pub mod announce;
pub(crate) mod bus;
pub mod cgroup;
pub mod credentials;
pub mod job;
pub mod journal;
pub mod journalctl;
pub mod log;
pub mod manager;
pub mod own_unit;
pub mod path;
pub(crate) mod peer;
pub mod question;
pub mod service;
mod show;
pub mod state;
pub(crate) mod word;

pub use announce::{Announcement, Services};
pub use job::{Job, JobOutcome, JobResult, Verb};
pub use manager::units::{LoadedUnit, UnitProcess};
pub use manager::{Manager, ManagerError, Scope};
pub use question::{any_runs, ask_state, file_of_failed};
pub use state::{ActiveState, LoadState, SubState, UnitResult, UnitState};
