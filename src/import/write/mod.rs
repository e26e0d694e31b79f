//! A tree → the text of a TOML stack file that a person would have written.
//!
//! In: a table, and the comments of the files that it comes from. Out: TOML. Services, networks and their like are `[tables]`,
//! small tables in them dotted keys, lists stand on one line as long as they fit. Keys keep their order as far as TOML lets
//! them: in each table first the plain keys, then the tables.
//! Invariant: a TOML parser reads back the same tree, but for null values, of which a comment is left.

mod text;

use super::yaml::{Around, Comments};
use crate::stack::text::node::{Entry, Node, Table, Value};

pub use text::go_float;
use text::{WIDTH, key, scalar};

/// The file's text, without what could not be carried over.
pub fn write(root: &Table, comments: &mut Comments) -> String {
    let mut writer = Writer { out: String::new(), comments };
    let head = std::mem::take(&mut writer.comments.head);
    head.iter().for_each(|comment| writer.line(comment));
    if !head.is_empty() && !root.entries.is_empty() {
        writer.line("");
    }
    writer.table(root, &[]);
    writer.out
}

/// A list item or an inline table is written on a line of its own up to this width; beyond it tables get headers.
const INLINE_WIDTH: usize = 110;

struct Writer<'a> {
    out: String,
    comments: &'a mut Comments,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn lines(&mut self, lines: &[String]) {
        lines.iter().for_each(|line| self.line(line));
    }

    fn blank_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// What stands in a table whose header, if it needs one, is written: plain keys, then tables.
    fn table(&mut self, table: &Table, path: &[&str]) {
        let (plain, headed): (Vec<&Entry>, Vec<&Entry>) =
            table.entries.iter().partition(|entry| !needs_header(entry, path.len()));
        for entry in plain {
            self.plain(entry, &[]);
        }
        for entry in headed {
            self.headed(entry, path);
        }
    }

    /// `key = value`, or a line for each leaf of a small table.
    fn plain(&mut self, entry: &Entry, before: &[&str]) {
        let around = self.comments.take(&entry.key_place);
        self.lines(&around.above);
        let mut path = before.to_vec();
        path.push(&entry.key);
        match &entry.node.value {
            Value::Table(table) if !table.entries.is_empty() => {
                self.lines(&around.after);
                table.entries.iter().for_each(|entry| self.plain(entry, &path));
            }
            Value::Null | Value::Faulty => self.line(&format!("# {} has no value", dotted(&path))),
            _ => {
                let value = self.value(&entry.node);
                self.line(&format!("{} = {value}{}", dotted(&path), after(&around.after)));
            }
        }
        self.lines(&around.below);
    }

    /// `[path.key]` and what stands in it, or `[[path.key]]` for each item of a list.
    fn headed(&mut self, entry: &Entry, before: &[&str]) {
        let mut path = before.to_vec();
        path.push(&entry.key);
        let around = self.comments.take(&entry.key_place);
        match &entry.node.value {
            Value::Array(items) => {
                let mut around = around.clone();
                for item in items {
                    around = self.item(item, &path, around);
                }
                self.lines(&around.below);
            }
            Value::Table(table) => {
                if !around.above.is_empty() {
                    self.blank_line();
                    self.lines(&around.above);
                }
                if says_header(table, path.len()) {
                    if around.above.is_empty() {
                        self.blank_line();
                    }
                    self.line(&format!("[{}]{}", dotted(&path), after(&around.after)));
                } else {
                    self.lines(&around.after);
                }
                self.table(table, &path);
                self.lines(&around.below);
            }
            _ => {}
        }
    }

    /// One `[[path]]`; gives back the list's own comments, which stand at its first item.
    fn item(&mut self, item: &Node, path: &[&str], list: Around) -> Around {
        let own = self.comments.take(&item.place);
        self.blank_line();
        self.lines(&list.above);
        self.lines(&own.above);
        let after_header: Vec<String> = list.after.into_iter().chain(own.after).collect();
        self.line(&format!("[[{}]]{}", dotted(path), after(&after_header)));
        if let Value::Table(table) = &item.value {
            self.table(table, path);
        }
        self.lines(&own.below);
        Around { below: list.below, ..Around::default() }
    }

    fn value(&mut self, node: &Node) -> String {
        match &node.value {
            Value::Array(items) => self.list(items),
            _ => inline(node, false),
        }
    }

    /// On one line if it fits and nobody commented on it.
    fn list(&mut self, items: &[Node]) -> String {
        let arounds: Vec<Around> = items.iter().map(|item| self.around_all(item)).collect();
        let texts: Vec<String> = items.iter().map(|item| inline(item, false)).collect();
        let one_line = format!("[{}]", texts.join(", "));
        let is_short = one_line.chars().count() <= WIDTH && !one_line.contains('\n');
        if is_short && arounds.iter().all(|around| *around == Around::default()) {
            return one_line;
        }
        let mut list = String::from("[\n");
        for (text, around) in texts.iter().zip(arounds) {
            let comment = |comment: &String| format!("    {comment}\n");
            list.extend(around.above.iter().map(comment));
            list.push_str(&format!("    {text},{}\n", after(&around.after)));
            list.extend(around.below.iter().map(comment));
        }
        list.push(']');
        list
    }

    /// The comments at an item and everywhere inside it.
    fn around_all(&mut self, node: &Node) -> Around {
        let mut around = self.comments.take(&node.place);
        let inside: Vec<Around> = match &node.value {
            Value::Array(items) => items.iter().map(|item| self.around_all(item)).collect(),
            Value::Table(table) => {
                let entries = table.entries.iter();
                entries.flat_map(|entry| [self.comments.take(&entry.key_place), self.around_all(&entry.node)]).collect()
            }
            _ => Vec::new(),
        };
        for other in inside {
            around.above.extend(other.above);
            around.above.extend(other.after);
            around.above.extend(other.below);
        }
        around
    }
}

