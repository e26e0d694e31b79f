//! Unit names, as systemd.unit(5) and systemd-escape(1) define them.

use std::fmt::Write;

/// Escapes a string for use as one part of a unit name: `/` becomes `-`; what is not an ASCII letter, digit, `:`, `_` or `.`
/// becomes `\xNN`, and so does a `.` at the start (systemd.unit(5), "String Escaping for Inclusion in Unit Names").
pub fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for (index, byte) in part.bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if index == 0 => escaped.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => escaped.push(char::from(byte)),
            other => {
                let _infallible = write!(escaped, "\\x{other:02x}");
            }
        }
    }
    escaped
}

/// The slice whose place in the tree is `parts`: each part is escaped, so that a dash in a part makes no level of its own
/// (systemd.slice(5)).
pub fn slice_name(parts: &[&str]) -> String {
    let escaped: Vec<String> = parts.iter().map(|part| escape(part)).collect();
    format!("{}.slice", escaped.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_in_a_part_is_no_level() {
        assert_eq!(slice_name(&["wharf", "my-shop", "web"]), "wharf-my\\x2dshop-web.slice");
    }

    #[test]
    fn escape_agrees_with_systemd_escape() {
        assert_eq!(escape("a/b c"), "a-b\\x20c");
        assert_eq!(escape(".hidden.x"), "\\x2ehidden.x");
        assert_eq!(escape("ü"), "\\xc3\\xbc");
    }
}
