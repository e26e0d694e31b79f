//! TOML text → [`Node`] tree.
//!
//! Invariant: every syntax error that the parser recovers from is reported; a tree comes out only of a file without any.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::mistake::{self, Mistake};
use super::node::{Entry, Node, Table, Value};
use crate::diagnostic::{Place, SourceFile};
use crate::stack::problem::{FileProblem, Report, TomlFault};

/// The top-level table of a TOML file, or `None` after reporting what is wrong with its syntax.
pub fn parse(file: &Arc<SourceFile>, report: &Report) -> Option<Node> {
    let (document, errors) = DeTable::parse_recoverable(&file.text);
    if !errors.is_empty() {
        faults(file, &errors, report);
        return None;
    }
    let builder = Builder { file };
    let place = Place::new(file, 0..0);
    let before = report.error_count();
    let table = builder.table(document.get_ref(), report);
    (report.error_count() == before).then_some(Node { value: Value::Table(table), place })
}

/// Says what is wrong: what the author probably meant, where that is known, else what the parser expected.
fn faults(file: &Arc<SourceFile>, errors: &[toml::de::Error], report: &Report) {
    let whole = mistake::yaml_file(&file.text).or_else(|| mistake::unclosed_list(&file.text));
    if let Some(Mistake { span, fault }) = whole {
        return report.add(&Place::new(file, span), fault);
    }
    // The line of the last mistake that was recognised. What the parser says of the same line follows from it, and so do the
    // lines of YAML that belong to one of YAML.
    let (mut last, mut in_yaml) = (0..0, false);
    let mut errors: Vec<&toml::de::Error> = errors.iter().collect();
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = mistake::line_at(&file.text, span.start);
        if line.start < last.end {
            continue;
        }
        let Some(Mistake { span, fault }) = mistake::of_line(&file.text, span.clone(), error.message()) else {
            report.add(&Place::new(file, span.clone()), problem(error.message(), file.text.get(span).unwrap_or("")));
            continue;
        };
        let is_yaml = matches!(fault, TomlFault::YamlLine { .. });
        let follows = in_yaml && line.start == last.end + 1 && file.text[line.clone()].starts_with([' ', '\t', '-']);
        if !(is_yaml && follows) {
            report.add(&Place::new(file, span), fault);
        }
        (last, in_yaml) = (line, is_yaml);
    }
}

fn problem(message: &str, text: &str) -> FileProblem {
    match message {
        "duplicate key" => FileProblem::DuplicateKey { key: text.to_owned() },
        message => FileProblem::Syntax { message: message.to_owned() },
    }
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
