//! An error or warning with its place in a file, and how it is shown.
//!
//! Every room reports what is wrong with the user's input as a [`Diagnostic`]; only this file decides how one looks.
//! Invariant: a diagnostic never carries control flow, only what a person needs: what, where, and the way out.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::printable::{printable, printable_lines};

/// A file that the user wrote, kept whole so that an error can quote it.
#[derive(Debug)]
pub struct SourceFile {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    /// Where each line begins, once somebody has asked.
    line_starts: OnceLock<Vec<usize>>,
}

impl SourceFile {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into(), line_starts: OnceLock::new() })
    }

    /// The line of a byte, counted from 1, and where it begins.
    fn line_at(&self, offset: usize) -> (usize, usize) {
        let starts = self.line_starts.get_or_init(|| {
            let newlines = self.text.match_indices('\n');
            std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect()
        });
        let line = starts.partition_point(|start| *start <= offset);
        (line, starts.get(line - 1).copied().unwrap_or(0))
    }
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for SourceFile {}

/// A range of bytes in a [`SourceFile`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<SourceFile>,
    pub span: Range<usize>,
}

impl Place {
    pub fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        Self { file: Arc::clone(file), span }
    }

    /// Line and column of the start, both counted from 1; the column counts characters.
    pub fn line_column(&self) -> (usize, usize) {
        let text = &self.file.text;
        let offset = if text.is_char_boundary(self.span.start) { self.span.start } else { text.len() };
        let (line, start) = self.file.line_at(offset);
        (line, text.get(start..offset).unwrap_or("").chars().count() + 1)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Place {
    /// `file:line:column`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.file.path.display())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// What is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// One sentence without a full stop: what is wrong.
    pub message: String,
    pub place: Option<Place>,
    /// The way out, in the imperative.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place: None, help: None }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Errors, and warnings, of one run that are kept. Nobody reads more, and a hostile file could have millions.
const MOST: usize = 500;
/// Characters of a message or help; the middle of a longer one is left out.
const LONGEST: usize = 2_000;
/// Bytes of the lines that are quoted with one diagnostic; of longer ones, only the place is shown.
const MOST_QUOTED: usize = 4_000;

/// All that was found in one run, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MOST {
            self.kept.push(diagnostic);
        }
    }

    /// Adds those of another run, or of another part of this one.
    pub fn append(&mut self, other: Diagnostics) {
        let (errors, warnings) = (self.errors + other.errors, self.warnings + other.warnings);
        other.kept.into_iter().for_each(|diagnostic| self.push(diagnostic));
        (self.errors, self.warnings) = (errors, warnings);
    }

    /// Leaves out those of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Diagnostic) -> bool) {
        self.kept.retain(|diagnostic| {
            let kept = keep(diagnostic);
            match diagnostic.severity {
                Severity::Error => self.errors -= usize::from(!kept),
                Severity::Warning => self.warnings -= usize::from(!kept),
            }
            kept
        });
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Also of those that are not kept.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether another error would not be kept.
    pub fn is_full(&self) -> bool {
        self.errors >= MOST
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.kept.iter()
    }

    /// The diagnostics as text, as a compiler shows them, sorted by place; `colour` adds terminal escapes.
    pub fn render(&self, colour: bool) -> String {
        let mut sorted: Vec<&Diagnostic> = self.kept.iter().collect();
        let position = |d: &Diagnostic| d.place.as_ref().map(|p| (p.file.path.clone(), p.span.start));
        sorted.sort_by_cached_key(|d| position(d));
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text: String = sorted.iter().map(|d| render_one(&renderer, d) + "\n").collect();
        for (all, what, level) in [(self.errors, "errors", Level::ERROR), (self.warnings, "warnings", Level::WARNING)] {
            if all > MOST {
                let more = format!("there are more {what} than these {MOST}");
                text += &renderer.render(&[Group::with_title(level.primary_title(&more))]);
                text.push('\n');
            }
        }
        text
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::default();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let (message, help) = (shortened(&diagnostic.message), diagnostic.help.as_deref().map(shortened));
    let title = level.primary_title(&message);
    let path: String;
    let mut group = match &diagnostic.place {
        Some(place) => {
            path = display(&place.file.path);
            match quoted(place) {
                Some((lines, first, span)) => {
                    let snippet = Snippet::source(lines).line_start(first).path(&path);
                    title.element(snippet.annotation(AnnotationKind::Primary.span(span)))
                }
                None => {
                    let (line, column) = place.line_column();
                    title.element(Origin::path(&path).line(line).char_column(column))
                }
            }
        }
        None => Group::with_title(title),
    };
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The lines of a place, the number of the first, and the place in them; nothing if they are too long.
fn quoted(place: &Place) -> Option<(String, usize, Range<usize>)> {
    let text = &place.file.text;
    let end = place.span.end.min(text.len());
    let span = place.span.start.min(end)..end;
    let (first, start_of_line) = place.file.line_at(span.start);
    text.get(start_of_line..span.start)?;
    let end_of_line = text.get(span.end..)?.find('\n').map_or(text.len(), |newline| span.end + newline);
    let lines = text.get(start_of_line..end_of_line).filter(|lines| lines.len() <= MOST_QUOTED)?;
    // The renderer shows the controls of ASCII as pictures, but passes on those of C1. Blanks of their length keep the place.
    let lines = lines.replace(|character| ('\u{80}'..='\u{9f}').contains(&character), "  ");
    Some((lines, first, span.start - start_of_line..span.end - start_of_line))
}

/// Words that are quoted may be anybody's: those of an image, or of a file of another user.
fn shortened(text: &str) -> String {
    let text = printable_lines(text);
    match (text.char_indices().nth(LONGEST / 2), text.char_indices().nth_back(LONGEST / 2)) {
        (Some((start, _)), Some((end, _))) if start < end => format!("{}…{}", &text[..start], &text[end..]),
        _ => text,
    }
}

fn display(path: &Path) -> String {
    printable(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_diagnostic_quotes_does_not_steer_the_terminal() {
        let file = SourceFile::new("a\u{1b}]0;t\u{7}.toml", "image = \"x\u{1b}[2J\u{9b}31m\u{202e}\"\n");
        let place = Place { file, span: 8..12 };
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::error("bad \u{1b}[2J\u{202e}").at(&place).help("say\u{7} x"));
        let text = diagnostics.render(false);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
        assert!(text.contains("bad"), "{text}");
    }
}