fn dotted(path: &[&str]) -> String {
    path.iter().map(|part| key(part)).collect::<Vec<String>>().join(".")
}

/// Comments at the end of a line.
fn after(comments: &[String]) -> String {
    comments.iter().map(|comment| format!("  {comment}")).collect()
}

/// A value without a line of its own; the strings in an inline table stay on its line.
fn inline(node: &Node, in_table: bool) -> String {
    match &node.value {
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().filter(|item| !is_null(item)).map(|item| inline(item, in_table)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let entries = table.entries.iter().filter(|entry| !is_null(&entry.node));
            let entries: Vec<String> =
                entries.map(|entry| format!("{} = {}", key(&entry.key), inline(&entry.node, true))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        _ => scalar(node, in_table).unwrap_or_else(|| "\"\"".to_owned()),
    }
}

fn is_null(node: &Node) -> bool {
    matches!(node.value, Value::Null | Value::Faulty)
}

/// Whether a value is written under a header of its own; `depth` is how many keys lead to the table that holds it.
fn needs_header(entry: &Entry, depth: usize) -> bool {
    match &entry.node.value {
        Value::Table(_) if depth < 2 => true,
        Value::Table(table) => !table.entries.is_empty() && !is_small(&entry.node),
        Value::Array(items) => {
            let all_tables = items.iter().all(|item| matches!(item.value, Value::Table(_)));
            all_tables && items.iter().any(|item| inline(item, false).chars().count() > INLINE_WIDTH)
        }
        _ => false,
    }
}

/// Whether a table's header is written although the headers of its own tables imply it.
fn says_header(table: &Table, depth: usize) -> bool {
    depth == 2 || table.entries.is_empty() || table.entries.iter().any(|entry| !needs_header(entry, depth))
}

/// Few enough leaves to be read as dotted keys: two, or more if headers would be as many.
fn is_small(node: &Node) -> bool {
    let Value::Table(table) = &node.value else { return false };
    let only_tables = table.entries.iter().all(|entry| matches!(entry.node.value, Value::Table(_)));
    let most = if only_tables { 6 } else { 2 };
    leaves(node, 0).is_some_and(|leaves| leaves <= most)
}

/// How many lines a value takes as dotted keys; `None` if it is not to be written so.
fn leaves(node: &Node, depth: usize) -> Option<usize> {
    match &node.value {
        Value::Table(table) if !table.entries.is_empty() => {
            if depth > 3 {
                return None;
            }
            table.entries.iter().map(|entry| leaves(&entry.node, depth + 1)).sum()
        }
        Value::Array(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => None,
        _ => Some(1),
    }
}
