//! A unit that an update could not replace.

use std::fmt;

use crate::name::UnitName;

/// A unit that did not start, or did not stay as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub unit: UnitName,
    pub reason: String,
    /// The last line that the container printed.
    pub output: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.unit, self.reason)?;
        match &self.output {
            Some(line) => write!(f, "; last output: {line}"),
            None => Ok(()),
        }
    }
}
