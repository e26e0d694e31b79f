//! systemd's unit-file language: sections, directives, quoting and escaping.
//!
//! In: names and values as plain strings. Out: the text of a unit file that systemd reads back as exactly those strings.
//! Invariant: nothing of containers is known here; every string a caller passes survives systemd's parser, or is refused.

mod file;
mod quote;

pub use file::{Section, UnitFile};
pub use quote::{Unwritable, command_line, path_word, text};
