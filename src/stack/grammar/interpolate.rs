//! Compose's variable operators in one string.
//!
//! In: a text and a way to look a variable up. Out: the text with every variable replaced, and what was found on the way.
//! Source: Compose Specification, Interpolation. Invariant: one pass over the text; a replacement is never looked at again, and the
//! values of variables are counted.

use std::ops::Range;

pub use crate::stack::problem::Finding;

/// How a variable is looked up: `None` is unset, which differs from empty.
pub type Lookup<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// How deep defaults may nest; deeper is a mistake or an attack.
const MAX_DEPTH: usize = 32;

/// A text after interpolation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interpolated {
    pub text: String,
    /// Bytes of all values that were looked up, put in or not.
    pub read: usize,
    /// What is to be reported, with the range of bytes in the text that went in.
    pub findings: Vec<(Range<usize>, Finding)>,
}

/// Replaces `$VAR`, `${VAR}` and `${VAR<operator>word}`; `$$` becomes `$`, and a `$` before anything else stays. At most `most` bytes of
/// values are looked up.
pub fn interpolate(text: &str, lookup: Lookup<'_>, most: usize) -> Interpolated {
    if !text.contains('$') {
        return Interpolated { text: text.to_owned(), read: 0, findings: Vec::new() };
    }
    let mut scanner = Scanner { text, position: 0, lookup, most, read: 0, findings: Vec::new() };
    let mut output = String::with_capacity(text.len());
    // A malformed variable ends the scan: what follows could only be guessed at.
    let _ = scanner.until_end(&mut output);
    Interpolated { text: output, read: scanner.read, findings: scanner.findings }
}

/// A malformed variable, or one too many, was met, and reported.
struct Malformed;

