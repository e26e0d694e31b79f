//! What wharf-run itself says: lines on standard error, which the journal reads with their level (sd-daemon(3)).

use std::fmt;
use std::process::ExitCode;

use crate::spec::exit;

pub fn error(message: &str) {
    eprintln!("<3>{message}");
}

pub fn warning(message: &str) {
    eprintln!("<4>{message}");
}

pub fn info(message: &str) {
    eprintln!("<6>{message}");
}

/// Why the program did not even begin, and the status that it exits with.
pub fn cannot_start(why: &dyn fmt::Display) -> ExitCode {
    error(&why.to_string());
    ExitCode::from(exit::CANNOT_START)
}

/// The form of a container's id that people use.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
