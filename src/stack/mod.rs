//! What the user wrote: a stack file, read into typed keys.
//!
//! In: the text of TOML stack files, the environment for interpolation, and the files that they name. Out: a [`Stack`] in
//! which every short syntax, default name and relative path is resolved, or all errors at once, each with its place.
//! Invariant: no unit and no engine is known here, and the host is only asked whether bind sources exist; a [`Stack`] that
//! comes out of this room is valid in itself.
//!
//! A pipeline of rooms, each of which uses only those above it in this list:
//! - `problem`: what can be wrong, and the words for it
//! - `model`: the typed stack
//! - `grammar`: one string → value
//! - `text`: files → trees with places
//! - `keys`: the one table of keys
//! - `fields`: typed reading of a tree by that table
//! - `composition`: several files → one tree
//! - `decode`: tree → model
//! - `check`: what only shows between keys
//! - `lock`: the digests of images, beside the stack file
//! - [`load()`], and `examine` for trees that did not come from a stack file

mod check;
pub(crate) mod composition;
mod decode;
pub(crate) mod examine;
mod fields;
pub(crate) mod grammar;
pub mod keys;
pub(crate) mod load;
pub mod lock;
pub mod model;
pub(crate) mod problem;
pub(crate) mod text;

pub use grammar::interpolate::Lookup;
pub(crate) use grammar::interpolate::interpolate;
pub use load::{Loaded, Request, load, override_of, project_name_of};
pub use model::*;
pub use text::files::is_of_wharfd;
