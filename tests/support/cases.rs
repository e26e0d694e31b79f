//! Cases that are directories: what goes in, and what is expected to come out.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

pub struct Case {
    pub name: String,
    /// Relative to the package, which is where tests run: so diagnostics show the same path everywhere.
    pub directory: PathBuf,
}

/// Each directory of a directory, by name.
pub fn cases(parent: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = fs::read_dir(parent)
        .expect("tests run in the package's directory")
        .map(|entry| entry.expect("a directory can be listed").path())
        .map(|directory| Case { name: directory.file_name().unwrap().to_str().unwrap().to_owned(), directory })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    /// A file of the case; empty if there is none.
    pub fn text(&self, file: &str) -> String {
        fs::read_to_string(self.directory.join(file)).unwrap_or_default()
    }

    /// Its `environment`: the process's, one `NAME=value` a line.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let text = self.text("environment");
        let given = text.lines().filter_map(|line| line.split_once('='));
        given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Whether expectations are to be rewritten: `UPDATE=1`.
pub fn update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// Where two texts differ, as `diff -u` shows it.
pub fn difference(name: &str, expected: &str, got: &str) -> Option<String> {
    let diff = similar::TextDiff::from_lines(expected, got);
    (expected != got).then(|| diff.unified_diff().header(name, "now").to_string())
}
