//! Which keys the decoders ask for, noted in tests.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::stack::keys::Table;

thread_local! {
    static ASKED: RefCell<BTreeSet<(&'static str, &'static str)>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes that a decoder asks for a key of a table.
pub fn note(table: &Table, key: &'static str) {
    ASKED.with_borrow_mut(|asked| asked.insert((table.id, key)));
}

/// Whether a decoder has asked for a key of a table on this thread.
pub fn has_been(table: &Table, key: &'static str) -> bool {
    ASKED.with_borrow(|asked| asked.contains(&(table.id, key)))
}