struct Scanner<'a> {
    text: &'a str,
    position: usize,
    lookup: Lookup<'a>,
    most: usize,
    read: usize,
    findings: Vec<(Range<usize>, Finding)>,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn until_end(&mut self, output: &mut String) -> Result<(), Malformed> {
        while !self.rest().is_empty() {
            self.step(output, true, 0)?;
        }
        Ok(())
    }

    /// One character or one variable. `active` is false in a word that is not used, so that it causes no warnings.
    fn step(&mut self, output: &mut String, active: bool, depth: usize) -> Result<(), Malformed> {
        let rest = self.rest();
        let Some(after) = rest.strip_prefix('$') else {
            let end = rest.find(['$', '{', '}']).unwrap_or(rest.len());
            // A brace at the very start is literal here: the caller has dealt with those that mean something.
            let end = end.max(rest.chars().next().map_or(0, char::len_utf8));
            output.push_str(&rest[..end]);
            self.position += end;
            return Ok(());
        };
        if after.starts_with('$') {
            output.push('$');
            self.position += 2;
        } else if after.starts_with('{') {
            self.braced(output, active, depth)?;
        } else {
            let name = name_at_start(after).to_owned();
            let start = self.position;
            self.position += 1 + name.len();
            if name.is_empty() {
                output.push('$');
            } else {
                if active {
                    self.plain(&name, start, output)?;
                }
            }
        }
        Ok(())
    }

    fn plain(&mut self, name: &str, start: usize, output: &mut String) -> Result<(), Malformed> {
        match self.value(name, start)? {
            Some(value) => output.push_str(&value),
            None => self.findings.push((start..self.position, Finding::Unset { variable: name.to_owned() })),
        }
        Ok(())
    }

    fn value(&mut self, name: &str, start: usize) -> Result<Option<String>, Malformed> {
        let value = (self.lookup)(name);
        self.read += value.as_ref().map_or(0, String::len);
        if self.read > self.most { self.malformed(start, Finding::TooLong) } else { Ok(value) }
    }

    fn braced(&mut self, output: &mut String, active: bool, depth: usize) -> Result<(), Malformed> {
        let start = self.position;
        if depth >= MAX_DEPTH {
            return self.malformed(start, Finding::TooDeep);
        }
        self.position += 2;
        let name = name_at_start(self.rest()).to_owned();
        self.position += name.len();
        if name.is_empty() {
            return self.bad_name(start);
        }
        if self.rest().starts_with('}') {
            self.position += 1;
            if active {
                self.plain(&name, start, output)?;
            }
            return Ok(());
        }
        let Some((operator, length)) = Operator::at_start(self.rest()) else {
            return self.bad_operator(start, name);
        };
        self.position += length;
        let value = self.value(&name, start)?;
        let present = value.as_ref().is_some_and(|value| !(operator.empty_is_unset && value.is_empty()));
        let word_is_used = present == (operator.kind == Kind::Replacement);
        let word = self.word(start, active && word_is_used, depth)?;
        if active {
            match operator.kind {
                _ if operator.kind == Kind::Required && !present => {
                    let finding = Finding::Required { variable: name, message: word };
                    self.findings.push((start..self.position, finding));
                }
                _ if word_is_used => output.push_str(&word),
                Kind::Replacement => {}
                Kind::Default | Kind::Required => output.push_str(&value.unwrap_or_default()),
            }
        }
        Ok(())
    }

    /// The word after an operator, up to its closing brace; braces inside it must pair.
    fn word(&mut self, start: usize, active: bool, depth: usize) -> Result<String, Malformed> {
        let mut word = String::new();
        let mut open = 0usize;
        loop {
            match self.rest().as_bytes().first() {
                None => return self.malformed(start, Finding::Unclosed),
                Some(b'}') if open == 0 => {
                    self.position += 1;
                    return Ok(word);
                }
                Some(b'}') => open -= 1,
                Some(b'{') => open += 1,
                Some(_) => {}
            }
            self.step(&mut word, active, depth + 1)?;
        }
    }

    fn bad_name<T>(&mut self, start: usize) -> Result<T, Malformed> {
        match self.rest().find('}') {
            Some(end) => {
                let name = self.rest()[..end].to_owned();
                self.position += end + 1;
                self.malformed(start, Finding::BadName { name })
            }
            None => self.malformed(start, Finding::Unclosed),
        }
    }

    fn bad_operator<T>(&mut self, start: usize, variable: String) -> Result<T, Malformed> {
        match self.rest().find('}') {
            Some(end) => {
                let operator = self.rest()[..end].chars().take(1).collect();
                self.position += end + 1;
                self.malformed(start, Finding::BadOperator { variable, operator })
            }
            None => self.malformed(start, Finding::Unclosed),
        }
    }

    fn malformed<T>(&mut self, start: usize, finding: Finding) -> Result<T, Malformed> {
        let end = if finding == Finding::Unclosed { self.text.len() } else { self.position.max(start + 2) };
        self.findings.push((start..end, finding));
        Err(Malformed)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Default,
    Required,
    Replacement,
}

struct Operator {
    kind: Kind,
    /// Written with a colon.
    empty_is_unset: bool,
}

impl Operator {
    fn at_start(text: &str) -> Option<(Self, usize)> {
        let (empty_is_unset, rest) = match text.strip_prefix(':') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let kind = match rest.as_bytes().first()? {
            b'-' => Kind::Default,
            b'?' => Kind::Required,
            b'+' => Kind::Replacement,
            _ => return None,
        };
        Some((Self { kind, empty_is_unset }, usize::from(empty_is_unset) + 1))
    }
}

