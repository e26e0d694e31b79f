//! One value of a tree, read as the type that a key takes.

use super::misplaced::misplaced;
use crate::diagnostic::Place;
use crate::stack::keys;
use crate::stack::problem::{Expected, Invalid, Misplaced, Problem, Report, Shape};
use crate::stack::text::node::{Entry, Node, Value};

/// A value, the name that messages use for it, and the report for what is wrong with it.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub key: &'a str,
    /// Where the key stands; for an element of a list, where the element stands.
    pub key_place: &'a Place,
    pub node: &'a Node,
    pub report: &'a Report,
}

/// A string of a list.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub text: &'a str,
    pub item: Item<'a>,
}

/// One `KEY=VALUE` of a list or one entry of a table; without a value in a list, `KEY` alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<'a> {
    pub key: String,
    pub value: Option<String>,
    pub place: &'a Place,
}

impl<'a> Item<'a> {
    /// An entry of a table.
    pub fn of(entry: &'a Entry, report: &'a Report) -> Self {
        Self { key: &entry.key, key_place: &entry.key_place, node: &entry.node, report }
    }

    /// A value that has no key of its own: messages call it `key`.
    pub fn named(key: &'a str, node: &'a Node, report: &'a Report) -> Self {
        Self { key, key_place: &node.place, node, report }
    }

    /// An element of this list.
    pub fn element(&self, node: &'a Node) -> Self {
        Self::named(self.key, node, self.report)
    }

