//! Quoting: a string on its way into a unit file (systemd.syntax(7), systemd.service(5) "Command lines", systemd.unit(5)
//! "Specifiers").

use thiserror::Error;

/// A string that no unit file can carry in this place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{value:?} cannot be written in a unit file: it contains {reason}")]
pub struct Unwritable {
    pub value: String,
    pub reason: &'static str,
}

/// One line of text, as `Description=` takes it: only specifiers are special.
///
/// # Errors
/// A line break, a NUL, white space at an end (systemd strips it), or a backslash at the end (it would join the next line).
pub fn text(value: &str) -> Result<String, Unwritable> {
    refuse(value, &['\n', '\r', '\0'], "a line break or a NUL character")?;
    let stripped = |c: char| matches!(c, ' ' | '\t');
    if value.starts_with(stripped) || value.ends_with(stripped) {
        return Err(unwritable(value, "white space at its start or end"));
    }
    if value.ends_with('\\') {
        return Err(unwritable(value, "a backslash at its end"));
    }
    Ok(value.replace('%', "%%"))
}

/// A path in a list of paths, as `RequiresMountsFor=` takes it: quoted, but without C escapes.
///
/// # Errors
/// A line break or a NUL.
pub fn path_word(value: &str) -> Result<String, Unwritable> {
    refuse(value, &['\n', '\r', '\0'], "a line break or a NUL character")?;
    let escaped = value.replace('%', "%%");
    if is_plain(value) {
        return Ok(escaped);
    }
    Ok(format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A command line, as `ExecStart=` takes it: each word becomes exactly one argument.
///
/// # Errors
/// A NUL.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String, Unwritable> {
    let quoted: Result<Vec<String>, Unwritable> = words.into_iter().map(argument).collect();
    Ok(quoted?.join(" "))
}

fn argument(word: &str) -> Result<String, Unwritable> {
    refuse(word, &['\0'], "a NUL character")?;
    if is_plain(word) {
        return Ok(word.replace('%', "%%"));
    }
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for character in word.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '%' => quoted.push_str("%%"),
            '$' => quoted.push_str("$$"),
            control if control.is_ascii_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    Ok(quoted)
}

fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b'@' | b',' | b'+' | b'%')
        })
}

fn refuse(value: &str, characters: &[char], reason: &'static str) -> Result<(), Unwritable> {
    if value.contains(characters) { Err(unwritable(value, reason)) } else { Ok(()) }
}

fn unwritable(value: &str, reason: &'static str) -> Unwritable {
    Unwritable { value: value.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_word_stays_as_it_is() {
        assert_eq!(command_line(["/usr/bin/env", "A=b", "50%"]).unwrap(), "/usr/bin/env A=b 50%%");
    }

    #[test]
    fn what_systemd_would_expand_is_escaped() {
        assert_eq!(command_line(["a b", "$HOME", "%h \"x\"\n", ""]).unwrap(), r#""a b" "$$HOME" "%%h \"x\"\n" """#);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert!(text("two\nlines").is_err());
        assert!(text("end\\").is_err());
        assert!(path_word("/a\nb").is_err());
        assert!(command_line(["\0"]).is_err());
    }
}
