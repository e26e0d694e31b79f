//! wharf-run's own messages: lines on standard error, which the journal reads with their level (sd-daemon(3)).

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

/// Reports that the program could not begin its work; the exit status for it.
pub fn cannot_start(reason: &dyn fmt::Display) -> ExitCode {
    error(&reason.to_string());
    ExitCode::from(exit::CANNOT_START)
}

/// A container's id as `docker ps` shows it.
pub fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
