//! What the user wrote: a stack file, read into typed keys.
//!
//! In: the text of TOML stack files, the environment for interpolation, and the files that they name. Out: a [`Stack`] in
//! which every short syntax, default name and relative path is resolved, or all errors at once, each with its place.
//! Invariant: no unit and no engine is known here, and the host is only asked whether bind sources exist; a [`Stack`] that
//! comes out of this room is valid in itself.
//!
//! The way through: [`load()`] → `from_toml` (text to tree) → `composition` (several files to one tree, with the interpolation of
//! `variables`) → `document` with one file a family of keys (tree to types) → `check` (what only shows between keys).

mod amounts;
mod attachments;
mod build;
mod calendar;
mod check;
mod choice;
pub(crate) mod composition;
mod decode;
mod depends_on;
mod deploy;
mod device_requests;
mod document;
mod env_file;
mod environment;
pub(crate) mod examine;
pub(crate) mod from_toml;
mod healthcheck;
mod hooks;
mod hosts;
mod image;
pub(crate) mod interpolate;
pub mod keys;
mod labels;
mod limits;
mod links;
pub(crate) mod load;
pub mod model;
mod mounts;
mod names;
mod namespaces;
mod networks;
pub(crate) mod node;
mod ports;
mod privileges;
pub(crate) mod problem;
mod profiles;
mod pull_policy;
mod reload;
mod resources;
mod schedule;
mod secrets;
mod security;
mod service;
mod signals;
mod suggest;
pub(crate) mod surroundings;
mod systemd;
pub(crate) mod variables;
mod volumes;
mod words;

pub use load::{Loaded, Request, is_of_wharfd, load, override_of, project_name_of};
pub use model::*;
