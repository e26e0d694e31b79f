//! Every key that a stack file can have: what it takes, what it means, and whether it is honoured.
//!
//! In: nothing, these are constants. Out: the one table that the decoders, the manual's page `keys.md`, the JSON schema and the
//! refusals are made from. Invariant: a key is honoured here if and only if a decoder asks for it.
//!
//! Source: the Compose Specification's schema; Wharf's own keys are marked as such.

mod build;
mod deploy;
mod empty;
mod manual;
mod resources;
mod schema;
mod service;
mod table;
mod tables;
mod top;
mod walk;

pub use empty::{is_default, is_skipped};
pub use manual::manual;
pub use schema::schema;
pub use table::{Form, Key, State, Table, Takes};
pub use walk::{root, walk};

pub(super) use build::{BUILD, BUILD_SECRET};
pub(super) use deploy::*;
pub(super) use resources::*;
pub(super) use service::SERVICE;
pub(super) use tables::*;
pub(super) use top::*;
