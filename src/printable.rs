//! Text from elsewhere, made fit to be shown: what a container prints, or what a program calls itself, must not steer a terminal.

/// The text with a blank for each control character.
pub fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The start of a text as one line of at most `longest` characters: control characters are left out, blanks taken together.
pub fn one_line(text: &str, longest: usize) -> String {
    let line = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
