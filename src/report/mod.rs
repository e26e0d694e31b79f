//! What an administrator looks at: which projects stand on this host, how they fare, how their containers differ from their
//! definitions, and what happened to them.
//!
//! In: the files in systemd's unit directories, systemd's own properties, what wharfd knows, and the journal. Out: typed facts, a
//! table or JSON. Invariant: this room only reads; it works without the engine, and without a stack file.

pub mod difference;
pub mod history;
pub mod installed;
pub mod status;

pub use installed::InstalledProject;

/// A text from elsewhere, as it may be shown: what a container prints, or what a program calls itself, must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
