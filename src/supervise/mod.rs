//! wharfd: restarts, through systemd, what hangs; and publishes all that is known of the containers.
//!
//! systemd restarts a container that dies; one that hangs only becomes unhealthy at the engine. In: the engine's events,
//! systemd's of the containers' units, the whole snapshot whenever some may have been missed, and requests over D-Bus. Out:
//! systemd jobs, and why, in the journal; facts on the bus and for monitoring. Invariant: it acts only through systemd and reads
//! no stack file; it keeps nothing that it could not ask for again, so it may die at any time. What to do is decided by
//! [`policy`], what to ask the engine by `agenda`, and what differs from its definition by [`drift`]: pure functions.
//!
//! Two threads: one supervises, the other is the [`api`] that programs and people see, so that no flood of questions delays
//! a restart.

mod action;
mod agenda;
pub mod api;
pub mod audit;
pub mod config;
mod crashes;
pub mod declared;
pub mod drift;
mod execute;
pub mod facts;
mod inspect;
pub mod policy;
mod supervisor;
mod watch;

pub use supervisor::supervise;
