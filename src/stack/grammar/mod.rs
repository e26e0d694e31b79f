//! What a string of a stack file says: `&str` → value.
//!
//! In: one string, as the user wrote it or as its variables came out. Out: a value of the model, or the fault. Invariant: pure; no
//! key's place, no file and no host is known here.

pub mod addresses;
pub mod amounts;
pub mod build;
pub mod calendar;
pub mod choice;
pub mod devices;
pub mod directives;
pub mod image;
pub mod interpolate;
pub mod kernel;
pub mod links;
pub mod names;
pub mod paths;
pub mod ports;
pub mod pull_policy;
pub mod security;
pub mod signals;
pub mod suggest;
pub mod units;
pub mod words;
