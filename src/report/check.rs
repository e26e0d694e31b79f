//! `wharf check --json`: what is wrong with stack files, for programs.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};

/// The result of a check.
#[derive(Debug, Serialize)]
pub struct Checked<'a> {
    pub valid: bool,
    pub diagnostics: Vec<Finding<'a>>,
}

/// One diagnostic. Lines and columns count from 1.
#[derive(Debug, Serialize)]
pub struct Finding<'a> {
    pub severity: &'static str,
    pub message: &'a str,
    pub file: Option<String>,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub help: Option<&'a str>,
}

impl<'a> Checked<'a> {
    pub fn new(valid: bool, diagnostics: &'a Diagnostics) -> Self {
        Self { valid, diagnostics: diagnostics.iter().map(Finding::from).collect() }
    }
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let position = diagnostic.place.as_ref().map(|place| place.line_column());
        Self {
            severity: match diagnostic.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            message: &diagnostic.message,
            file: diagnostic.place.as_ref().map(|place| place.file.path.display().to_string()),
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            help: diagnostic.help.as_deref(),
        }
    }
}
