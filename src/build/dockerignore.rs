//! `.dockerignore`: which files of a build's context are not sent.
//!
//! Source: Dockerfile reference, ".dockerignore file": patterns of Go's filepath.Match, `**` for any number of directories, `!` for
//! exceptions, and the last pattern that matches decides. A pattern that matches a directory matches all that is in it.

use crate::path::clean_text;

/// The patterns of one file, in order.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    /// `!`: a match is sent although an earlier pattern excludes it.
    exception: bool,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**` at the end, and inside of [`Token::Optional`].
    All,
    /// The next so many tokens are optional: `**/`.
    Optional(usize),
    /// `[a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Ignore {
    /// # Errors
    /// The first invalid pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        let patterns = lines.map(|line| {
            let (exception, written) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            // As Go's filepath.Clean does, and without the `/` at the start.
            let cleaned = clean_text(written);
            let tokens = tokens(cleaned.trim_start_matches('/')).ok_or_else(|| line.to_owned())?;
            Ok(Pattern { exception, tokens })
        });
        Ok(Self { patterns: patterns.collect::<Result<_, String>>()? })
    }

    /// Whether a path of the context is excluded. It has `/` between its parts and none at its ends.
    pub fn is_ignored(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let ancestors: Vec<&str> = ends.map(|end| &path[..end]).collect();
        let matching = |pattern: &&Pattern| ancestors.iter().any(|ancestor| matches(&pattern.tokens, ancestor));
        self.patterns.iter().rfind(matching).is_some_and(|pattern| !pattern.exception)
    }

    /// Whether something in an excluded directory may still be sent.
    pub fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.exception)
    }
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' if rest.peek() == Some(&'*') => {
                while rest.next_if_eq(&'*').is_some() {}
                let _eaten = rest.next_if_eq(&'/');
                if rest.peek().is_none() {
                    tokens.push(Token::All);
                } else {
                    tokens.extend([Token::Optional(2), Token::All, Token::Char('/')]);
                }
            }
            '*' => tokens.push(Token::Star),
            '?' => tokens.push(Token::One),
            '[' => tokens.push(class(&mut rest)?),
            '\\' => tokens.push(Token::Char(rest.next()?)),
            other => tokens.push(Token::Char(other)),
        }
    }
    Some(tokens)
}

/// What follows a `[`; `None` if it is not closed or empty.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match rest.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Class { negated, ranges }),
            ']' => return None,
            '\\' => rest.next()?,
            other => other,
        };
        let last = match rest.next_if_eq(&'-') {
            Some(_) => match rest.next()? {
                '\\' => rest.next()?,
                other => other,
            },
            None => first,
        };
        ranges.push((first, last));
    }
}

/// Whether the tokens match the whole text. All alternatives are followed at once, so that no pattern takes long.
fn matches(tokens: &[Token], text: &str) -> bool {
    let mut states = vec![false; tokens.len() + 1];
    states[0] = true;
    skip_optional(tokens, &mut states);
    for character in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (index, token) in tokens.iter().enumerate().filter(|(index, _)| states[*index]) {
            match token {
                Token::Char(wanted) => next[index + 1] |= *wanted == character,
                Token::One => next[index + 1] |= character != '/',
                Token::Class { negated, ranges } => {
                    let inside = ranges.iter().any(|(first, last)| (*first..=*last).contains(&character));
                    next[index + 1] |= inside != *negated && character != '/';
                }
                Token::Star => next[index] |= character != '/',
                Token::All => next[index] = true,
                Token::Optional(_) => (),
            }
        }
        states = next;
        skip_optional(tokens, &mut states);
    }
    states[tokens.len()]
}

/// Marks the states that are reached without a character.
fn skip_optional(tokens: &[Token], states: &mut [bool]) {
    for (index, token) in tokens.iter().enumerate() {
        if states[index] {
            match token {
                Token::Star | Token::All => states[index + 1] = true,
                Token::Optional(count) => {
                    states[index + 1] = true;
                    states[index + 1 + count] = true;
                }
                _ => (),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ignore;

    #[track_caller]
    fn ignores(text: &str, ignored: &[&str], sent: &[&str]) {
        let ignore = Ignore::parse(text).unwrap();
        for path in ignored {
            assert!(ignore.is_ignored(path), "{text:?} ignores {path}");
        }
        for path in sent {
            assert!(!ignore.is_ignored(path), "{text:?} sends {path}");
        }
    }

    #[test]
    fn patterns_of_the_dockerfile_reference() {
        ignores("# comment\n\n*/temp*\n", &["some/temporary.txt", "some/temp/x"], &["temp", "a/b/temp"]);
        ignores("*/*/temp*", &["a/b/temporary.txt"], &["a/temp", "a/b/c/temp"]);
        ignores("temp?", &["tempa", "tempb/x"], &["temp", "tempab", "x/tempa"]);
        ignores("**/*.go", &["a.go", "x/a.go", "x/y/z.go"], &["a.got"]);
        ignores("*.md\n!README.md", &["a.md"], &["README.md", "x/a.md"]);
        ignores("*.md\n!README*.md\nREADME-secret.md", &["README-secret.md"], &["README-1.md"]);
        ignores("*.md\nREADME-secret.md\n!README*.md", &["a.md"], &["README-secret.md"]);
        ignores("*\n!src", &["a", "b/c"], &["src", "src/main.rs"]);
    }

    #[test]
    fn paths_and_special_characters() {
        ignores("/target/", &["target", "target/debug/x"], &["x/target"]);
        ignores("./a/../b//c", &["b/c"], &["a"]);
        ignores("foo/**", &["foo/a", "foo/a/b"], &["foo", "x/foo/a"]);
        ignores("foo/**/bar", &["foo/bar", "foo/a/b/bar"], &["foobar", "x/foo/bar"]);
        ignores("[a-c]x[^0-9]", &["bxx", "axy"], &["dxx", "ax0", "ax/"]);
        ignores("a\\*b", &["a*b"], &["axb"]);
        ignores("  spaced  \n! spaced/x", &["spaced/y"], &["spaced/x"]);
        ignores("**", &["a", "a/b"], &[]);
        ignores("", &[], &["a"]);
        assert_eq!(Ignore::parse("a\n[b").err().as_deref(), Some("[b"));
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = "**/*a".repeat(50) + "b";
        ignores(&pattern, &[], &[&"a/".repeat(500)]);
    }
}
