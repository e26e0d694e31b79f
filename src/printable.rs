//! Text from elsewhere, made fit to be shown: what a container prints, what a registry answers or what a program calls itself must
//! not steer a terminal, end a line, or grow without bound.

use std::fmt;

/// The text with a blank for each character that steers a terminal.
pub fn printable(text: &str) -> String {
    text.replace(steers, " ")
}

/// Several lines, each printable.
pub fn printable_lines(text: &str) -> String {
    text.replace(|character| steers(character) && character != '\n' && character != '\t', " ")
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and those that change the direction of what follows (Unicode
/// Standard Annex 9): a text that is read must be the text that was written.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// The start of a text as one line of at most `longest` characters: control characters are left out, blanks taken together.
pub fn one_line(text: &str, longest: usize) -> String {
    cut(printable(text).split_whitespace().collect::<Vec<_>>().join(" "), longest)
}

/// As [`one_line`], with its blanks as they are: for what is aligned.
pub fn aligned_line(text: &str, longest: usize) -> String {
    cut(printable(text).trim_end().to_owned(), longest)
}

fn cut(line: String, longest: usize) -> String {
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// One printable line of at most `LONGEST` characters, whatever it was made of: what a notification, a status or a message of a
/// program consists of. There is no other way to make one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line<const LONGEST: usize>(String);

impl<const LONGEST: usize> Line<LONGEST> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const LONGEST: usize> From<&str> for Line<LONGEST> {
    fn from(text: &str) -> Self {
        // Only so much of it is looked at: an answer may be as long as somebody likes.
        let start = text.char_indices().nth(LONGEST * 4).map_or(text, |(end, _)| &text[..end]);
        Self(one_line(start, LONGEST))
    }
}

impl<const LONGEST: usize> From<String> for Line<LONGEST> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<const LONGEST: usize> fmt::Display for Line<LONGEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Title of a window, bell, an escape of C1, a line of its own, and a text that is shown backwards.
    const HOSTILE: &str = "a\u{1b}]0;t\u{7}b\u{9b}31m\r\nMAINPID=1\u{2028}c\u{202e}d\u{2066}e\0f\u{7f}g";

    #[test]
    fn blanks_stay_where_something_is_aligned() {
        assert_eq!(aligned_line("  a\n    b \n", 100), "  a     b");
        assert_eq!(aligned_line("  ab", 3), "  a…");
        assert_eq!(one_line("  a\n    b \n", 100), "a b");
    }

    #[test]
    fn nothing_that_is_shown_steers_a_terminal() {
        assert_eq!(printable(HOSTILE), "a ]0;t b 31m  MAINPID=1 c d e f g");
        assert_eq!(printable_lines("a\tb\nc\u{1b}[2J\u{202e}"), "a\tb\nc [2J ");
        assert_eq!(printable("Grüße, 東京, עברית"), "Grüße, 東京, עברית");
    }

    #[test]
    fn a_line_is_one_line_and_bounded() {
        assert_eq!(Line::<100>::from(HOSTILE).as_str(), "a ]0;t b 31m MAINPID=1 c d e f g");
        assert_eq!(Line::<3>::from("ééééé").as_str(), "ééé…");
        assert_eq!(Line::<3>::from("x".repeat(1 << 20)).as_str(), "xxx…");
    }
}
