//! wharfd: what hangs is restarted, through systemd; and all that is known of the containers is told.
//!
//! systemd restarts a container that dies; one that hangs only becomes unhealthy at the engine. In: the engine's events,
//! systemd's of the containers' units, the whole picture whenever some may have been missed, and requests over D-Bus. Out:
//! systemd jobs, and why, in the journal; facts on the bus and for monitoring. Invariant: it acts only through systemd and reads
//! no stack file; it keeps nothing that it could not learn again, so it may die at any time. What to do is decided by
//! [`policy`], a pure function, and what differs from its definition by [`drift`], another.
//!
//! Two threads: one supervises, the other is the [`face`] that programs and people see, so that no flood of questions delays
//! a restart.

pub mod acts;
pub mod audit;
pub mod config;
pub mod drift;
pub mod face;
pub mod facts;
pub mod inventory;
mod look;
pub mod policy;
mod supervisor;
mod watch;

pub use supervisor::supervise;
