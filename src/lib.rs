//! Wharf: one compose-like TOML file becomes systemd units; systemd supervises the containers.
//!
//! A compiler (`stack` → `plan` → `install`) and small run-time programs (`run` behind `wharf-run`, `build` behind `wharf-build`,
//! `supervise` behind `wharfd`). ARCHITECTURE.md draws the rooms and the floors that they stand on.
//!
//! Invariant: a room uses only rooms on lower floors; `tests/architecture.rs` holds it.

pub mod backoff;
pub mod beneath;
#[cfg(feature = "buildkit")]
pub mod build;
pub mod config;
pub mod diagnostic;
pub mod doctor;
pub mod engine;
pub mod import;
pub mod install;
pub mod mark;
pub mod message_id;
pub mod name;
pub mod owned_tree;
pub mod parallel;
pub mod path;
pub mod plan;
pub mod printable;
pub mod refusal;
pub mod regular_file;
pub mod report;
pub mod run;
pub mod signals;
pub mod spec;
pub mod stack;
pub mod supervise;
pub mod supervisor1;
pub mod systemd;
pub mod unit;
pub mod update;
pub mod updates;
pub mod writers;
