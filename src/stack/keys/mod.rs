//! Every key that a stack file can have: what it takes, what it means, and whether it is honoured.
//!
//! In: nothing, these are constants. Out: the one table that the decoders, the manual's page `keys.md`, the JSON schema and the
//! refusals are made from. Invariant: a key is honoured here if and only if a decoder asks for it.
//!
//! Source: the Compose Specification's schema; Wharf's own keys are marked as such.

#[cfg(test)]
pub(super) mod asked;
mod build;
mod deploy;
mod manual;
mod schema;
mod service;
mod tables;
mod takes;
mod top;

pub use manual::manual;
pub use schema::schema;
pub use takes::{Form, Takes};

pub(super) use build::{BUILD, BUILD_SECRET};
pub(super) use deploy::*;
pub(super) use service::SERVICE;
pub(super) use tables::*;
pub(super) use top::*;

/// A table whose keys are fixed.
#[derive(Debug)]
pub struct Table {
    /// Its name in the JSON schema's definitions.
    pub id: &'static str,
    /// What it is, as a heading.
    pub title: &'static str,
    /// All its keys, in the order of the alphabet.
    pub keys: &'static [Key],
    /// Those without which it is incomplete.
    pub required: &'static [&'static str],
}

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// What it means, in a line.
    pub says: &'static str,
    pub takes: Takes,
    pub state: State,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Carried out; as what: a directive, a field of the Engine API, or a sentence.
    Honoured(&'static str),
    /// The same for a key that the Compose Specification does not have.
    Own(&'static str),
    /// Taken with a warning, because it has no effect.
    Ignored(&'static str),
    /// An error.
    Refused {
        /// Completes "cannot be honoured: ".
        because: &'static str,
        /// What to do, in the imperative.
        instead: &'static str,
    },
}

const fn honoured(name: &'static str, takes: Takes, says: &'static str, as_what: &'static str) -> Key {
    Key { name, says, takes, state: State::Honoured(as_what) }
}

const fn own(name: &'static str, takes: Takes, says: &'static str, as_what: &'static str) -> Key {
    Key { name, says, takes, state: State::Own(as_what) }
}

const fn ignored(name: &'static str, takes: Takes, says: &'static str, because: &'static str) -> Key {
    Key { name, says, takes, state: State::Ignored(because) }
}

const fn refused(name: &'static str, says: &'static str, because: &'static str, instead: &'static str) -> Key {
    Key { name, says, takes: Takes::Anything, state: State::Refused { because, instead } }
}

impl Table {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    /// Whether it may be written.
    pub fn is_taken(&self) -> bool {
        !matches!(self.state, State::Refused { .. })
    }

    /// Whether it does something: a decoder reads it.
    pub fn is_honoured(&self) -> bool {
        matches!(self.state, State::Honoured(_) | State::Own(_))
    }
}

/// The top level of a stack file, and through it every table.
pub fn root() -> &'static Table {
    &top::STACK
}

/// Calls `visit` with every key and its path, as in `services.*.build.args`: `*` stands for a name that the user chooses, `[]` for
/// each element of a list.
pub fn walk(visit: &mut dyn FnMut(&str, &'static Table, &'static Key)) {
    walk_table("", root(), visit);
}

fn walk_table(path: &str, table: &'static Table, visit: &mut dyn FnMut(&str, &'static Table, &'static Key)) {
    for key in table.keys {
        let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        visit(&path, table, key);
        walk_takes(&path, &key.takes, visit);
    }
}

fn walk_takes(path: &str, takes: &'static Takes, visit: &mut dyn FnMut(&str, &'static Table, &'static Key)) {
    match takes {
        Takes::Table(table) => walk_table(path, table, visit),
        Takes::List(element) => walk_takes(&format!("{path}.[]"), element, visit),
        Takes::Named(value) | Takes::Map(value) => walk_takes(&format!("{path}.*"), value, visit),
        Takes::Either(several) => several.iter().for_each(|takes| walk_takes(path, takes, visit)),
        _ => {}
    }
}
