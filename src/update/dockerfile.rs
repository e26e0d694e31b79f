//! Which images a Dockerfile names: bases (`FROM`), and those that it copies or mounts from. Pure.
//!
//! Source: Dockerfile reference: format, parser directives, here-documents, ARG and FROM, COPY --from, RUN --mount.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::ImageRef;
use crate::stack::interpolate;

/// Longer values of arguments than these together, in bytes, are in no reference.
const LONGEST_VALUES: usize = 64 << 10;

/// The images that a Dockerfile names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub images: BTreeSet<ImageRef>,
    /// What may name an image and is known only to the build.
    pub unknown: BTreeSet<String>,
}

/// Finds them. `arguments`: the build's own, by name; `contexts`: names that mean something else in this build.
pub fn images(text: &str, arguments: &BTreeMap<String, String>, contexts: &BTreeSet<&str>) -> Named {
    let mut reader = Reader {
        given: arguments,
        contexts,
        global: BTreeMap::new(),
        stages: BTreeSet::new(),
        named: Named::default(),
    };
    instructions(text).iter().for_each(|instruction| reader.instruction(instruction));
    reader.named
}

struct Reader<'a> {
    given: &'a BTreeMap<String, String>,
    contexts: &'a BTreeSet<&'a str>,
    /// Arguments that are declared before the first stage.
    global: BTreeMap<String, String>,
    /// Names of the stages so far, in lower case.
    stages: BTreeSet<String>,
    named: Named,
}

impl Reader<'_> {
    fn instruction(&mut self, instruction: &str) {
        let mut words = instruction.split_ascii_whitespace();
        let Some(keyword) = words.next() else { return };
        match keyword.to_ascii_uppercase().as_str() {
            "ARG" if self.stages.is_empty() => words.for_each(|word| self.argument(word)),
            "FROM" => self.from(&words.filter(|word| !word.starts_with("--")).collect::<Vec<_>>()),
            "COPY" | "ADD" => {
                let flags = words.take_while(|word| word.starts_with("--"));
                flags.filter_map(|flag| flag.strip_prefix("--from=")).for_each(|source| self.source(source));
            }
            "RUN" => {
                let flags = words.take_while(|word| word.starts_with("--"));
                let mounts = flags.filter_map(|flag| flag.strip_prefix("--mount="));
                let sources = mounts.flat_map(|mount| mount.split(',')).filter_map(|part| part.strip_prefix("from="));
                sources.for_each(|source| self.source(source));
            }
            _ => (),
        }
    }

    fn argument(&mut self, word: &str) {
        let (name, default) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let default = default.map(|value| unquoted(value).to_owned());
        let default = default.and_then(|value| self.replaced(&value));
        if let Some(value) = self.given.get(name).cloned().or(default) {
            self.global.insert(name.to_owned(), value);
        }
    }

    fn from(&mut self, words: &[&str]) {
        if let Some(image) = words.first() {
            match self.replaced(image) {
                Some(image) if image == "scratch" => (),
                Some(image) => self.image(&image),
                None => self.unknown(image),
            }
        }
        let name = match words {
            [_, keyword, name, ..] if keyword.eq_ignore_ascii_case("as") => name.to_ascii_lowercase(),
            // It has a number.
            _ => String::new(),
        };
        self.stages.insert(name);
    }

    /// Of `--from`: a stage, by its name or number, or an image.
    fn source(&mut self, source: &str) {
        if source.contains('$') {
            self.unknown(source);
        } else if source.parse::<u32>().is_err() {
            self.image(source);
        }
    }

    fn image(&mut self, text: &str) {
        if self.contexts.contains(text) || self.stages.contains(&text.to_ascii_lowercase()) {
            return;
        }
        match ImageRef::parse(text) {
            Ok(image) => {
                self.named.images.insert(image);
            }
            Err(_) => self.unknown(text),
        }
    }

    fn unknown(&mut self, text: &str) {
        self.named.unknown.insert(text.to_owned());
    }

    /// `None`: it has a variable that is not set before the first stage.
    fn replaced(&self, text: &str) -> Option<String> {
        let replaced = interpolate(unquoted(text), &|name| self.global.get(name).cloned(), LONGEST_VALUES);
        replaced.findings.is_empty().then_some(replaced.text)
    }
}

fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// The instructions, each in one line: continued lines are joined, comments and here-documents are left out.
fn instructions(text: &str) -> Vec<String> {
    let escape = escape(text);
    let mut lines = text.lines();
    let mut found = Vec::new();
    let mut instruction = String::new();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(begun) = line.strip_suffix(escape) {
            instruction.push_str(begun);
            continue;
        }
        instruction.push_str(line);
        for end in here_documents(&instruction) {
            // Its lines are no instructions.
            let _text = lines.by_ref().find(|line| line.trim_start_matches('\t') == end);
        }
        found.push(std::mem::take(&mut instruction));
    }
    found.push(instruction);
    found
}

/// The character that continues a line: of the directive `escape`, which stands before all else.
fn escape(text: &str) -> char {
    let comments = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let directives = comments.map_while(|comment| comment.split_once('='));
    let mut escapes = directives.filter(|(name, _)| name.trim().eq_ignore_ascii_case("escape"));
    escapes.next().and_then(|(_, value)| value.trim().chars().next()).unwrap_or('\\')
}

/// The words that end the here-documents of an instruction, in their order.
fn here_documents(instruction: &str) -> Vec<String> {
    let keyword = instruction.split_ascii_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !["RUN", "COPY", "ADD"].contains(&keyword.as_str()) {
        return Vec::new();
    }
    let begun = instruction.split("<<").skip(1).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    let words = begun.map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']);
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    });
    words.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, arguments: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let Named { images, unknown } = images(text, &arguments, &BTreeSet::from(["tools"]));
        (images.iter().map(ToString::to_string).collect(), unknown.into_iter().collect())
    }

    #[test]
    fn bases_and_sources_are_found() {
        let text = r#"# syntax=docker/dockerfile:1
ARG VERSION=1.24
arg BASE="debian:${SUITE:-trixie}" SUITE
FROM --platform=$BUILDPLATFORM golang:$VERSION AS Build
ARG VERSION=99
RUN --mount=type=bind,from=busybox:1,target=/b --mount=type=cache,target=/c \
    # a comment among the lines

    go build ./...
FROM build as test
from $BASE
COPY --from=build /app /app
COPY --chown=0:0 --from=ghcr.io/team/assets:7 / /assets
COPY --from=0 /x /x
COPY --from=tools / /
RUN cat <<EOF >/a && cat <<-"END" >/b
FROM evil:1
EOF
COPY --from=evil:2 / /
	END
FROM scratch
ADD . /
"#;
        let bases = ["busybox:1", "debian:trixie", "ghcr.io/team/assets:7", "golang:1.24"];
        assert_eq!(named(text, &[]), (bases.map(str::to_owned).to_vec(), Vec::new()));
        let given = named(text, &[("VERSION", "1.25"), ("SUITE", "forky"), ("OTHER", "x")]).0;
        assert_eq!(given, ["busybox:1", "debian:trixie", "ghcr.io/team/assets:7", "golang:1.25"]);
    }

    #[test]
    fn what_only_the_build_knows_is_named() {
        let text = "FROM base-$TARGETARCH\nFROM UPPER:1\nCOPY --from=$X / /\nFROM\nfrom a AS\nRUN <<\n";
        let unknown = ["$X", "UPPER:1", "base-$TARGETARCH"].map(str::to_owned).to_vec();
        assert_eq!(named(text, &[]), (vec!["a".to_owned()], unknown));
        assert_eq!(named("", &[]), (Vec::new(), Vec::new()));
    }

    #[test]
    fn another_character_may_continue_lines() {
        let text = "# escape=`\nFROM `\n  a:1\nRUN dir c:\\\nFROM b\n";
        assert_eq!(named(text, &[]).0, ["a:1", "b"]);
    }
}
