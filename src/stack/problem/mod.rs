//! What can be wrong with a stack, as data, and the one door through which it becomes a [`Diagnostic`].
//!
//! Each family says, next to each other, what is wrong and what to do about it. Invariant: no other file of this room words a
//! message, and every problem has a way out.

mod across;
mod amount;
mod build;
mod calendar;
mod choice;
mod collision;
mod command;
mod composition;
mod file;
mod image;
mod machine;
mod mount;
mod name;
mod port;
mod reference;
mod secret;
mod shape;
mod unit;
mod value;

pub use across::Across;
pub use amount::AmountFault;
pub use build::BuildFault;
pub use calendar::CalendarFault;
pub use choice::ChoiceFault;
pub use collision::Collision;
pub use command::CommandFault;
pub use composition::Composition;
pub use file::{FileProblem, Finding, TextProblem};
pub use image::ImageFault;
pub use machine::{Family, MachineFault};
pub use mount::MountFault;
pub use name::NameFault;
pub use port::PortFault;
pub use reference::ReferenceFault;
pub use secret::{FileKind, SecretFault};
pub use shape::{Expected, Shape};
pub use unit::UnitFault;
pub use value::Invalid;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Severity};

/// What is wrong, and the way out.
pub struct Said {
    pub message: String,
    pub help: String,
}

/// A sentence pair; the help is in the imperative.
fn said(message: impl Into<String>, help: impl Into<String>) -> Said {
    Said { message: message.into(), help: help.into() }
}

/// Something that can be reported.
pub trait Problem {
    fn severity(&self) -> Severity {
        Severity::Error
    }
    /// Whether it is a key that Wharf does not take at all, rather than a wrong value.
    fn refuses_key(&self) -> bool {
        false
    }
    fn say(&self) -> Said;
}

/// All that was found so far.
#[derive(Default)]
pub struct Report {
    diagnostics: Diagnostics,
    refused_keys: Vec<Place>,
}

impl Report {
    pub fn add(&mut self, place: &Place, problem: impl Problem) {
        self.push(Some(place), &problem);
    }

    /// For a file that cannot be read: there is no line to show.
    pub fn add_without_place(&mut self, problem: impl Problem) {
        self.push(None, &problem);
    }

    fn push(&mut self, place: Option<&Place>, problem: &impl Problem) {
        let Said { message, help } = problem.say();
        if problem.refuses_key() {
            self.refused_keys.extend(place.cloned());
        }
        let diagnostic = match problem.severity() {
            Severity::Warning => Diagnostic::warning(message),
            Severity::Error => Diagnostic::error(message),
        };
        let diagnostic = diagnostic.help(help);
        self.diagnostics.push(match place {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        });
    }

    pub fn error_count(&self) -> usize {
        self.diagnostics.error_count()
    }

    /// Where the keys stand that Wharf does not take.
    pub fn refused_keys(&self) -> &[Place] {
        &self.refused_keys
    }

    /// Leaves out what has the place and the way out of an earlier one: a mistake in what several services inherit is one mistake.
    pub fn forget_repetitions(&mut self) {
        let mut seen = HashSet::new();
        self.diagnostics.retain(|diagnostic| {
            let place = diagnostic.place.as_ref().map(|place| (place.file.path.clone(), place.span.clone()));
            seen.insert((place, diagnostic.help.clone()))
        });
    }

    /// Whether another error would not be shown: whoever looks for errors may stop.
    pub fn is_full(&self) -> bool {
        self.diagnostics.is_full()
    }

    pub fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics
    }
}

/// `` `a`, `b` and `c` ``
fn quoted_list(items: &[impl AsRef<str>], last: &str) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// A value in back-quotes, or in words where there is nothing to quote.
fn quote(value: &str) -> String {
    if value.is_empty() { "an empty string".to_owned() } else { format!("`{value}`") }
}

/// Why a value is not what it should be; of an empty one no more needs to be said.
fn refused(value: &str, is_not: &str, why: &str, help: String) -> Said {
    let message =
        if value.is_empty() { format!("an empty string {is_not}") } else { format!("`{value}` {is_not}: {why}") };
    said(message, help)
}

/// `did you mean X?` or, when nothing is near, what else there is.
fn did_you_mean(nearest: Option<&String>, otherwise: impl FnOnce() -> String) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => otherwise(),
    }
}
