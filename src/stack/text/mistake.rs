//! What somebody meant by a line that is not TOML: YAML, a string without quotes, a key with other letters than TOML's.
//!
//! In: the text, and where the parser stopped. Out: the real mistake and where it is. Invariant: pure; what is not recognised keeps
//! the parser's own message.

use std::ops::Range;

use crate::stack::problem::{TomlFault, quoted};

/// Quotation marks that a word processor writes.
const TYPOGRAPHIC: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '«', '»'];

/// A recognised mistake.
pub struct Mistake {
    pub span: Range<usize>,
    pub fault: TomlFault,
}

/// Where the file begins, if it is YAML from its first line on and has not a line of TOML.
pub fn yaml_file(text: &str) -> Option<Mistake> {
    let is_significant = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#') && *line != "---";
    let mut lines = text.lines().filter(is_significant);
    let first = lines.next()?;
    let is_toml = |line: &str| line.starts_with('[') || is_assignment(line);
    if !is_yaml(first) || is_toml(first) || lines.any(is_toml) {
        return None;
    }
    let start = text.find(first)?;
    Some(Mistake { span: start..start + first.len(), fault: TomlFault::YamlFile })
}

/// A list that is not closed: a line below it in which a value stands assigns one or begins a table. All else that the parser says
/// follows from it.
pub fn unclosed_list(text: &str) -> Option<Mistake> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((_, start)) = open.last().filter(|(bracket, _)| *bracket == '[')
            && (assigns_bare_key(line) || is_header(line))
        {
            return Some(Mistake { span: *start..start + 1, fault: TomlFault::ListNotClosed });
        }
        // Text of several lines may hold anything.
        if line.contains("\"\"\"") || line.contains("'''") {
            return None;
        }
        if !open.is_empty() || is_assignment(line) {
            brackets(line, at, &mut open);
        }
        at += line.len();
    }
    None
}

/// `key = value`. In quotes it may be a string of a list: `"KEY=value",`.
fn assigns_bare_key(line: &str) -> bool {
    is_assignment(line) && !line.trim_start().starts_with(['"', '\''])
}

/// `[services.web]`
fn is_header(line: &str) -> bool {
    let is_key = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let name = line.trim_start_matches('[').trim_end().trim_end_matches(']');
    line.starts_with('[') && line.trim_end().ends_with(']') && !name.is_empty() && name.chars().all(is_key)
}

/// Follows the brackets of a line that are in no string and no comment; `at` is where the line begins.
fn brackets(line: &str, at: usize, open: &mut Vec<(char, usize)>) {
    let mut quote = None;
    let mut characters = line.char_indices();
    while let Some((index, character)) = characters.next() {
        match (quote, character) {
            (Some('"'), '\\') => _ = characters.next(),
            (Some(mark), _) if mark == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '#') => return,
            (None, '[' | '{') => open.push((character, at + index)),
            (None, ']' | '}') => _ = open.pop(),
            (None, _) => {}
        }
    }
}

/// What is wrong with the line on which the parser stopped with this message.
pub fn of_line(text: &str, error: Range<usize>, message: &str) -> Option<Mistake> {
    if message == "duplicate key" {
        return None;
    }
    let line = line_at(text, error.start);
    let shown = text.get(line.clone())?;
    if is_yaml(shown) {
        let content = shown.trim();
        let start = line.start + shown.find(content)?;
        let fault = TomlFault::YamlLine { line: content.to_owned() };
        return Some(Mistake { span: start..start + content.len(), fault });
    }
    let rest = text.get(error.start..line.end)?;
    if let Some(mark) = rest.chars().next().filter(|first| TYPOGRAPHIC.contains(first)) {
        let span = error.start..error.start + mark.len_utf8();
        return Some(Mistake { span, fault: TomlFault::TypographicQuotes });
    }
    if message.starts_with("invalid unquoted key") {
        return bare_key(text, error.start, &line);
    }
    value(text, error.start, &line)
}

/// The line of a byte, without its line break.
pub fn line_at(text: &str, at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline);
    start..end
}

/// `key:`, `key: value`, `- element` or `---`.
fn is_yaml(line: &str) -> bool {
    let line = line.trim();
    if line == "---" || line == "-" || line.starts_with("- ") {
        return true;
    }
    line.split_once(':').is_some_and(|(key, value)| {
        let key = key.trim_matches(['"', '\'']);
        let is_key = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        !key.is_empty() && key.chars().all(is_key) && (value.is_empty() || value.starts_with([' ', '\t']))
    })
}

fn is_assignment(line: &str) -> bool {
    let is_key = |c: char| c.is_alphanumeric() || "_-.\"' ".contains(c);
    line.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty() && key.chars().all(is_key))
}

/// A key with letters that TOML does not have.
fn bare_key(text: &str, at: usize, line: &Range<usize>) -> Option<Mistake> {
    let is_key = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let before = text.get(line.start..at)?;
    let start = line.start + before.trim_end_matches(is_key).len();
    let after = text.get(at..line.end)?;
    let end = at + after.find(|c| !is_key(c)).unwrap_or(after.len());
    let key = text.get(start..end).filter(|key| !key.is_ascii())?;
    Some(Mistake { span: start..end, fault: TomlFault::KeyNotQuoted { key: key.to_owned() } })
}

/// A value that begins at this byte and is neither in quotes nor a number or boolean.
fn value(text: &str, at: usize, line: &Range<usize>) -> Option<Mistake> {
    let before = text.get(line.start..at)?.trim_end();
    let rest = text.get(at..line.end)?;
    let is_word = |c: char| c.is_alphanumeric() || "./~$_%+-@*".contains(c);
    if !before.ends_with(['=', '[', ',', '{']) && !before.is_empty() || !rest.starts_with(is_word) {
        return None;
    }
    // The only `=` of the line: the value has it for itself. A list or table has more values.
    let is_alone = before.strip_suffix('=').is_some_and(|key| !key.contains(['=', '{', '[']));
    let value = if is_alone {
        rest.split(" #").next().unwrap_or(rest).trim_end()
    } else {
        rest.split([',', ']', '}', ' ', '\t']).next().unwrap_or(rest)
    };
    let key = before.strip_suffix('=').filter(|_| is_alone).map(str::trim);
    let fault = match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => TomlFault::BooleanWord { word: value.to_owned(), boolean: true },
        "false" | "no" | "off" => TomlFault::BooleanWord { word: value.to_owned(), boolean: false },
        _ => TomlFault::NotQuoted {
            value: value.to_owned(),
            quoted: key.map_or(String::new(), |key| format!("{key} = ")) + &quoted(value),
        },
    };
    Some(Mistake { span: at..at + value.len(), fault })
}
