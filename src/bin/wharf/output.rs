//! How results are shown: messages on standard error, data on standard output, colour on a terminal only.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;
use wharf::diagnostic::Diagnostics;

/// Diagnostics as a compiler shows them; NO_COLOR (no-color.org) is honoured.
pub fn diagnostics(diagnostics: &Diagnostics) -> String {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    diagnostics.render(io::stderr().is_terminal() && !no_colour)
}

/// Prints data; a reader that went away (`| head`) is no error.
pub fn data(text: &str) {
    let _reader_gone = io::stdout().lock().write_all(text.as_bytes());
}

pub fn json(value: &Value) {
    data(&format!("{value:#}\n"));
}

/// A line for the administrator.
pub fn message(text: &str) {
    let _nobody_listens = writeln!(io::stderr().lock(), "{text}");
}

pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
