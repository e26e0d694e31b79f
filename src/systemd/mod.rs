//! The one door to systemd: its Manager over D-Bus, service notification, the journal and the unit's own cgroup.
//!
//! Invariant: only this room (and the D-Bus face of wharfd) speaks D-Bus.

pub mod journal;
pub mod journalctl;
pub mod manager;
pub mod own_unit;
pub mod service;

pub use manager::{Announcement, Job, JobOutcome, JobResult, Manager, ManagerError, Scope, UnitState};
