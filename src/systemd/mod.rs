//! The one door to systemd: its Manager over D-Bus, service notification, the journal and the unit's own cgroup.
//!
//! Invariant: only this room, the D-Bus API of wharfd and its client (`supervisor1`) speak D-Bus.

pub mod announce;
pub mod cgroup;
pub mod credentials;
pub mod job;
pub mod journal;
pub mod journalctl;
pub mod manager;
pub mod own_unit;
pub mod path;
pub mod service;
pub mod state;

pub use announce::{Announcement, Services};
pub use job::{Job, JobOutcome, JobResult, Verb};
pub use manager::{Manager, ManagerError, Scope};
pub use state::UnitState;
