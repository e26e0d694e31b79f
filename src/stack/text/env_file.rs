//! The language of `.env` and of the files that `env_file` names.
//!
//! Source: Compose Specification, services, env_file, "Env_file format". Invariant: a faulty line is reported and skipped; the
//! lines after it are still read.

use std::collections::HashMap;
use std::sync::Arc;

use super::files::Inputs;
use crate::diagnostic::{Place, SourceFile};
use crate::stack::grammar::interpolate::Lookup;
use crate::stack::problem::{Report, TextProblem};

/// The variables of a file in its order; a later one of the same name wins.
pub type Variables = Vec<(String, String)>;

/// Reads a whole file. A variable in a value is looked up in `lookup`, then among the lines above; `inputs` counts those values.
pub fn parse(file: &Arc<SourceFile>, lookup: Lookup<'_>, inputs: &Inputs, report: &Report) -> Variables {
    let start = if file.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser =
        Parser { file, position: start, lookup, inputs, variables: Vec::new(), last: HashMap::new(), report };
    while parser.skip_to_statement() {
        if parser.statement().is_err() {
            parser.skip_line();
        }
    }
    parser.variables
}

/// Reads a file of `format: raw`: whatever follows the first `=` of a line is the value.
pub fn parse_raw(file: &Arc<SourceFile>, lookup: Lookup<'_>, inputs: &Inputs, report: &Report) -> Variables {
    let mut variables = Vec::new();
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let place = Place::new(file, start..start + line.trim_end().len());
        start += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, _)) if name.trim().is_empty() => report.add(&place, TextProblem::EnvNameMissing),
            Some((name, value)) => variables.push((name.trim().to_owned(), value.to_owned())),
            None => {
                let value = report.accept(&place, inputs.value(line.trim(), lookup)).flatten();
                variables.extend(value.map(|value| (line.trim().to_owned(), value)));
            }
        }
    }
    variables
}

/// The line is faulty, and that is reported.
struct Faulty;