/// The longest variable name at the start of a text; empty if there is none.
fn name_at_start(text: &str) -> &str {
    let is_start = |c: char| c == '_' || c.is_ascii_alphabetic();
    if !text.starts_with(is_start) {
        return "";
    }
    let end = text.find(|c: char| !(is_start(c) || c.is_ascii_digit())).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("$SET".to_owned()),
            _ => None,
        }
    }

    fn interpolate(text: &str, lookup: Lookup<'_>) -> Interpolated {
        super::interpolate(text, lookup, usize::MAX)
    }

    #[track_caller]
    fn gives(text: &str, expected: &str) {
        let result = interpolate(text, &lookup);
        assert_eq!((result.text.as_str(), result.findings), (expected, Vec::new()), "{text}");
    }

    #[track_caller]
    fn finds(text: &str, range: Range<usize>, finding: Finding) {
        assert_eq!(interpolate(text, &lookup).findings, vec![(range, finding)], "{text}");
    }

    #[test]
    fn every_operator() {
        gives("$SET ${SET}", "value value");
        gives("${UNSET:-d} ${EMPTY:-d} ${SET:-d}", "d d value");
        gives("${UNSET-d} ${EMPTY-d} ${SET-d}", "d  value");
        gives("${SET:?e} ${SET?e} ${EMPTY?e}", "value value ");
        gives("${UNSET:+r} ${EMPTY:+r} ${SET:+r}", "  r");
        gives("${UNSET+r} ${EMPTY+r} ${SET+r}", " r r");
    }

    #[test]
    fn dollars_that_are_not_variables() {
        gives("$$SET $${SET} 5$ $5 $-", "$SET ${SET} 5$ $5 $-");
        gives("{a} } {", "{a} } {");
    }

    #[test]
    fn words_nest_and_are_taken_literally_otherwise() {
        gives("${UNSET:-${SET}}", "value");
        gives("${UNSET:-${OTHER:-deep}}", "deep");
        gives("${UNSET:-{\"a\": {}}}", "{\"a\": {}}");
        gives("${UNSET:-a:b/c $$}", "a:b/c $");
        gives("$TRICKY", "$SET");
    }

    #[test]
    fn a_word_that_is_not_used_warns_of_nothing() {
        gives("${SET:-$UNSET}", "value");
        gives("${UNSET:+${OTHER:?needed}}", "");
    }

    #[test]
    fn faults_have_their_range() {
        finds("a $UNSET b", 2..8, Finding::Unset { variable: "UNSET".into() });
        finds("a ${SET", 2..7, Finding::Unclosed);
        finds("a ${SET:-x", 2..10, Finding::Unclosed);
        finds("${}", 0..3, Finding::BadName { name: String::new() });
        finds("${1X}", 0..5, Finding::BadName { name: "1X".into() });
        finds("${SET/a/b}", 0..10, Finding::BadOperator { variable: "SET".into(), operator: "/".into() });
        finds("${EMPTY:?no $SET}", 0..17, Finding::Required { variable: "EMPTY".into(), message: "no value".into() });
    }

    #[test]
    fn nesting_has_a_limit() {
        let text = "${A:-".repeat(100_000);
        assert_eq!(interpolate(&text, &lookup).findings[0].1, Finding::TooDeep);
    }

    #[test]
    fn values_have_a_limit_and_what_is_written_does_not_count() {
        let limited = |text: &str| super::interpolate(text, &lookup, 10);
        assert_eq!(limited("$SET and ${SET:-x} ${UNSET:-a longer default}").text, "value and value a longer default");
        for (text, range) in [("$SET$SET$SET.", 8..12), ("${SET}${UNSET:-$SET${SET+x}}.", 19..25)] {
            assert_eq!(limited(text).findings, [(range, Finding::TooLong)], "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_without_a_dollar_stays_as_it_is(text in "[^$]*") {
            prop_assert_eq!(interpolate(&text, &lookup), Interpolated { text: text.clone(), ..Interpolated::default() });
        }

        #[test]
        fn any_text_ends_and_its_ranges_lie_in_it(text in "([${}:?+A-Zé-]|SET|UNSET)*") {
            for (range, _) in interpolate(&text, &lookup).findings {
                prop_assert!(text.get(range).is_some());
            }
        }

        #[test]
        fn doubled_dollars_come_out_as_written(text in ".*") {
            let result = interpolate(&text.replace('$', "$$"), &lookup);
            prop_assert_eq!(result.text, text);
            prop_assert!(result.findings.is_empty());
        }
    }
}
