//! Wharf: one compose-like TOML file becomes systemd units; systemd supervises the containers.
//!
//! A compiler (`stack` → `plan` → `install`) and small run-time programs (`run` behind `wharf-run` and `wharf-build`,
//! `supervise` behind `wharfd`). A room uses only rooms on lower floors:
//!
//! - floor 4: [`install`]
//! - floor 3: [`plan`], [`import`], [`run`], [`supervise`], [`report`]
//! - floor 2: [`stack`], [`engine`]
//! - floor 1: [`unit`], [`systemd`], [`spec`], [`diagnostic`], [`backoff`], [`message_id`], [`path`], [`signals`],
//!   [`supervisor1`]
//!
//! Architecture invariant: `run` never reads a stack file; `stack` and `unit` meet only in `plan`; only `engine` names the
//! engine's client library and only `systemd`, the API of `supervise` and its client `supervisor1` name D-Bus.

#![forbid(unsafe_code)]

pub mod backoff;
pub mod diagnostic;
pub mod engine;
pub mod import;
pub mod install;
pub mod mark;
pub mod message_id;
pub mod name;
pub mod path;
pub mod plan;
pub mod report;
pub mod run;
pub mod signals;
pub mod spec;
pub mod stack;
pub mod supervise;
pub mod supervisor1;
pub mod systemd;
pub mod unit;
