//! What a scalar of YAML is to Compose.
//!
//! Source: the YAML 1.2 core schema with what Compose's YAML library (go-yaml) adds: `0777` is octal, digits may be grouped by
//! `_`, `yes`, `no`, `on` and `off` are strings, and `22:22` is a string, not a number of base 60.

use crate::stack::text::node::Value;

/// What a plain scalar without a tag is.
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

/// A scalar with a tag of YAML's own, as `int` in `!!int "3"`; `None` if it is not one.
pub fn tagged(kind: &str, text: &str) -> Option<Value> {
    let value = match kind {
        "str" | "binary" | "timestamp" => return Some(Value::String(text.to_owned())),
        "null" => return Some(Value::Null),
        _ => plain(text),
    };
    match (kind, value) {
        ("bool", value @ Value::Bool(_)) | ("int", value @ Value::Integer(_)) | ("float", value @ Value::Float(_)) => {
            Some(value)
        }
        #[expect(clippy::cast_precision_loss, reason = "precision is lost above 2^53, as it is in Compose")]
        ("float", Value::Integer(number)) => Some(Value::Float(number as f64)),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let digits = text.replace('_', "");
    if !text.starts_with('.')
        && let Some(number) = integer(&digits)
    {
        return Some(number);
    }
    // What is too large for a float is text to Compose.
    let float = is_float(&digits).then(|| digits.parse().ok())?;
    float.filter(|float: &f64| float.is_finite()).map(Value::Float)
}

/// `0x1f`, `0b1`, `0o17` and `017` are what they are in Go.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    let number = if negative { -number } else { number };
    match i64::try_from(number) {
        Ok(number) => Some(Value::Integer(number)),
        // Compose takes it as an unsigned number, TOML has none: as text it is the same to a program.
        Err(_) if u64::try_from(number).is_ok() => Some(Value::String(number.to_string())),
        Err(_) => None,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    has_digits
        && all_digits(whole)
        && all_digits(fraction)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_what_compose_takes_them_for() {
        let string = |text: &str| Value::String(text.to_owned());
        for (text, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("yes", string("yes")),
            ("no", string("no")),
            ("Off", string("Off")),
            ("True", Value::Bool(true)),
            ("22:22", string("22:22")),
            ("8080", Value::Integer(8080)),
            ("0777", Value::Integer(511)),
            ("0o777", Value::Integer(511)),
            ("0x1F", Value::Integer(31)),
            ("0b11", Value::Integer(3)),
            ("089", Value::Float(89.0)),
            ("1_000", Value::Integer(1000)),
            ("-5", Value::Integer(-5)),
            ("+-5", string("+-5")),
            ("18446744073709551615", string("18446744073709551615")),
            ("1.10", Value::Float(1.1)),
            (".5", Value::Float(0.5)),
            ("1e3", Value::Float(1000.0)),
            (".", string(".")),
            ("-", string("-")),
            ("1.2.3", string("1.2.3")),
            ("2024-01-31", string("2024-01-31")),
            ("10s", string("10s")),
            ("${X}", string("${X}")),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn tags_say_what_a_scalar_is() {
        assert_eq!(tagged("str", "1"), Some(Value::String("1".into())));
        assert_eq!(tagged("int", "1"), Some(Value::Integer(1)));
        assert_eq!(tagged("float", "1"), Some(Value::Float(1.0)));
        assert_eq!(tagged("bool", "yes"), None);
    }
}
