//! TOML text → [`Node`] tree.
//!
//! Invariant: every syntax error that the parser recovers from is reported; a tree comes out only of a file without any.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::node::{Entry, Node, Table, Value};
use crate::diagnostic::{Place, SourceFile};
use crate::stack::problem::{FileProblem, Report};

/// The top-level table of a TOML file, or `None` after reporting what is wrong with its syntax.
pub fn parse(file: &Arc<SourceFile>, report: &Report) -> Option<Node> {
    let (document, errors) = DeTable::parse_recoverable(&file.text);
    for error in &errors {
        let place = Place::new(file, error.span().unwrap_or(0..0));
        let text = file.text.get(place.span.clone()).unwrap_or("").to_owned();
        let problem = match error.message() {
            "duplicate key" => FileProblem::DuplicateKey { key: text },
            message => FileProblem::Syntax { message: message.to_owned() },
        };
        report.add(&place, problem);
    }
    if !errors.is_empty() {
        return None;
    }
    let builder = Builder { file };
    let place = Place::new(file, 0..0);
    let before = report.error_count();
    let table = builder.table(document.get_ref(), report);
    (report.error_count() == before).then_some(Node { value: Value::Table(table), place })
}

struct Builder<'a> {
    file: &'a Arc<SourceFile>,
}

impl Builder<'_> {
    // The recursion is as deep as the parser's own, which has a limit.
    fn table(&self, table: &DeTable<'_>, report: &Report) -> Table {
        let entries = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_place: Place::new(self.file, key.span()),
                node: self.node(value, report),
            })
            .collect();
        Table { entries }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, report: &Report) -> Node {
        let place = Place::new(self.file, value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(integer) => self.integer(integer, &place, report),
            DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(array) => Value::Array(array.iter().map(|node| self.node(node, report)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table, report)),
        };
        Node { value, place }
    }

    fn integer(&self, integer: &DeInteger<'_>, place: &Place, report: &Report) -> Value {
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => {
                report.add(place, FileProblem::IntegerTooBig);
                Value::Integer(0)
            }
        }
    }
}
