//! Splitting a command into words as a POSIX shell does, without running anything.
//!
//! Source: Compose Specification, services, command and entrypoint; POSIX, Shell Command Language, Quoting.

use crate::stack::problem::{CommandFault, Invalid};

/// The words of a command line.
pub fn split(text: &str) -> Result<Vec<String>, Invalid> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => single_quoted(&mut characters, word.get_or_insert_default())?,
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => match characters.next().ok_or(Invalid::Command(CommandFault::TrailingBackslash))? {
                '\n' => {}
                escaped => word.get_or_insert_default().push(escaped),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Invalid> {
    for character in characters {
        match character {
            '\'' => return Ok(()),
            other => word.push(other),
        }
    }
    Err(Invalid::Command(CommandFault::UnbalancedQuote { quote: '\'' }))
}

fn double_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Invalid> {
    let unbalanced = || Invalid::Command(CommandFault::UnbalancedQuote { quote: '"' });
    loop {
        match characters.next().ok_or_else(unbalanced)? {
            '"' => return Ok(()),
            '\\' => match characters.next().ok_or_else(unbalanced)? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[track_caller]
    fn gives(text: &str, expected: &[&str]) {
        assert_eq!(split(text).ok().as_deref(), Some(expected.map_to_strings().as_slice()), "{text}");
    }

    trait MapToStrings {
        fn map_to_strings(&self) -> Vec<String>;
    }

    impl MapToStrings for &[&str] {
        fn map_to_strings(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[test]
    fn words_and_quotes() {
        gives("", &[]);
        gives("  a  b\tc\n", &["a", "b", "c"]);
        gives(r#"sh -c 'echo "$HOME"'"#, &["sh", "-c", r#"echo "$HOME""#]);
        gives(r#"a"b c"'d e'f"#, &["ab cd ef"]);
        gives(r#""" ''"#, &["", ""]);
        gives(r#"a\ b "\"\\\n""#, &["a b", r#""\\n"#]);
        gives("a \\\n b", &["a", "b"]);
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        for bad in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
