//! The one place where the command prints: messages on standard error, data on standard output, colour on a terminal only.
//!
//! Invariant: of what others have written (a registry, an image, a container), no character steers the terminal.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use serde::Serialize;
use wharf::diagnostic::Diagnostics;
use wharf::printable::{printable, printable_lines};
use wharf::report::table::Screen;

use crate::stacks;

/// What a reader of the journal has to know who may not read all of it.
pub const LIMITED_JOURNAL: &str = "you may not read the system's journal, so only your own messages are shown; to read it, become root or \
     join the group systemd-journal: usermod --append --groups systemd-journal USER";

/// Shows diagnostics as a compiler does; NO_COLOR (no-color.org) is honoured.
pub fn diagnostics(diagnostics: &Diagnostics) {
    error(&diagnostics.render(io::stderr().is_terminal() && is_coloured()));
}

fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What standard output can show. A text that is redrawn `in_place` leaves the last line of a terminal to the cursor.
pub fn screen(in_place: bool) -> Screen {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_| io::stdout().is_terminal());
    let length = |length: u16| Some(usize::from(length)).filter(|length| *length > 0);
    Screen {
        utf8: is_utf8(),
        colour: io::stdout().is_terminal() && is_coloured(),
        width: size.and_then(|size| length(size.ws_col)),
        height: size.filter(|_| in_place).and_then(|size| length(size.ws_row)).map(|rows| rows.saturating_sub(1)),
    }
}

/// Whether the locale (locale(7)) uses UTF-8. Without a locale it counts as UTF-8, as for systemctl(1).
fn is_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| stacks::environment(name).filter(|it| !it.is_empty()));
    set.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// A text that is shown again whenever it changes.
#[derive(Default)]
pub struct Canvas {
    /// The lines of the terminal that it takes.
    lines: usize,
    is_begun: bool,
}

impl Canvas {
    /// Shows the next text: on a terminal in place of the one before, else after it and an empty line.
    ///
    /// # Errors
    /// The reader has gone, or it cannot be written.
    pub fn draw(&mut self, text: &str) -> io::Result<()> {
        let before = if !self.is_begun {
            String::new()
        } else if io::stdout().is_terminal() {
            self.clearing()
        } else {
            "\n".to_owned()
        };
        self.is_begun = true;
        self.lines = text.lines().count();
        // In one write, so that an interruption leaves no incomplete control sequence behind.
        write(&format!("{before}{text}"))
    }

    /// Leaves the cursor below the text, and below the `^C` that a terminal shows.
    pub fn leave(&self) {
        if io::stdout().is_terminal() {
            drawn("\n");
        }
    }

    /// Makes room for a message above it.
    pub fn clear(&mut self) {
        if io::stdout().is_terminal() && self.lines > 0 {
            drawn(&self.clearing());
            self.lines = 0;
        }
    }

    /// Back to its first line, and the screen cleared from there (ECMA-48: CPL, ED).
    fn clearing(&self) -> String {
        match self.lines {
            0 => String::new(),
            lines => format!("\x1b[{lines}F\x1b[J"),
        }
    }
}

/// Prints what a table has drawn: its cells are printable, and the escapes are its own colours.
pub fn drawn(text: &str) {
    let _noted = write(text);
}

/// As [`drawn`], for what is shown as it comes.
///
/// # Errors
/// Nobody reads it any more, or it cannot be written.
pub fn drawn_as_it_comes(text: &str) -> io::Result<()> {
    write(text)
}

/// Prints data: as it is for a program, on a terminal without what would steer it.
pub fn data(text: &str) {
    let _noted = show(text);
}

/// As [`data`].
///
/// # Errors
/// The reader has gone, or it cannot be written.
fn show(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() { write(&printable_lines(text)) } else { write(text) }
}

/// Prints what is printable already, at once.
///
/// # Errors
/// The reader has gone, or it cannot be written, e.g. because the disk is full: see [`failure`].
fn write(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.inspect_err(note)
}

/// Why standard output was not written.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Keeps an error of standard output for the end of the run.
pub fn note(error: &io::Error) {
    if error.kind() != ErrorKind::BrokenPipe {
        let _another_before = FAILURE.set(error.to_string());
    }
}

/// Why something that was to be printed is not on standard output. A reader that has gone (`| head`) is no failure.
pub fn failure() -> Option<&'static str> {
    FAILURE.get().map(String::as_str)
}

/// The answer to `--json`: indented, keys sorted, a line break at the end.
///
/// # Errors
/// The value has a map with keys that are not text.
pub fn json(value: &impl Serialize) -> serde_json::Result<()> {
    data(&format!("{:#}\n", serde_json::to_value(value)?));
    Ok(())
}

/// The same in one line, for a series of answers.
///
/// # Errors
/// As for [`json`], or the reader has gone.
pub fn json_line(value: &impl Serialize) -> io::Result<()> {
    show(&format!("{}\n", serde_json::to_value(value)?))
}

/// What the command did: a line.
pub fn message(text: &str) {
    messages([text]);
}

/// As many lines, written at once: there may be thousands.
pub fn messages(lines: impl IntoIterator<Item = impl AsRef<str>>) {
    error(&lines.into_iter().map(|line| printable(line.as_ref()) + "\n").collect::<String>());
}

/// What the administrator has to know, with the program's name before each line.
pub fn notice(text: &str) {
    text.lines().for_each(|line| message(&format!("wharf: {line}")));
}

fn error(text: &str) {
    let _reader_gone = io::stderr().lock().write_all(text.as_bytes());
}
