//! What the documents say is shown by a test, is.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all functions in the sources of a directory.
fn functions(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| {
                line.trim_start().trim_start_matches("async ").strip_prefix("fn ")?.split('(').next()
            });
            found.extend(names.map(str::to_owned));
        }
    }
}

/// Names of tests are sentences.
fn named_tests(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.split('`').skip(1).step_by(2).filter(is_name).filter(|word| word.matches('_').count() >= 4)
}

#[test]
fn each_test_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut there = BTreeSet::new();
    functions(&root.join("tests"), &mut there);
    functions(&root.join("src"), &mut there);
    let mut missing = Vec::new();
    for (document, least) in [("SECURITY.md", 30), ("packaging/manual/faults.md", 20), ("packaging/security.md", 10)] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let named: BTreeSet<&str> = named_tests(&text).collect();
        assert!(named.len() >= least, "{document} names {} tests", named.len());
        missing
            .extend(named.into_iter().filter(|name| !there.contains(*name)).map(|name| format!("{document}: {name}")));
    }
    assert_eq!(missing, [""; 0]);
}

#[test]
fn each_outcome_of_a_fault_names_the_test_that_shows_it() {
    let text = include_str!("../packaging/manual/faults.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| when"));
    let unshown: Vec<&str> =
        rows.filter(|row| named_tests(row.rsplit(" | ").next().unwrap()).next().is_none()).collect();
    assert_eq!(unshown, [""; 0]);
}
