//! The words of a value: quotes and escapes as systemd has them.
//!
//! Source: systemd.syntax(7), "Quoting".

/// The words; `None` if a quote is not closed.
pub fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => unescape(&mut characters, word.get_or_insert_default()),
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// What a backslash makes of the next characters; what it does not know stays.
fn unescape(characters: &mut std::str::Chars<'_>, word: &mut String) {
    let rest = characters.as_str();
    let number = |from: usize, length: usize, radix: u32| {
        let digits = rest.get(from..from + length)?;
        let is_number = digits.chars().all(|digit| digit.is_digit(radix));
        is_number.then(|| u32::from_str_radix(digits, radix).ok())?.and_then(char::from_u32).filter(|c| *c != '\0')
    };
    let (character, length) = match rest.chars().next() {
        Some('n') => (Some('\n'), 1),
        Some('t') => (Some('\t'), 1),
        Some('r') => (Some('\r'), 1),
        Some('s') => (Some(' '), 1),
        Some('a') => (Some('\u{7}'), 1),
        Some('b') => (Some('\u{8}'), 1),
        Some('f') => (Some('\u{c}'), 1),
        Some('v') => (Some('\u{b}'), 1),
        Some(same @ ('\\' | '"' | '\'')) => (Some(same), 1),
        Some('x') => (number(1, 2, 16), 3),
        Some('u') => (number(1, 4, 16), 5),
        Some('U') => (number(1, 8, 16), 9),
        Some('0'..='7') => (number(0, 3, 8), 3),
        _ => (None, 0),
    };
    match character {
        Some(character) => {
            word.push(character);
            *characters = rest[length..].chars();
        }
        None => word.push('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_quoted_as_in_a_unit_file() {
        for (text, expected) in [
            ("a  b", &["a", "b"][..]),
            ("\"a b\" 'c \"d\"' e\\ f", &["a b", "c \"d\"", "e\\", "f"]),
            ("A=\"x y\"z \\x41\\101\\u00e4", &["A=x yz", "AAä"]),
            ("\"\" x\\qy \\x4", &["", "x\\qy", "\\x4"]),
            ("", &[]),
        ] {
            assert_eq!(
                words(text).as_deref(),
                Some(&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
        assert_eq!(words("a \"b"), None);
    }
}
