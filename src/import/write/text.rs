//! One value or key as TOML text.
//!
//! Source: <https://toml.io/en/v1.0.0>, String, Integer, Float, Keys. Invariant: a TOML parser reads back exactly what went in.

use crate::stack::text::node::{Node, Value};

/// Longer strings are broken at spaces, longer lists at their items. Columns.
pub const WIDTH: usize = 100;

/// A key: bare where TOML allows it.
pub fn key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { one_line(key) }
}

/// A string on as many lines as it reads best on.
pub fn string(text: &str) -> String {
    let ends = text.trim_end_matches('\n');
    if ends.contains('\n') {
        lines(text)
    } else if text.chars().count() > WIDTH && breaks(ends) {
        folded(text)
    } else {
        one_line(text)
    }
}

/// A string on one line: in single quotes if that saves escapes.
pub fn one_line(text: &str) -> String {
    let literal = text.contains(['"', '\\']) && !text.contains('\'') && !text.chars().any(must_escape);
    if literal { format!("'{text}'") } else { format!("\"{}\"", escaped(text, true)) }
}

/// One line of TOML a line of text.
fn lines(text: &str) -> String {
    let plain = |c: char| c == '\n' || !must_escape(c);
    if text.contains('\\') && !text.contains("'''") && !text.ends_with('\'') && text.chars().all(plain) {
        return format!("'''\n{text}'''");
    }
    format!("\"\"\"\n{}\"\"\"", escaped_lines(text))
}

/// A long line, broken after spaces; the backslash at the end of a line takes the break and what follows it away.
fn folded(text: &str) -> String {
    let mut broken = String::from("\"\"\"\\\n  ");
    let mut column = 0;
    let mut words = text.split_inclusive(' ').peekable();
    while let Some(word) = words.next() {
        broken.push_str(&unquoted(&escaped(word, false)));
        column += word.chars().count();
        let next = words.peek().map_or(0, |word| word.chars().count());
        if column + next > WIDTH - 10
            && word.ends_with(' ')
            && words.peek().is_some_and(|word| !word.starts_with(char::is_whitespace))
        {
            broken.push_str("\\\n  ");
            column = 0;
        }
    }
    format!("{broken}\"\"\"")
}

/// Whether a text has a place to be broken at, and does not begin with the space that a break takes away.
fn breaks(text: &str) -> bool {
    text.contains(' ') && !text.starts_with(char::is_whitespace) && !text.chars().any(must_escape)
}

fn must_escape(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Inside quotes; `quotes`: also of one kind and on one line.
fn escaped(text: &str, quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '"' if quotes => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if must_escape(c) && u32::from(c) < 0x10000 => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Inside `"""…"""`: line ends stay, and of quotes only those that could end the string are escaped.
fn escaped_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| escaped(line, false)).collect();
    unquoted(&lines.join("\n"))
}

/// What neither ends a `"""` string nor joins with its end: of three quotes in a row, and at the end, one is escaped.
fn unquoted(text: &str) -> String {
    let mut unquoted = String::with_capacity(text.len());
    let mut row = 0;
    for (offset, c) in text.char_indices() {
        row = if c == '"' { row + 1 } else { 0 };
        if row == 3 || (c == '"' && offset + 1 == text.len()) {
            unquoted.push('\\');
            row = 0;
        }
        unquoted.push(c);
    }
    unquoted
}

/// A scalar; `None` for another value, or one that TOML does not have.
pub fn scalar(node: &Node, one_line_only: bool) -> Option<String> {
    Some(match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(number) => integer(*number, node.source()),
        Value::Float(number) => float(*number),
        Value::String(text) | Value::Date(text) => {
            if one_line_only {
                one_line(text)
            } else {
                string(text)
            }
        }
        Value::Override(node) => return scalar(node, one_line_only),
        Value::Null | Value::Faulty | Value::Reset | Value::Array(_) | Value::Table(_) => return None,
    })
}

/// Permission bits stay octal.
fn integer(number: i64, source: &str) -> String {
    let is_octal =
        source.len() > 1 && source.starts_with('0') && source.bytes().all(|byte| matches!(byte, b'0'..=b'7' | b'o'));
    if is_octal && number > 0 { format!("0o{number:o}") } else { number.to_string() }
}

/// With the digits by which Compose would print it; never the form of an integer.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = go_float(number);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

/// A finite number as Go's `%v` prints it, which is what Compose hands to a container. Source: Go, package fmt.
pub fn go_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
