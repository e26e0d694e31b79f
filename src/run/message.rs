//! wharf-run's own messages: lines on standard error, which the journal reads with their level (sd-daemon(3)).

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::printable::aligned_line;
use crate::spec::exit;
use crate::systemd::service;

/// Characters; journald would make two entries of a line that is longer (journald.conf(5), LineMax=).
const LONGEST: usize = 12_000;

pub fn error(message: &str) {
    write(3, message);
}

pub fn warning(message: &str) {
    write(4, message);
}

pub fn info(message: &str) {
    write(6, message);
}

fn write(level: u8, message: &str) {
    // The journal would take a line break for the end of the entry, and `<0>` after it for a priority.
    let message = aligned_line(message, LONGEST);
    // In one write, so that the journal gets one line. If the journal has gone, there is nobody to tell.
    let _nobody_listens = io::stderr().write_all(format!("<{level}>{message}\n").as_bytes());
}

/// Reports that the program could not begin its work; the exit status for it.
pub fn cannot_start(reason: &dyn fmt::Display) -> ExitCode {
    let reason = reason.to_string();
    error(&reason);
    service::status(&reason);
    ExitCode::from(exit::CANNOT_START)
}
