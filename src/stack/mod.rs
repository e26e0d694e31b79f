//! What the user wrote: a stack file, read into typed keys.
//!
//! In: the text of a TOML stack file, the environment for interpolation, and the env files that it names. Out: a [`Stack`] in
//! which every short syntax, default name and relative path is resolved, or all errors at once, each with its place.
//! Invariant: no unit, no engine and no host is known here; a [`Stack`] that comes out of this room is valid in itself.

pub mod model;

pub use model::*;
