//! Typed reading of [`Node`] trees.
//!
//! In: tables and values. Out: plain Rust values, or `None` after reporting why not. Invariant: reading never stops at an
//! error, and a table that is read to its end has reported every key that nobody asked for.

#[cfg(test)]
pub mod asked;

use crate::diagnostic::Place;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys::{self, Key, State};
use crate::stack::problem::{Expected, Invalid, Report, Shape};
use crate::stack::text::node::{Entry, Node, Table, Value};

/// A value and the name by which messages call it.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub key: &'a str,
    pub node: &'a Node,
}

/// A string out of a list, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Text<'a> {
    pub text: &'a str,
    pub node: &'a Node,
}

/// One `KEY=VALUE` of a list or one entry of a table; without a value in a list, `KEY` alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<'a> {
    pub key: String,
    pub value: Option<String>,
    pub place: &'a Place,
}

impl<'a> Item<'a> {
    pub fn place(&self) -> &'a Place {
        &self.node.place
    }

    pub fn wrong_type(&self, expected: Expected, report: &mut Report) {
        if self.node.value == Value::Faulty {
            return;
        }
        let problem = Shape::WrongType { key: self.key.to_owned(), expected, found: self.node.kind() };
        report.add(&self.node.place, problem);
    }

    pub fn str(&self, report: &mut Report) -> Option<&'a str> {
        self.str_as(Expected::String, report)
    }

    fn str_as(&self, expected: Expected, report: &mut Report) -> Option<&'a str> {
        match &self.node.value {
            Value::String(text) => Some(text),
            _ => {
                self.wrong_type(expected, report);
                None
            }
        }
    }

    pub fn string(&self, report: &mut Report) -> Option<String> {
        self.str(report).map(str::to_owned)
    }

    /// A string, number or boolean as text.
    pub fn scalar(&self, report: &mut Report) -> Option<String> {
        let text = self.node.scalar();
        if text.is_none() {
            self.wrong_type(Expected::Scalar, report);
        }
        text
    }

    /// A boolean, or a string that an interpolated variable made of one.
    pub fn boolean(&self, report: &mut Report) -> Option<bool> {
        match &self.node.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" => Some(true),
                "false" | "no" | "n" | "off" => Some(false),
                _ => {
                    report.add(self.place(), Invalid::Boolean { value: text.clone() });
                    None
                }
            },
            _ => {
                self.wrong_type(Expected::Boolean, report);
                None
            }
        }
    }

    /// An integer from `least` up, or a string of digits.
    pub fn integer(&self, least: i64, report: &mut Report) -> Option<i64> {
        let number = match &self.node.value {
            Value::Integer(number) => Some(*number),
            Value::String(text) => match text.trim().parse() {
                Ok(number) => Some(number),
                Err(_) => {
                    report.add(self.place(), Invalid::Integer { value: text.clone() });
                    None
                }
            },
            _ => {
                self.wrong_type(Expected::Integer, report);
                None
            }
        }?;
        if number < least {
            report.add(self.place(), Invalid::TooSmall { key: self.key.to_owned(), number, least });
            return None;
        }
        Some(number)
    }

    /// A string that a parser understands.
    pub fn parse<T>(
        &self,
        expected: Expected,
        report: &mut Report,
        parser: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        // What else is wrong would not be shown, and what is right would be of no use.
        if report.is_full() {
            return None;
        }
        let text = self.str_as(expected, report)?;
        accept(parser(text), self.place(), report)
    }

    /// The elements of a list.
    pub fn elements(&self, expected: Expected, report: &mut Report) -> Option<&'a [Node]> {
        match &self.node.value {
            Value::Array(nodes) => Some(nodes),
            _ => {
                self.wrong_type(expected, report);
                None
            }
        }
    }

    /// A list of strings; elements of another type are reported and left out.
    pub fn string_list(&self, report: &mut Report) -> Option<Vec<Text<'a>>> {
        let elements = self.elements(Expected::StringList, report)?;
        let item = |node| Item { key: self.key, node };
        Some(
            elements
                .iter()
                .filter_map(|node| Some(Text { text: item(node).str_as(Expected::Element, report)?, node }))
                .collect(),
        )
    }

    /// A string, or a list of strings.
    pub fn strings(&self, report: &mut Report) -> Option<Vec<Text<'a>>> {
        match &self.node.value {
            Value::String(text) => Some(vec![Text { text, node: self.node }]),
            Value::Array(_) => self.string_list(report),
            _ => {
                self.wrong_type(Expected::Strings, report);
                None
            }
        }
    }

    /// A list of strings which each pass a parser.
    pub fn parse_strings<T>(&self, report: &mut Report, parser: impl Fn(&str) -> Result<T, Invalid>) -> Vec<T> {
        let texts = self.strings(report).unwrap_or_default();
        let mut parsed = Vec::new();
        for text in texts {
            if report.is_full() {
                break;
            }
            parsed.extend(accept(parser(text.text), &text.node.place, report));
        }
        parsed
    }

    /// `["KEY=VALUE", "KEY"]` or `{ KEY = "VALUE" }`, the two forms of `environment`, `labels` and `sysctls`.
    pub fn pairs(&self, report: &mut Report) -> Vec<Pair<'a>> {
        match &self.node.value {
            Value::Array(nodes) => {
                nodes.iter().filter_map(|node| Item { key: self.key, node }.listed_pair(report)).collect()
            }
            Value::Table(table) => table.entries.iter().filter_map(|entry| tabled_pair(entry, report)).collect(),
            _ => {
                self.wrong_type(Expected::ListOrTable, report);
                Vec::new()
            }
        }
    }

    fn listed_pair(&self, report: &mut Report) -> Option<Pair<'a>> {
        let text = self.str_as(Expected::Element, report)?;
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        if key.is_empty() {
            report.add(self.place(), Shape::NotAnAssignment { key: self.key.to_owned(), text: text.to_owned() });
            return None;
        }
        Some(Pair { key: key.to_owned(), value, place: self.place() })
    }

    /// The value as a table with these keys; `owner` is what messages call it. Null is an empty table.
    pub fn fields(&self, keys: &'static keys::Table, owner: String, report: &mut Report) -> Option<Fields<'a>> {
        let table = match &self.node.value {
            Value::Table(table) => Some(table),
            Value::Null => None,
            _ => {
                self.wrong_type(Expected::Table, report);
                return None;
            }
        };
        Some(Fields { owner, place: self.place().clone(), keys, table, known: Vec::new() })
    }

    /// The value as a table whose keys the user chooses; null is an empty table.
    pub fn entries(&self, report: &mut Report) -> &'a [Entry] {
        match &self.node.value {
            Value::Table(table) => &table.entries,
            Value::Null => &[],
            _ => {
                self.wrong_type(Expected::Table, report);
                &[]
            }
        }
    }
}