    pub fn place(&self) -> &'a Place {
        &self.node.place
    }

    /// Reports a problem of the value.
    pub fn add(&self, problem: impl Problem) {
        self.report.add(self.place(), problem);
    }

    /// What a parser made of the value, or a report of why it could not.
    pub fn accept<T>(&self, result: Result<T, Invalid>) -> Option<T> {
        self.report.accept(self.place(), result)
    }

    /// Where its key belongs, if a `[table]` header took it from there.
    pub fn misplaced(&self) -> Option<Misplaced> {
        misplaced(self.key, self.key_place)
    }

    pub fn wrong_type(&self, expected: Expected) {
        if self.node.value != Value::Faulty {
            let misplaced = self.misplaced();
            self.add(Shape::WrongType { key: self.key.to_owned(), expected, found: self.node.kind(), misplaced });
        }
    }

    pub fn str(&self) -> Option<&'a str> {
        self.str_as(Expected::String)
    }

    fn str_as(&self, expected: Expected) -> Option<&'a str> {
        match &self.node.value {
            Value::String(text) => Some(text),
            _ => {
                self.wrong_type(expected);
                None
            }
        }
    }

    pub fn string(&self) -> Option<String> {
        self.str().map(str::to_owned)
    }

    /// A string, number or boolean as text.
    pub fn scalar(&self) -> Option<String> {
        let text = self.node.scalar();
        if text.is_none() {
            self.wrong_type(Expected::Scalar);
        }
        text
    }

    /// A boolean, or a string that an interpolated variable made of one.
    pub fn boolean(&self) -> Option<bool> {
        match &self.node.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" => Some(true),
                "false" | "no" | "n" | "off" => Some(false),
                _ => {
                    self.add(Invalid::Boolean { value: text.clone() });
                    None
                }
            },
            _ => {
                self.wrong_type(Expected::Boolean);
                None
            }
        }
    }

    /// An integer of at least `least`, or a string of digits.
    pub fn integer(&self, least: i64) -> Option<i64> {
        let number = match &self.node.value {
            Value::Integer(number) => Some(*number),
            Value::String(text) => {
                self.accept(text.trim().parse().map_err(|_| Invalid::Integer { value: text.clone() }))
            }
            _ => {
                self.wrong_type(Expected::Integer);
                None
            }
        }?;
        if number < least {
            self.add(Invalid::TooSmall { key: self.key.to_owned(), number, least });
            return None;
        }
        Some(number)
    }

    /// A string that a parser understands.
    pub fn parse<T>(&self, expected: Expected, parser: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        // Another error would not be shown, and a value is of no use any more.
        if self.report.is_full() {
            return None;
        }
        self.accept(parser(self.str_as(expected)?))
    }

    /// The elements of a list; `None` if it is not a list, which is reported.
    pub fn list(&self, expected: Expected) -> Option<impl Iterator<Item = Item<'a>> + use<'a>> {
        let Value::Array(nodes) = &self.node.value else {
            self.wrong_type(expected);
            return None;
        };
        let list = *self;
        Some(nodes.iter().filter(move |node| !list.skips(node)).map(move |node| list.element(node)))
    }

    /// Whether an element of this list is none: an empty string in a list from which Compose leaves it out.
    fn skips(&self, element: &Node) -> bool {
        matches!(&element.value, Value::String(text) if text.is_empty()) && keys::is_skipped(self.key)
    }

    /// The elements of a list; none if it is not a list, which is reported.
    pub fn elements(&self, expected: Expected) -> impl Iterator<Item = Item<'a>> + use<'a> {
        self.list(expected).into_iter().flatten()
    }

    /// A list of strings; elements of another type are reported and left out.
    pub fn string_list(&self) -> Option<Vec<Text<'a>>> {
        let elements = self.list(Expected::StringList)?;
        Some(elements.filter_map(|item| Some(Text { text: item.str_as(Expected::Element)?, item })).collect())
    }

    /// A string, or a list of strings.
    pub fn strings(&self) -> Option<Vec<Text<'a>>> {
        match &self.node.value {
            Value::String(text) => Some(vec![Text { text, item: *self }]),
            Value::Array(_) => self.string_list(),
            _ => {
                self.wrong_type(Expected::Strings);
                None
            }
        }
    }

    /// A string or a list of strings which each pass a parser.
    pub fn parse_strings<T>(&self, parser: impl Fn(&str) -> Result<T, Invalid>) -> Vec<T> {
        let texts = self.strings().unwrap_or_default();
        let parsed = texts.iter().take_while(|_| !self.report.is_full());
        parsed.filter_map(|text| text.item.accept(parser(text.text))).collect()
    }

    /// `["KEY=VALUE", "KEY"]` or `{ KEY = "VALUE" }`, the two forms of `environment`, `labels` and `sysctls`.
    pub fn pairs(&self) -> Vec<Pair<'a>> {
        match &self.node.value {
            Value::Array(nodes) => {
                let nodes = nodes.iter().filter(|node| !self.skips(node));
                nodes.filter_map(|node| self.element(node).listed_pair()).collect()
            }
            Value::Table(table) => {
                let entries = table.entries.iter().map(|entry| Item::of(entry, self.report));
                entries.filter_map(|item| item.tabled_pair()).collect()
            }
            _ => {
                self.wrong_type(Expected::ListOrTable);
                Vec::new()
            }
        }
    }

    fn listed_pair(&self) -> Option<Pair<'a>> {
        let text = self.str_as(Expected::Element)?;
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        if key.is_empty() {
            self.add(Shape::NotAnAssignment { key: self.key.to_owned(), text: text.to_owned() });
            return None;
        }
        Some(Pair { key: key.to_owned(), value, place: self.place() })
    }

    fn tabled_pair(&self) -> Option<Pair<'a>> {
        let value = if self.node.value == Value::Null { None } else { Some(self.scalar()?) };
        if let Some(misplaced) = self.misplaced() {
            self.report.add(self.key_place, Shape::TakenAsEntry { key: self.key.to_owned(), misplaced });
        }
        Some(Pair { key: self.key.to_owned(), value, place: self.key_place })
    }

    /// The entries of a table whose keys the user chooses; null is an empty table.
    pub fn entries(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let report = self.report;
        self.table_entries().iter().map(move |entry| Item::of(entry, report))
    }

    /// As [`Item::entries`], without a report.
    pub fn table_entries(&self) -> &'a [Entry] {
        match &self.node.value {
            Value::Table(table) => table.entries.as_slice(),
            Value::Null => &[],
            _ => {
                self.wrong_type(Expected::Table);
                &[]
            }
        }
    }
}