struct Parser<'a> {
    file: &'a Arc<SourceFile>,
    position: usize,
    lookup: Lookup<'a>,
    inputs: &'a Inputs,
    variables: Variables,
    /// Which of them is the last of a name.
    last: HashMap<String, usize>,
    report: &'a Report,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.file.text[self.position..]
    }

    /// Moves over blanks and comments; false at the end of the file.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            self.position += self.rest().len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return !self.rest().is_empty();
            }
            self.skip_line();
        }
    }

    fn skip_line(&mut self) {
        self.position += self.rest().find('\n').map_or(self.rest().len(), |end| end + 1);
    }

    fn skip_blanks(&mut self) {
        let blank = |c: char| c != '\n' && c.is_whitespace();
        self.position += self.rest().len() - self.rest().trim_start_matches(blank).len();
    }

    fn fault<T>(&mut self, start: usize, end: usize, problem: TextProblem) -> Result<T, Faulty> {
        self.report.add(&Place::new(self.file, start..end), problem);
        Err(Faulty)
    }

    /// `[export ]NAME[=[VALUE]]`
    fn statement(&mut self) -> Result<(), Faulty> {
        if let Some(after) = self.rest().strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            self.position += "export".len();
            self.skip_blanks();
        }
        let start = self.position;
        let line = self.rest().lines().next().unwrap_or("");
        let separator = line.find(['=', ':']);
        let name = line[..separator.unwrap_or(line.len())].trim_end();
        self.check_name(name, start)?;
        let Some(separator) = separator else {
            let place = Place::new(self.file, start..start + name.len());
            self.skip_line();
            if let Some(value) = self.report.accept(&place, self.inputs.value(name, self.lookup)).flatten() {
                self.add(name, value);
            }
            return Ok(());
        };
        self.position += separator + 1;
        self.skip_blanks();
        let value = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.unquoted()?,
        };
        self.add(name, value);
        Ok(())
    }

    fn add(&mut self, name: &str, value: String) {
        self.last.insert(name.to_owned(), self.variables.len());
        self.variables.push((name.to_owned(), value));
    }

    fn check_name(&mut self, name: &str, start: usize) -> Result<(), Faulty> {
        if name.is_empty() {
            return self.fault(start, start + 1, TextProblem::EnvNameMissing);
        }
        let end = start + name.len();
        let allowed = |c: char| c.is_alphanumeric() || "_.-[]".contains(c);
        match name.char_indices().find(|(_, c)| !allowed(*c)) {
            None => Ok(()),
            Some((_, c)) if c.is_whitespace() => {
                self.fault(start, end, TextProblem::EnvNameWithSpace { name: name.to_owned() })
            }
            Some((at, character)) => {
                let at = start + at;
                self.fault(at, at + character.len_utf8(), TextProblem::EnvName { character })
            }
        }
    }

    /// Up to the end of the line or to ` #`.
    fn unquoted(&mut self) -> Result<String, Faulty> {
        let start = self.position;
        let line = self.rest().split('\n').next().unwrap_or("");
        self.skip_line();
        // `NAME= # comment`: the blanks before it are gone already.
        let value = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or("").trim_end() };
        self.interpolated(value, |range| start + range.start..start + range.end)
    }

    fn quoted(&mut self, quote: char) -> Result<String, Faulty> {
        let start = self.position;
        let body = &self.rest()[1..];
        let Some(length) = closing(body, quote) else {
            let end = start + self.rest().lines().next().unwrap_or("").len();
            return self.fault(start, end, TextProblem::EnvUnclosedQuote { quote });
        };
        self.position += 1 + length + 1;
        self.after_quote()?;
        let body = &body[..length];
        if quote == '\'' {
            return Ok(body.replace("\\'", "'"));
        }
        let unescaped = unescape(body);
        if unescaped == body {
            self.interpolated(body, |range| start + 1 + range.start..start + 1 + range.end)
        } else {
            self.interpolated(&unescaped, |_| start..start + length + 2)
        }
    }

    /// Only a comment may follow a quoted value.
    fn after_quote(&mut self) -> Result<(), Faulty> {
        self.skip_blanks();
        let rest = self.rest().lines().next().unwrap_or("").trim_end();
        if rest.is_empty() || rest.starts_with('#') {
            self.skip_line();
            return Ok(());
        }
        let start = self.position;
        self.fault(start, start + rest.len(), TextProblem::EnvAfterQuote { text: rest.to_owned() })
    }

    fn interpolated(
        &mut self,
        value: &str,
        place: impl Fn(std::ops::Range<usize>) -> std::ops::Range<usize>,
    ) -> Result<String, Faulty> {
        let (above, last, outer) = (&self.variables, &self.last, self.lookup);
        let lookup = |name: &str| outer(name).or_else(|| last.get(name).map(|number| above[*number].1.clone()));
        let interpolated = self.inputs.interpolate(value, &lookup);
        for (range, finding) in interpolated.findings {
            self.report.add(&Place::new(self.file, place(range)), TextProblem::Variable(finding));
        }
        Ok(interpolated.text)
    }
}

/// Where the closing quote stands; a backslash takes the next character's meaning.
fn closing(body: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in body.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// The escapes of a double-quoted value, as Compose has them: `\0` and three octal digits are a character; unknown ones stay. `\$` becomes
/// `$$`, which interpolation makes a `$`.
fn unescape(body: &str) -> String {
    let mut output = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, escape)) = rest.split_once('\\') {
        output.push_str(before);
        let mut characters = escape.chars();
        match characters.next() {
            Some('n') => output.push('\n'),
            Some('r') => output.push('\r'),
            Some('t') => output.push('\t'),
            Some('a') => output.push('\u{7}'),
            Some('b') => output.push('\u{8}'),
            Some('f') => output.push('\u{c}'),
            Some('v') => output.push('\u{b}'),
            Some('$') => output.push_str("$$"),
            Some(literal @ ('"' | '\\')) => output.push(literal),
            Some('0') => match octal(characters.as_str()) {
                Some(character) => {
                    output.push(character);
                    characters = escape[4..].chars();
                }
                None => output.push_str("\\0"),
            },
            Some(other) => output.extend(['\\', other]),
            None => output.push('\\'),
        }
        rest = characters.as_str();
    }
    output + rest
}

