//! Commands, and names that may be numbers: what a service and its hooks share.

use crate::stack::fields::{Fields, accept};
use crate::stack::grammar::{names, words};
use crate::stack::problem::{CommandFault, Invalid, Report};
use crate::stack::text::node::Value;

/// `command` and `entrypoint`: a line that is split into words, or the words.
pub fn command(key: &'static str, fields: &mut Fields<'_>, report: &mut Report) -> Option<Vec<String>> {
    let item = fields.get(key)?;
    let words = match &item.node.value {
        Value::String(line) => accept(words::split(line), item.place(), report)?,
        _ => item.strings(report)?.iter().map(|text| text.text.to_owned()).collect(),
    };
    if words.iter().any(|word| word.contains('\0')) {
        report.add(item.place(), Invalid::Command(CommandFault::NulByte));
    }
    Some(words)
}

/// A string or a number, for keys whose values are often numbers.
pub fn scalar(
    fields: &mut Fields<'_>,
    key: &'static str,
    report: &mut Report,
    parser: impl FnOnce(&str) -> Result<String, Invalid>,
) -> Option<String> {
    let item = fields.get(key)?;
    let text = match &item.node.value {
        Value::Integer(number) => number.to_string(),
        _ => item.string(report)?,
    };
    accept(parser(&text), item.place(), report)
}

pub fn user(fields: &mut Fields<'_>, report: &mut Report) -> Option<String> {
    scalar(fields, "user", report, names::user)
}
