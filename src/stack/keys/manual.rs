//! The table of keys as a page of the manual.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::table::{Key, State, Table, Takes};
use super::walk::{root, walk};

const HEAD: &str = "\
# The keys of a stack file

All keys of the Compose Specification and of Wharf's own, with their values and effects. A *refused* key is an error; the message
has its line, the reason and an alternative. An *ignored* key is a warning. A key that is not on this page is an error. Keys that
begin with `x-` are ignored. This page and the JSON schema (`wharf schema`) are generated from the table by which Wharf reads
stack files.

In strings, `${VARIABLE}` is replaced with the value of an environment variable. Booleans, numbers and sizes may also be written
as strings, so that they can come from variables.

";

/// The page `keys.md`: a section for each table of a stack file, a line for each key.
pub fn manual() -> String {
    let sections = sections();
    let mut page = HEAD.to_owned();
    let count = |taken| sections.iter().flat_map(|s| s.table.keys).filter(|key| key.is_taken() == taken).count();
    // Writing into a string cannot fail.
    let _ = writeln!(page, "{} keys may be written, {} are refused.", count(true), count(false));
    for section in &sections {
        let _ = write!(page, "\n## {}\n\n", section.heading());
        page.push_str("| key | value | meaning | effect |\n|---|---|---|---|\n");
        for key in section.table.keys {
            page.push_str(&row(key));
        }
    }
    page
}

struct Section {
    table: &'static Table,
    /// Where in a stack file it is found.
    paths: Vec<String>,
}

/// Each table once, in the order in which a reader comes across them.
fn sections() -> Vec<Section> {
    let mut sections = vec![Section { table: root(), paths: Vec::new() }];
    let mut index = BTreeMap::new();
    walk(&mut |path, _, key| {
        for table in key.takes.tables() {
            let at = *index.entry(table.id).or_insert_with(|| {
                sections.push(Section { table, paths: Vec::new() });
                sections.len() - 1
            });
            sections[at].paths.push(written(path, &key.takes));
        }
    });
    sections
}

/// The path of a table as a heading of TOML shows it.
fn written(path: &str, takes: &Takes) -> String {
    let path = path.replace(".[]", "").replace('*', "NAME");
    match takes {
        Takes::List(_) => format!("[[{path}]]"),
        Takes::Either(several) => {
            several.iter().find(|takes| !takes.tables().is_empty()).map_or(path.clone(), |takes| written(&path, takes))
        }
        Takes::Named(_) | Takes::Map(_) => format!("[{path}.NAME]"),
        _ => format!("[{path}]"),
    }
}

impl Section {
    fn heading(&self) -> String {
        let mut title = self.table.title.to_owned();
        title[..1].make_ascii_uppercase();
        let paths: Vec<String> = self.paths.iter().map(|path| format!("`{path}`")).collect();
        if paths.is_empty() { title } else { format!("{title}: {}", paths.join(", ")) }
    }
}

fn row(key: &Key) -> String {
    let state = match key.state {
        State::Honoured(as_what) => as_what.to_owned(),
        State::Own(as_what) => format!("{as_what} (Wharf's own key)"),
        State::Ignored(because) => format!("*ignored*: {because}"),
        State::Refused { because, instead } => format!("*refused*: {because}; {instead}"),
    };
    let cells = [format!("`{}`", key.name), key.takes.name(), key.says.to_owned(), state];
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}
