//! Several files and services → one tree: override files, `include`, `extends`.
//!
//! In: the stack's files in the order of their merging. Out: one [`Node`] tree without `include` and `extends`, in which every
//! value has the place where it was written, and the [`Scopes`] that say what paths and variables mean at each place.
//! Invariant: hostile input ends: files, chains and inherited values are counted. Nothing here knows what a service's key means,
//! but for the rules of merging (`rules`).
//!
//! Source: Compose Specification, Merge and override, Include, services, extends. As in the reference implementation, a file's
//! variables are replaced first, then what it includes is added, then its services are extended, then the next file is merged over.

mod composer;
mod extends;
mod include;
mod language;
pub mod merge;
mod rules;

pub use composer::{Composer, Parsed, read};
pub use language::{Language, Toml};
