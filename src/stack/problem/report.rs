//! Where problems are collected as diagnostics.

use std::cell::RefCell;
use std::collections::HashSet;

use super::wording::{Problem, Wording};
use crate::diagnostic::{Diagnostic, Diagnostics, Place, Severity};

/// All that was found so far. Whoever reads holds it shared: adding to it is all that can be done on the way.
#[derive(Default)]
pub struct Report {
    diagnostics: RefCell<Diagnostics>,
    refused_keys: RefCell<Vec<Place>>,
}

impl Report {
    pub fn add(&self, place: &Place, problem: impl Problem) {
        self.push(Some(place), &problem);
    }

    /// For a file that cannot be read: there is no line to show.
    pub fn add_without_place(&self, problem: impl Problem) {
        self.push(None, &problem);
    }

    /// The value; an error is reported.
    pub fn accept<T>(&self, place: &Place, result: Result<T, impl Problem>) -> Option<T> {
        result.map_err(|problem| self.add(place, problem)).ok()
    }

    fn push(&self, place: Option<&Place>, problem: &impl Problem) {
        let Wording { message, help } = problem.wording();
        if problem.refuses_key() {
            self.refused_keys.borrow_mut().extend(place.cloned());
        }
        let diagnostic = match problem.severity() {
            Severity::Warning => Diagnostic::warning(message),
            Severity::Error => Diagnostic::error(message),
        };
        let diagnostic = diagnostic.help(help);
        self.diagnostics.borrow_mut().push(match place {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        });
    }

    /// Adds what was found in another part of the same file.
    pub fn append(&self, other: Report) {
        self.diagnostics.borrow_mut().append(other.diagnostics.into_inner());
        self.refused_keys.borrow_mut().append(&mut other.refused_keys.into_inner());
    }

    pub fn error_count(&self) -> usize {
        self.diagnostics.borrow().error_count()
    }

    /// Where the keys stand that Wharf does not take.
    pub fn refused_keys(&self) -> Vec<Place> {
        self.refused_keys.borrow().clone()
    }

    /// Leaves out what has the place and the way out of an earlier one: a mistake in what several services inherit is one mistake.
    pub fn forget_repetitions(&self) {
        let mut seen = HashSet::new();
        self.diagnostics.borrow_mut().retain(|diagnostic| {
            let place = diagnostic.place.as_ref().map(|place| (place.file.path.clone(), place.span.clone()));
            seen.insert((place, diagnostic.help.clone()))
        });
    }

    /// Whether another error would not be shown: whoever looks for errors may stop.
    pub fn is_full(&self) -> bool {
        self.diagnostics.borrow().is_full()
    }

    pub fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics.into_inner()
    }
}
