//! The life of one container, network or volume: what `wharf-run` does for a unit.
//!
//! In: a spec and the signals of systemd. Out: a container that is created, started, followed and removed at the engine, its
//! output in the journal, and an exit status. Invariant: this room reads no stack file and decides nothing that systemd can
//! decide: whether to start again is the unit's decision.

mod body;
mod cleanup;
mod end;
mod error;
mod exit;
mod external;
mod handover;
mod health;
mod hooks;
mod image;
mod leftover;
mod life;
pub mod message;
mod output;
mod patience;
mod process;
mod reload;
mod resource;
mod secrets;
mod start;
mod stop;
mod throttle;

pub use cleanup::clean_up;
pub use error::FileError;
pub use exit::failed;
pub use external::missing as missing_external;
pub use image::{Need, unfit as unfit_image};
pub use life::follow_container;
pub use message::cannot_start;
pub use patience::connect;
pub use reload::reload_container;
pub use resource::{create_network, create_volume, remove_network};
#[cfg(feature = "buildkit")]
pub use secrets::build_secret;
pub use secrets::missing as missing_files;
pub use start::start_container;
