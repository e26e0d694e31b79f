//! The end of the file: what could not be carried over, as comments.

use super::judge::Remark;
use super::problem::{Lost, Report};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};

/// What stands below the stack.
pub struct Remarks {
    judged: Vec<Remark>,
    warnings: Vec<Diagnostic>,
    /// The last comments of the files.
    pub foot: Vec<String>,
    /// Comments of keys that are gone.
    pub homeless: Vec<String>,
}

/// So many things may be wrong with a large stack; more are wrong only with a hostile one.
const MOST_REMARKS: usize = 200;

const LEFT_OUT: &str = "Not imported:";
const REFUSED: &str = "Imported, but not valid:";
const HOMELESS: &str = "Comments of keys that were not imported:";

impl Remarks {
    pub fn new(judged: Vec<Remark>) -> Self {
        Self { judged, warnings: Vec::new(), foot: Vec::new(), homeless: Vec::new() }
    }

    /// Adds what was found besides: errors to the list, warnings for the terminal alone.
    pub fn add(&mut self, found: Diagnostics) {
        for diagnostic in found.iter().cloned() {
            match diagnostic.severity {
                Severity::Error => self.judged.push(Remark { diagnostic, left_out: None }),
                Severity::Warning => self.warnings.push(diagnostic),
            }
        }
    }

    /// In the order of the files. Of more than anybody reads, the first; the others are counted.
    pub fn sort(&mut self) {
        let position = |remark: &Remark| {
            let place = remark.diagnostic.place.as_ref();
            place.map(|place| (place.file.path.clone(), place.span.start))
        };
        self.judged.sort_by_cached_key(position);
        if self.judged.len() > MOST_REMARKS {
            let more = Report::default();
            more.add_without_place(Lost::More { count: self.judged.len() - MOST_REMARKS });
            self.judged.truncate(MOST_REMARKS);
            self.add(more.into_diagnostics());
        }
    }

    /// Whether all could be carried over.
    pub fn is_empty(&self) -> bool {
        self.judged.is_empty()
    }

    /// As the last lines of a TOML file; nothing if there is nothing to say.
    pub fn as_comments(&self) -> String {
        let mut blocks = Vec::new();
        if !self.foot.is_empty() {
            blocks.push(self.foot.iter().map(|comment| format!("{comment}\n")).collect());
        }
        let (left_out, refused): (Vec<&Remark>, Vec<&Remark>) =
            self.judged.iter().partition(|remark| remark.left_out.is_some());
        let sections = [(LEFT_OUT, left_out), (REFUSED, refused)];
        blocks.extend(sections.iter().filter(|(_, remarks)| !remarks.is_empty()).map(|(title, remarks)| {
            let remarks: String = remarks.iter().map(|remark| one(remark)).collect();
            commented(&format!("{title}\n{remarks}"))
        }));
        if !self.homeless.is_empty() {
            blocks.push(commented(&format!("{HOMELESS}\n{}", self.homeless.join("\n"))));
        }
        blocks.iter().map(|block| format!("\n{block}")).collect()
    }

    /// What is shown on the terminal.
    pub fn with(self, mut warnings: Diagnostics) -> Diagnostics {
        self.warnings.into_iter().for_each(|warning| warnings.push(warning));
        self.judged.into_iter().for_each(|remark| warnings.push(remark.diagnostic));
        warnings
    }
}

/// `file:line:column: what`, the key as TOML, and the way out.
fn one(remark: &Remark) -> String {
    let Diagnostic { message, place, help, .. } = &remark.diagnostic;
    let mut text = match place {
        Some(place) => format!("\n{place}: {message}\n"),
        None => format!("\n{message}\n"),
    };
    let indented = |line: &str| format!("    {line}\n");
    text.extend(remark.left_out.iter().flat_map(|toml| toml.trim().lines().map(indented)));
    text.extend(help.iter().map(|help| format!("  {help}\n")));
    text
}

fn commented(text: &str) -> String {
    let line = |line: &str| match line {
        "" => "#\n".to_owned(),
        line if line.starts_with('#') => format!("{line}\n"),
        line => format!("# {line}\n"),
    };
    // A value may hold what no comment may.
    let fit = |c: char| if c.is_control() && c != '\t' && c != '\n' { ' ' } else { c };
    text.chars().map(fit).collect::<String>().lines().map(line).collect()
}
