//! The tree of a stack file, whatever language it was written in.
//!
//! In: a syntax front-end (today [`super::from_toml`]). Out: values with the place where each stands.
//! Invariant: nothing here knows a key's meaning, and every node and key has a place.

use crate::diagnostic::Place;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value at all. TOML cannot say it, YAML can; a null key counts as absent.
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// A date or time as written: TOML has them, the Compose Specification does not.
    Date(String),
    String(String),
    Array(Vec<Node>),
    Table(Table),
    /// A string with a faulty variable. That is reported, and whoever reads the value says no more of it.
    Faulty,
    /// YAML's `!reset`: the value of the earlier file is taken away. TOML cannot say it.
    Reset,
    /// YAML's `!override`: stands alone in the place of the earlier file's value. TOML cannot say it.
    Override(Box<Node>),
}

/// Keys and their values in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Takes an entry out, wherever it stands.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(position))
    }
}

impl Node {
    /// How many values it is made of, itself among them.
    pub fn size(&self) -> usize {
        1 + match &self.value {
            Value::Array(nodes) => nodes.iter().map(Node::size).sum(),
            Value::Table(table) => table.entries.iter().map(|entry| entry.node.size()).sum(),
            Value::Override(node) => node.size(),
            _ => 0,
        }
    }

    /// Whether two values are equal, wherever they stand; the order of a table does not count.
    pub fn is_equivalent(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Array(nodes), Value::Array(others)) => {
                nodes.len() == others.len() && nodes.iter().zip(others).all(|(a, b)| a.is_equivalent(b))
            }
            (Value::Table(table), Value::Table(other)) => {
                let same = |entry: &Entry| other.get(&entry.key).is_some_and(|o| entry.node.is_equivalent(&o.node));
                table.entries.len() == other.entries.len() && table.entries.iter().all(same)
            }
            (value, other) => value == other,
        }
    }

    /// What a person calls this kind of value, with its article.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number with a fraction",
            Value::Date(_) => "a date",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Faulty => "a faulty string",
            Value::Reset => "a reset value",
            Value::Override(node) => node.kind(),
        }
    }

    /// The value as it stands in the file, quotes and all.
    pub fn source(&self) -> &str {
        self.place.file.text.get(self.place.span.clone()).unwrap_or("")
    }

    /// A scalar as the text that a program would see; `None` for lists, tables and null.
    ///
    /// A number with a fraction keeps the digits that the user wrote: `1.10` stays `1.10`.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Integer(value) => Some(value.to_string()),
            Value::Float(value) => {
                let written = self.source().replace('_', "");
                let same = written.parse::<f64>().is_ok_and(|number| number == *value);
                Some(if same { written } else { value.to_string() })
            }
            Value::Date(text) | Value::String(text) => Some(text.clone()),
            Value::Override(node) => node.scalar(),
            Value::Null | Value::Array(_) | Value::Table(_) | Value::Faulty | Value::Reset => None,
        }
    }

    /// The place of a range of bytes of a string value, or of the whole value where escapes hide it.
    pub fn place_within(&self, text: &str, span: std::ops::Range<usize>) -> Place {
        let start = self.source().find(text).filter(|_| !text.is_empty());
        match start {
            Some(start) => {
                let base = self.place.span.start + start;
                Place::new(&self.place.file, base + span.start..base + span.end)
            }
            None => self.place.clone(),
        }
    }
}