/// The character of three octal digits; no variable can have a NUL.
fn octal(digits: &str) -> Option<char> {
    let digits = digits.get(..3).filter(|digits| digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)))?;
    u8::from_str_radix(digits, 8).ok().filter(|code| *code != 0).map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<String> {
        (name == "OUTER").then(|| "outer".to_owned())
    }

    fn read(text: &str) -> (Variables, String) {
        let report = Report::default();
        let variables = parse(&SourceFile::new("test.env", text), &lookup, &Inputs::default(), &report);
        let places = report.into_diagnostics();
        let places: Vec<String> = places.iter().filter_map(|d| d.place.as_ref().map(ToString::to_string)).collect();
        (variables, places.join(" "))
    }

    #[track_caller]
    fn gives(line: &str, expected: &str) {
        assert_eq!(read(line), (vec![("VAR".to_owned(), expected.to_owned())], String::new()), "{line}");
    }

    #[test]
    fn values_of_the_specification() {
        gives("VAR=VAL", "VAL");
        gives("VAR=\"VAL\"", "VAL");
        gives("VAR='VAL'", "VAL");
        gives("VAR=VAL # comment", "VAL");
        gives("VAR=VAL# not a comment", "VAL# not a comment");
        gives("VAR=\"VAL # not a comment\"", "VAL # not a comment");
        gives("VAR=\"VAL\" # comment", "VAL");
        gives("VAR='$OUTER ${OUTER}'", "$OUTER ${OUTER}");
        gives("VAR='Let\\'s go!'", "Let's go!");
        gives("VAR=\"{\\\"hello\\\": \\\"json\\\"}\"", "{\"hello\": \"json\"}");
        gives("VAR=\"some\\tvalue\"", "some\tvalue");
        gives("VAR=\"a\\0101\\0344 \\012 \\0400 \\0000 \\101\"", "aAä \\012 \\0400 \\0000 \\101");
        gives("VAR='some\\tvalue'", "some\\tvalue");
        gives("VAR=some\\tvalue", "some\\tvalue");
        gives("VAR=", "");
        gives("VAR= # comment", "");
    }

    #[test]
    fn forms_that_compose_reads_too() {
        gives("\u{feff}export VAR=a\r\n", "a");
        gives("  VAR = a b  ", "a b");
        gives("VAR: a", "a");
        gives("# head\n\nVAR=a\n# tail", "a");
        gives("VAR=\"two\nlines\"", "two\nlines");
        gives("VAR=$OUTER-${NONE:-d}", "outer-d");
        gives("VAR=\"\\$OUTER\"", "$OUTER");
        gives("VAR=a=b", "a=b");
        assert_eq!(read("A=1\nB=$A\nOUTER\nMISSING").0.len(), 3);
    }

    #[test]
    fn faults_have_their_line_and_the_rest_is_read() {
        let (variables, places) = read("A B=1\nÄ%=1\n=x\nC=\"x\" y\nD='open\n");
        assert!(variables.is_empty());
        assert_eq!(places, "test.env:1:1 test.env:2:2 test.env:3:1 test.env:4:7 test.env:5:3");
        let (variables, places) = read("A=${X\nB=2\nC=$NOPE");
        assert_eq!(variables.len(), 3);
        assert_eq!(places, "test.env:1:3 test.env:3:3");
    }

    #[test]
    fn raw_values_are_left_alone() {
        let report = Report::default();
        let file = SourceFile::new("raw.env", "A='$x' # y\n#c\nOUTER\n");
        let variables = parse_raw(&file, &lookup, &Inputs::default(), &report);
        assert_eq!(variables, [("A".into(), "'$x' # y".into()), ("OUTER".into(), "outer".into())]);
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "([A-Z]|[=:'\"#$\\\\{}\n é-]|export )*") {
            read(&text);
        }
    }
}
