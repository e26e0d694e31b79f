//! A table whose keys are fixed.

use super::item::Item;
use crate::diagnostic::Place;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys::{self, Key, State, Table as Keys, Takes};
use crate::stack::problem::{Expected, Invalid, Problem, Report, Shape};
use crate::stack::text::node::{Table, Value};

/// A table that is being read. What is asked for becomes known; [`Fields::finish`] reports the rest.
pub struct Fields<'a> {
    /// What messages call the table, e.g. "service `web`".
    pub owner: String,
    /// Where the table stands.
    pub place: &'a Place,
    pub report: &'a Report,
    keys: &'static Keys,
    table: Option<&'a Table>,
    known: Vec<&'static str>,
}

impl<'a> Item<'a> {
    /// The value as a table with these keys; `owner` is what messages call it. Null is an empty table.
    pub fn fields(&self, keys: &'static Keys, owner: String) -> Option<Fields<'a>> {
        let table = match &self.node.value {
            Value::Table(table) => Some(table),
            Value::Null => None,
            _ => {
                self.wrong_type(Expected::Table);
                return None;
            }
        };
        Some(Fields { owner, place: self.place(), report: self.report, keys, table, known: Vec::new() })
    }
}

impl<'a> Fields<'a> {
    /// The value of a key that was written.
    pub fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        debug_assert!(
            self.keys.key(key).is_some_and(Key::is_honoured),
            "`{key}` is not in the table of {}",
            self.keys.title
        );
        #[cfg(test)]
        super::asked::note(self.keys, key);
        self.known.push(key);
        self.peek(key)
    }

    /// Notes keys that have been read already, before this table was.
    pub fn skip(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.get(key);
        }
    }

    /// Whether the user wrote the key. A null key counts as absent, and so does an empty string where
    /// Compose takes the default.
    pub fn has(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    /// The value of a key, which does not become known by this.
    pub fn peek(&self, key: &str) -> Option<Item<'a>> {
        let entry = self.table?.get(key)?;
        let is_absent = match &entry.node.value {
            Value::Null => true,
            Value::String(text) => text.is_empty() && keys::is_default(self.keys, key),
            _ => false,
        };
        if is_absent {
            return None;
        }
        Some(Item::of(entry, self.report))
    }

    /// The table under a key, with the keys that it has.
    pub fn table(&mut self, key: &'static str, keys: &'static Keys) -> Option<Fields<'a>> {
        let item = self.get(key)?;
        item.fields(keys, format!("`{key}` of {}", self.owner))
    }

    pub fn string(&mut self, key: &'static str) -> Option<String> {
        self.get(key)?.string()
    }

    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    /// Whether a key that is off without a word is on.
    pub fn is_on(&mut self, key: &'static str) -> bool {
        self.boolean(key).unwrap_or(false)
    }

    /// An integer, or a string of digits, between two bounds, both included.
    pub fn integer_between(&mut self, key: &'static str, least: i64, most: i64) -> Option<i64> {
        let item = self.get(key)?;
        let number = item.integer(least)?;
        if number > most {
            item.add(Invalid::TooBig { key: key.to_owned(), number, most });
            return None;
        }
        Some(number)
    }

    /// A key that the table cannot do without.
    pub fn required(&mut self, key: &'static str, example: &'static str) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            self.missing(key, example);
        }
        item
    }

    pub fn parse<T>(&mut self, key: &'static str, parser: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        self.get(key)?.parse(Expected::String, parser)
    }

    /// A string or list of strings which each pass a parser.
    pub fn parse_strings<T>(&mut self, key: &'static str, parser: impl Fn(&str) -> Result<T, Invalid>) -> Vec<T> {
        self.get(key).map(|item| item.parse_strings(parser)).unwrap_or_default()
    }

    /// A string or list of strings of any text.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.parse_strings(key, |text| Ok(text.to_owned()))
    }

    /// Where a key stands; where the table stands if it does not have it.
    pub fn place_of(&self, key: &str) -> &'a Place {
        self.table.and_then(|table| table.get(key)).map_or(self.place, |entry| &entry.key_place)
    }

    /// Reports a problem of a key.
    pub fn add(&self, key: &str, problem: impl Problem) {
        self.report.add(self.place_of(key), problem);
    }

    /// Reports that a key is missing.
    pub fn missing(&self, key: &'static str, example: &'static str) {
        self.report.add(self.place, Shape::Missing { key, owner: self.owner.clone(), example });
    }

    /// Reports at this place that a key cannot stand beside the others.
    pub fn excludes(&self, key: &str, place: &Place, because: &'static str) {
        self.report.add(place, Shape::Excludes { key: key.to_owned(), owner: self.owner.clone(), because });
    }

    /// Reports that this value of a key is not supported.
    pub fn refuse(&self, key: &str, because: &'static str, instead: &'static str) {
        self.add(key, Shape::KeyRefused { key: key.to_owned(), owner: self.owner.clone(), because, instead });
    }

    /// The entries that the user wrote, without `x-` ones.
    pub fn written(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let report = self.report;
        let entries = self.table.into_iter().flat_map(|table| &table.entries);
        entries.filter(|entry| !entry.key.starts_with("x-")).map(move |entry| Item::of(entry, report))
    }

    /// Ends the reading: reports every key that was not asked for, with what the table of keys says about it.
    pub fn finish(self) {
        for item in self.written().filter(|item| !self.known.contains(&item.key)) {
            if self.report.is_full() {
                return;
            }
            self.unread(item);
        }
    }

    fn unread(&self, item: Item<'_>) {
        let key = item.key.to_owned();
        match self.keys.key(&key).map(|key| key.state) {
            Some(State::Refused { because, instead }) => self.refuse(&key, because, instead),
            Some(State::Ignored(reason)) => self.report.add(item.key_place, Shape::Ignored { key, reason }),
            _ => {
                let problem = match (item.misplaced(), self.table_named(item)) {
                    (Some(misplaced), _) => Shape::MisplacedKey { key, owner: self.owner.clone(), misplaced },
                    (None, Some(parent)) => Shape::TableWithoutParent { key, parent },
                    (None, None) => self.unknown(key),
                };
                self.report.add(item.key_place, problem);
            }
        }
    }

    fn unknown(&self, key: String) -> Shape {
        let nearest = nearest(&key, &self.known);
        let mut known = self.known.clone();
        known.sort_unstable();
        Shape::UnknownKey { key, owner: self.owner.clone(), nearest, known }
    }

    /// `services` for a table at the top level that has keys of a service alone, and so for a network and the others.
    fn table_named(&self, item: Item<'_>) -> Option<&'static str> {
        let Value::Table(table) = &item.node.value else { return None };
        if !std::ptr::eq(self.keys, keys::root()) || table.entries.is_empty() {
            return None;
        }
        let named = self.keys.keys.iter().filter_map(|key| match key.takes {
            Takes::Named(Takes::Table(of)) => Some((key.name, of)),
            _ => None,
        });
        let fits = |of: &Keys| table.entries.iter().all(|entry| of.key(&entry.key).is_some());
        // A service has the most keys: what fits several of them is one.
        named.filter(|(_, of)| fits(of)).max_by_key(|(_, of)| of.keys.len()).map(|(name, _)| name)
    }
}
