//! Quoting: a string on its way into a unit file (systemd.syntax(7), systemd.service(5) "Command lines", systemd.unit(5)
//! "Specifiers").

use std::borrow::Cow;

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
pub fn text(value: &str) -> Result<Cow<'_, str>, Unwritable> {
    refuse(value, b"\n\r\0", "a line break or a NUL character")?;
    let stripped = |c: char| matches!(c, ' ' | '\t');
    if value.starts_with(stripped) || value.ends_with(stripped) {
        return Err(unwritable(value, "white space at its start or end"));
    }
    if value.ends_with('\\') {
        return Err(unwritable(value, "a backslash at its end"));
    }
    Ok(without_specifiers(value))
}

/// A path in a list of paths, as `RequiresMountsFor=` takes it: quoted, but without C escapes.
///
/// # Errors
/// A line break or a NUL.
pub fn path_word(value: &str) -> Result<Cow<'_, str>, Unwritable> {
    refuse(value, b"\n\r\0", "a line break or a NUL character")?;
    let escaped = without_specifiers(value);
    if is_plain(value) {
        return Ok(escaped);
    }
    Ok(format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\"")).into())
}

/// A command line, as `ExecStart=` takes it: each word becomes exactly one argument.
///
/// # Errors
/// A NUL.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String, Unwritable> {
    let mut line = String::new();
    for (index, word) in words.into_iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        add_argument(word, &mut line)?;
    }
    Ok(line)
}

fn add_argument(word: &str, line: &mut String) -> Result<(), Unwritable> {
    refuse(word, b"\0", "a NUL character")?;
    if is_plain(word) {
        line.push_str(&without_specifiers(word));
        return Ok(());
    }
    line.push('"');
    for character in word.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '%' => line.push_str("%%"),
            '$' => line.push_str("$$"),
            control if control.is_ascii_control() => line.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => line.push(other),
        }
    }
    line.push('"');
    Ok(())
}

fn without_specifiers(value: &str) -> Cow<'_, str> {
    if value.contains('%') { value.replace('%', "%%").into() } else { value.into() }
}

fn is_plain(word: &str) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte: u8 = 0;
        while byte < 128 {
            plain[byte as usize] = byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b'@' | b',' | b'+' | b'%');
            byte += 1;
        }
        plain
    };
    !word.is_empty() && word.bytes().all(|byte| PLAIN[usize::from(byte)])
}

/// The characters are ASCII.
fn refuse(value: &str, characters: &[u8], reason: &'static str) -> Result<(), Unwritable> {
    if value.bytes().any(|byte| characters.contains(&byte)) { Err(unwritable(value, reason)) } else { Ok(()) }
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
