//! systemd's unit-file language: sections, directives, quoting and escaping.
//!
//! In: names and values as plain strings. Out: the text of a unit file that systemd reads back as exactly those strings.
//! Invariant: nothing of containers is known here; every string a caller passes survives systemd's parser, or is refused.

mod file;
mod installed;
mod mark;
mod name;
mod quote;

pub use file::{Section, UnitFile};
pub use installed::{InstalledUnit, UnreadableDirectory, installed_units, is_unit_name};
pub use mark::{Mark, owner_of};
pub use name::{escape, slice_name};
pub use quote::{Unwritable, command_line, path_word, text};
