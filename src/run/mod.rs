//! The life of one container, network or volume: what `wharf-run` does for a unit, and what `wharf-build` does for an image.
//!
//! In: a spec and the signals of systemd. Out: a container that is created, started, followed and removed at the engine, its
//! output in the journal, and an exit status. Invariant: this room reads no stack file and decides nothing that systemd can
//! decide: whether to start again is the unit's decision.

mod body;
#[cfg(feature = "buildkit")]
mod build;
mod cleanup;
#[cfg(feature = "buildkit")]
mod context;
#[cfg(feature = "buildkit")]
mod dockerignore;
mod error;
mod exit;
mod handover;
mod health;
mod hooks;
mod image;
mod life;
mod message;
mod output;
mod patience;
mod process;
mod reload;
mod resource;
mod secrets;
mod start;
mod stop;
mod throttle;

#[cfg(feature = "buildkit")]
pub use build::build_image;
pub use cleanup::remove_container;
pub use life::follow_container;
pub use message::cannot_start;
pub use reload::reload_container;
pub use resource::{create_network, create_volume, remove_network};
pub use start::start_container;
