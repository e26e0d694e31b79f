//! The config hash: it shows whether a definition has changed.

use serde::Serialize;

use crate::name::SpecHash;
use crate::spec::json::{self, Layout};

/// The hash of the JSON of `definition` with sorted keys.
pub fn config_hash<T: Serialize>(definition: &T) -> SpecHash {
    text_hash(&json::sorted(definition, Layout::Compact))
}

pub fn text_hash(text: &str) -> SpecHash {
    SpecHash::of(text.as_bytes())
}
