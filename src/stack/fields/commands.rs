//! Commands, and names that may be numbers: what a service and its hooks share.

use super::Fields;
use crate::stack::grammar::{names, words};
use crate::stack::problem::{CommandFault, Invalid};
use crate::stack::text::node::Value;

/// `command` and `entrypoint`: a line that is split into words, or the words.
pub fn command(key: &'static str, fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let item = fields.get(key)?;
    let words = match &item.node.value {
        Value::String(line) => item.accept(words::split(line))?,
        _ => item.strings()?.iter().map(|text| text.text.to_owned()).collect(),
    };
    if words.iter().any(|word| word.contains('\0')) {
        item.add(Invalid::Command(CommandFault::NulByte));
    }
    Some(words)
}

/// A string or a number, for keys whose values are often numbers.
pub fn scalar(
    fields: &mut Fields<'_>,
    key: &'static str,
    parser: impl FnOnce(&str) -> Result<String, Invalid>,
) -> Option<String> {
    let item = fields.get(key)?;
    let text = match &item.node.value {
        Value::Integer(number) => number.to_string(),
        _ => item.string()?,
    };
    item.accept(parser(&text))
}

pub fn user(fields: &mut Fields<'_>) -> Option<String> {
    scalar(fields, "user", names::user)
}
