//! The config hash: by it a changed definition is told from an unchanged one.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of the JSON of `definition` with sorted keys.
pub fn config_hash<T: Serialize>(definition: &T) -> String {
    let json =
        serde_json::to_value(definition).expect("the engine's models are plain data with string keys").to_string();
    text_hash(&json)
}

/// SHA-256, in hexadecimal.
pub fn text_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