fn tabled_pair<'a>(entry: &'a Entry, report: &mut Report) -> Option<Pair<'a>> {
    let value = match &entry.node.value {
        Value::Null => None,
        _ => Some(Item { key: &entry.key, node: &entry.node }.scalar(report)?),
    };
    Some(Pair { key: entry.key.clone(), value, place: &entry.key_place })
}

/// The value, or a report of why there is none.
pub fn accept<T>(result: Result<T, Invalid>, place: &Place, report: &mut Report) -> Option<T> {
    result.map_err(|invalid| report.add(place, invalid)).ok()
}

/// A table whose keys are fixed. What is asked for becomes known; the rest is reported by [`Fields::finish`].
pub struct Fields<'a> {
    /// What messages call the table, e.g. "service `web`".
    pub owner: String,
    /// Where the table stands.
    pub place: Place,
    keys: &'static keys::Table,
    table: Option<&'a Table>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.entry(key).map(|entry| Item { key, node: &entry.node })
    }

    /// The key's entry, for those that need the place of the key itself.
    pub fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        debug_assert!(
            self.keys.key(key).is_some_and(Key::is_honoured),
            "`{key}` is not in the table of {}",
            self.keys.title
        );
        #[cfg(test)]
        asked::note(self.keys, key);
        self.known.push(key);
        self.table?.get(key).filter(|entry| entry.node.value != Value::Null)
    }

    /// Whether the user wrote the key.
    pub fn has(&self, key: &str) -> bool {
        self.table.and_then(|table| table.get(key)).is_some_and(|entry| entry.node.value != Value::Null)
    }

    pub fn string(&mut self, key: &'static str, report: &mut Report) -> Option<String> {
        self.get(key)?.string(report)
    }

    pub fn boolean(&mut self, key: &'static str, report: &mut Report) -> Option<bool> {
        self.get(key)?.boolean(report)
    }

    /// An integer, or a string of digits, between two bounds, both included.
    pub fn integer_between(&mut self, key: &'static str, least: i64, most: i64, report: &mut Report) -> Option<i64> {
        let item = self.get(key)?;
        let number = item.integer(least, report)?;
        if number > most {
            report.add(item.place(), Invalid::TooBig { key: key.to_owned(), number, most });
            return None;
        }
        Some(number)
    }

    /// A key that the table cannot do without.
    pub fn required(&mut self, key: &'static str, example: &'static str, report: &mut Report) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            report.add(&self.place, Shape::Missing { key, owner: self.owner.clone(), example });
        }
        item
    }

    /// Where a key stands; where the table stands if it does not have it.
    pub fn place_of(&self, key: &str) -> Place {
        self.table.and_then(|table| table.get(key)).map_or_else(|| self.place.clone(), |entry| entry.key_place.clone())
    }

    pub fn parse<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        parser: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        self.get(key)?.parse(Expected::String, report, parser)
    }

    /// A string or list of strings which each pass a parser.
    pub fn parse_strings<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        parser: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Vec<T> {
        self.get(key).map(|item| item.parse_strings(report, parser)).unwrap_or_default()
    }

    /// The keys that the user wrote, without `x-` ones.
    pub fn written(&self) -> impl Iterator<Item = &'a Entry> {
        self.table.into_iter().flat_map(|table| &table.entries).filter(|entry| !entry.key.starts_with("x-"))
    }

    /// Ends the reading: reports every key that was not asked for, with what the table of keys says of it.
    pub fn finish(self, report: &mut Report) {
        for entry in self.written().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            if report.is_full() {
                return;
            }
            self.refuse(entry, report);
        }
    }

    fn refuse(&self, entry: &Entry, report: &mut Report) {
        let (key, owner) = (entry.key.clone(), self.owner.clone());
        match self.keys.key(&key).map(|key| key.state) {
            Some(State::Refused { because, instead }) => {
                report.add(&entry.key_place, Shape::KeyRefused { key, owner, because, instead });
            }
            Some(State::Ignored(reason)) => report.add(&entry.key_place, Shape::Ignored { key, reason }),
            _ => {
                let nearest = nearest(&key, &self.known);
                let mut known = self.known.clone();
                known.sort_unstable();
                report.add(&entry.key_place, Shape::UnknownKey { key, owner, nearest, known });
            }
        }
    }
}
