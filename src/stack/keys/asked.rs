//! Which keys the decoders ask for, in tests: exactly those that the table says are taken.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;

use super::{Table, walk};
use crate::stack::{Request, load};

thread_local! {
    static ASKED: RefCell<BTreeSet<(&'static str, &'static str)>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes that a decoder asks for a key of a table.
pub fn note(table: &Table, key: &'static str) {
    ASKED.with_borrow_mut(|asked| asked.insert((table.id, key)));
}

/// Loads the stack of every case, valid or not.
fn load_all(directory: &str) {
    for case in fs::read_dir(directory).unwrap().flat_map(|case| fs::read_dir(case.unwrap().path()).unwrap()) {
        let path = case.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            let environment = |name: &str| (name == "HOME").then(|| "/home/ada".to_owned());
            let _valid_or_not = load(&Request::of_stack(&path, &environment));
        }
    }
}

/// That no decoder asks for a key that is not honoured, `Fields` asserts itself.
#[test]
fn every_honoured_key_is_read_by_a_decoder() {
    load_all("tests/cases");
    load_all("tests/invalid");
    let mut unread = Vec::new();
    walk(&mut |path, table, key| {
        if key.is_honoured() && !ASKED.with_borrow(|asked| asked.contains(&(table.id, key.name))) {
            unread.push(path.to_owned());
        }
    });
    assert!(unread.is_empty(), "no decoder reads {unread:#?}");
}
