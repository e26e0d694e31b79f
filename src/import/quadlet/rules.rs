//! How lines become keys: the few kinds of translation that most keys need.

use std::collections::BTreeMap;

use super::unit::{Line, Unit};
use super::words::words;
use super::{Quadlet, entry};
use crate::diagnostic::{Diagnostic, Place};
use crate::import::judge::Remark;
use crate::import::problem::{Problem, QuadletFault, Wording};
use crate::stack::text::node::{Entry, Node, Table, Value};

/// What to do about a key that has no effect here.
pub const REMOVE: &str = "remove it";

pub fn string(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

/// What becomes of a key of Quadlet's.
pub enum Rule {
    /// The last value, as a string.
    Text(&'static str),
    /// The last value, as a whole number or as text.
    Number(&'static str),
    /// The last value, as a boolean.
    Boolean(&'static str),
    /// Each value is an element.
    Values(&'static str),
    /// Each word of each value is an element.
    Words(&'static str),
    /// Each word of each value is `KEY=VALUE`.
    Pairs(&'static str),
    /// A function of its own.
    By(fn(&mut Translation<'_>, &Line)),
    /// It has no effect here that is worth a word.
    Nothing,
    /// There is no such key: why, and what to do.
    No(&'static str, &'static str),
}

/// One unit on its way into a table.
pub struct Translation<'q> {
    pub quadlet: &'q Quadlet,
    pub unit: &'q Unit,
    /// The service, network or volume.
    pub table: Table,
    /// What has to be declared for it: the table, the name, the value.
    pub declared: Vec<(&'static str, String, Node)>,
    pub lost: Vec<Remark>,
}

impl<'q> Translation<'q> {
    pub fn new(quadlet: &'q Quadlet, unit: &'q Unit) -> Self {
        Self { quadlet, unit, table: Table::default(), declared: Vec::new(), lost: Vec::new() }
    }

    /// Carries out the rules for the lines of the unit's own section, in the order of the file.
    pub fn apply(&mut self, rules: &'static [(&'static str, Rule)]) {
        let unit = self.unit;
        let rules: BTreeMap<&str, &Rule> = rules.iter().map(|(key, rule)| (*key, rule)).collect();
        for line in unit.lines.iter().filter(|line| line.section == unit.kind.section()) {
            let Some(rule) = rules.get(line.key.as_str()) else {
                self.lose(
                    line,
                    "Quadlet does not have it either, or it is newer than this version of Wharf",
                    "remove it",
                );
                continue;
            };
            let lines = unit.own(&line.key);
            // Of these, the last counts.
            let is_single = matches!(rule, Rule::Text(_) | Rule::Number(_) | Rule::Boolean(_));
            let counts = lines.iter().any(|other| other.place == line.place);
            if counts && (!is_single || lines.last().is_some_and(|last| last.place == line.place)) {
                self.line(line, rule);
            }
        }
    }

    fn line(&mut self, line: &Line, rule: &Rule) {
        match rule {
            Rule::Nothing => {}
            Rule::No(because, instead) => self.lose(line, because, instead),
            Rule::By(translate) => translate(self, line),
            Rule::Values(path) => {
                if let Some(text) = self.text(line, line.unquoted()) {
                    self.push(&keys(path), text, &line.place);
                }
            }
            Rule::Words(path) => {
                for word in self.words(line) {
                    self.push(&keys(path), word, &line.place);
                }
            }
            Rule::Pairs(path) => self.pairs(path, line),
            Rule::Text(path) => {
                if let Some(text) = self.text(line, line.unquoted()) {
                    self.set(&keys(path), Value::String(text), &line.place);
                }
            }
            Rule::Number(path) => {
                if let Some(text) = self.text(line, line.unquoted()) {
                    let value = text.parse().map_or_else(|_| Value::String(text), Value::Integer);
                    self.set(&keys(path), value, &line.place);
                }
            }
            Rule::Boolean(path) => {
                if let Some(on) = self.boolean(line) {
                    self.set(&keys(path), Value::Bool(on), &line.place);
                }
            }
        }
    }

    fn pairs(&mut self, path: &'static str, line: &Line) {
        for word in self.words(line) {
            let (key, value) = word.split_once('=').unwrap_or((&word, ""));
            self.set(&[path, key], Value::String(value.to_owned()), &line.place);
        }
    }

    /// The words of a value, for a stack file.
    pub fn words(&mut self, line: &Line) -> Vec<String> {
        let Some(words) = words(&line.value) else {
            self.lose(line, "a quotation mark is not closed", "close it, and import again");
            return Vec::new();
        };
        words.into_iter().filter_map(|word| self.text(line, &word)).collect()
    }

    pub fn boolean(&mut self, line: &Line) -> Option<bool> {
        match line.value.to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" | "on" | "y" | "t" => Some(true),
            "0" | "no" | "false" | "off" | "n" | "f" => Some(false),
            _ => {
                self.lose(line, "it is not a boolean", "write `true` or `false`, and import again");
                None
            }
        }
    }

    /// A text with systemd's specifiers replaced, and every `$` as a stack file has it.
    pub fn text(&mut self, line: &Line, text: &str) -> Option<String> {
        match self.specified(text) {
            Ok(text) => Some(text.replace('$', "$$")),
            Err(specifier) => {
                let fault = QuadletFault::Specifier { key: line.key.clone(), specifier };
                self.lose_with(line, &fault);
                None
            }
        }
    }

    /// The specifiers of a system unit that have one value on every host; systemd.unit(5), "Specifiers".
    fn specified(&self, text: &str) -> Result<String, char> {
        let mut result = String::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                result.push(character);
                continue;
            }
            match characters.next() {
                None => result.push('%'),
                Some('%') => result.push('%'),
                Some('N' | 'p') => result.push_str(&self.unit.name),
                Some('n') => result.push_str(&self.unit.service_name()),
                Some('t') => result.push_str("/run"),
                Some('S') => result.push_str("/var/lib"),
                Some('C') => result.push_str("/var/cache"),
                Some('L') => result.push_str("/var/log"),
                Some('E') => result.push_str("/etc"),
                Some('T') => result.push_str("/tmp"),
                Some('V') => result.push_str("/var/tmp"),
                Some('h') => result.push_str("/root"),
                Some('u' | 'g') => result.push_str("root"),
                Some('U' | 'G') => result.push('0'),
                Some(other) => return Err(other),
            }
        }
        Ok(result)
    }

    /// Sets a key, in a table below this one if the path has several.
    pub fn set(&mut self, path: &[&str], value: Value, place: &Place) {
        *node_at(&mut self.table, path, place) = Node { value, place: place.clone() };
    }

    /// Adds a text to a list.
    pub fn push(&mut self, path: &[&str], text: String, place: &Place) {
        self.push_value(path, Value::String(text), place);
    }

    pub fn push_value(&mut self, path: &[&str], value: Value, place: &Place) {
        let node = Node { value, place: place.clone() };
        match node_at(&mut self.table, path, place) {
            Node { value: Value::Array(items), .. } => items.push(node),
            other => other.value = Value::Array(vec![node]),
        }
    }

    /// Takes elements out of a list.
    pub fn retain(&mut self, key: &str, keep: impl Fn(&Value) -> bool) {
        let entries = self.table.entries.iter_mut().filter(|entry| entry.key == key);
        for entry in entries {
            if let Value::Array(items) = &mut entry.node.value {
                items.retain(|item| keep(&item.value));
            }
        }
    }

    /// Adds a text to what may be one or a list.
    pub fn add(&mut self, path: &[&str], text: String, place: &Place) {
        let node = Node { value: Value::String(text), place: place.clone() };
        let present = node_at(&mut self.table, path, place);
        match &mut present.value {
            Value::Null => *present = node,
            Value::Array(items) => items.push(node),
            _ => present.value = Value::Array(vec![present.clone(), node]),
        }
    }

    /// Declares what the stack needs besides: a network that is there already, a volume.
    pub fn declare(&mut self, table: &'static str, name: &str, entries: Vec<Entry>) {
        let place = entries.first().map_or_else(|| self.unit.place(), |entry| entry.key_place.clone());
        self.declared.push((table, name.to_owned(), Node { value: Value::Table(Table { entries }), place }));
    }

    /// Puts a line on the list of those that could not be carried over.
    pub fn lose(&mut self, line: &Line, because: &str, instead: &str) {
        let fault = QuadletFault::NoEquivalent {
            key: line.key.clone(),
            section: line.section.clone(),
            because: because.to_owned(),
            instead: instead.to_owned(),
        };
        self.lose_with(line, &fault);
    }

    pub fn lose_with(&mut self, line: &Line, fault: &QuadletFault) {
        let Wording { message, help } = fault.wording();
        let diagnostic = Diagnostic::error(message).at(&line.place).help(help);
        self.lost.push(Remark { diagnostic, left_out: Some(format!("{}={}", line.key, line.value)) });
    }

    /// Names what is to be done for a line that is carried over.
    pub fn warn(&mut self, line: &Line, fault: &QuadletFault) {
        let Wording { message, help } = fault.wording();
        let diagnostic = Diagnostic::error(message).at(&line.place).help(help);
        self.lost.push(Remark { diagnostic, left_out: None });
    }

    /// The whole file has no equivalent.
    pub fn lose_file(&mut self) {
        self.lose_all(&QuadletFault::Kind { file: self.unit.file_name.clone() });
    }

    pub fn lose_template(&mut self) {
        self.lose_all(&QuadletFault::Template { file: self.unit.file_name.clone() });
    }

    fn lose_all(&mut self, fault: &QuadletFault) {
        let Wording { message, help } = fault.wording();
        let diagnostic = Diagnostic::error(message).at(&self.unit.place()).help(help);
        self.lost.push(Remark { diagnostic, left_out: Some(self.unit.file_name.clone()) });
    }
}

/// The node at a path; what is not there is made.
fn node_at<'t>(table: &'t mut Table, path: &[&str], place: &Place) -> &'t mut Node {
    let (last, parents) = path.split_last().map_or(("", &[][..]), |(last, parents)| (*last, parents));
    let table = parents.iter().fold(table, |table, parent| table_at(table, parent, place));
    let index = index_of(table, last, Value::Null, place);
    &mut table.entries[index].node
}

fn table_at<'t>(table: &'t mut Table, key: &str, place: &Place) -> &'t mut Table {
    let index = index_of(table, key, Value::Table(Table::default()), place);
    let value = &mut table.entries[index].node.value;
    if !matches!(value, Value::Table(_)) {
        *value = Value::Table(Table::default());
    }
    match value {
        Value::Table(inner) => inner,
        _ => unreachable!("it was made a table above"),
    }
}

/// Where a key is in a table, into which it is put if it is not there.
fn index_of(table: &mut Table, key: &str, value: Value, place: &Place) -> usize {
    table.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        table.entries.push(entry(key, value, place));
        table.entries.len() - 1
    })
}

/// `healthcheck.test`
fn keys(path: &'static str) -> Vec<&'static str> {
    path.split('.').collect()
}

/// A table of keys, all from one line.
pub fn table_of(place: &Place, entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Table(Table { entries: entries.into_iter().map(|(key, value)| entry(key, value, place)).collect() })
}
