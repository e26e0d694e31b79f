//! Typed reading of trees.
//!
//! In: [`Node`](super::text::node::Node) trees, and the table of keys. Out: plain Rust values, or `None` after reporting why not.
//! Invariant: reading never stops at an error, and a table that is read to its end has reported every key that nobody asked for.

#[cfg(test)]
pub mod asked;
pub mod commands;
mod item;
pub mod maps;
mod misplaced;
pub mod quantities;
mod table;

pub use item::{Item, Text};
pub use table::Fields;
