//! Text → tree: files, TOML with the place of every value, variables, env files.
//!
//! In: paths, and the environment's variables. Out: [`node::Node`] trees, lists of variables, and the scopes that say what paths
//! and variables mean in each file. Invariant: no key's meaning is known here.

pub mod env_file;
pub mod files;
pub mod from_toml;
pub mod host_path;
mod mistake;
pub mod node;
pub mod surroundings;
pub mod variables;
