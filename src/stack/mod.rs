//! What the user wrote: a stack file, read into typed keys.
//!
//! In: the text of a TOML stack file, the environment for interpolation, and the env files that it names. Out: a [`Stack`] in
//! which every short syntax, default name and relative path is resolved, or all errors at once, each with its place.
//! Invariant: no unit and no engine is known here, and the host is only asked whether bind sources exist; a [`Stack`] that
//! comes out of this room is valid in itself.
//!
//! The way through: [`load()`] → `from_toml` (text to tree) → `variables` (interpolation of the tree) → `document` with one file
//! a family of keys (tree to types) → `check` (what only shows between keys).

mod amounts;
mod attachments;
mod check;
mod choice;
mod decode;
mod depends_on;
mod document;
mod env_file;
mod environment;
mod from_toml;
mod healthcheck;
mod hosts;
mod image;
mod interpolate;
mod labels;
mod limits;
mod load;
pub mod model;
mod mounts;
mod names;
mod networks;
mod node;
mod ports;
mod privileges;
mod problem;
mod secrets;
mod service;
mod signals;
mod suggest;
mod surroundings;
mod systemd;
mod variables;
mod volumes;
mod words;

pub use load::{Loaded, absolute, load, project_name_of};
pub use model::*;
