//! How results are shown: messages on standard error, data on standard output, colour on a terminal only.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;
use wharf::diagnostic::Diagnostics;
use wharf::report::status::text::Screen;

/// Diagnostics as a compiler shows them; NO_COLOR (no-color.org) is honoured.
pub fn diagnostics(diagnostics: &Diagnostics) -> String {
    diagnostics.render(io::stderr().is_terminal() && is_coloured())
}

fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What standard output can show. A picture that is drawn `in_place` leaves the last line of a terminal to the cursor.
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

/// Whether the locale (locale(7)) is one of UTF-8. None at all counts as one, as for systemctl(1).
fn is_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| environment(name).filter(|it| !it.is_empty()));
    set.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// A text that is shown again and again.
#[derive(Default)]
pub struct Canvas {
    /// Lines of the terminal that it takes.
    lines: usize,
    is_begun: bool,
}

impl Canvas {
    /// Shows the next text: on a terminal in the place of the one before, else after it and a line that is empty.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub fn draw(&mut self, text: &str) -> io::Result<()> {
        let before = match self.is_begun {
            true if io::stdout().is_terminal() => self.clearing(),
            true => "\n".to_owned(),
            false => String::new(),
        };
        self.is_begun = true;
        self.lines = text.lines().count();
        // In one piece, so that an interruption leaves no half of a control sequence behind.
        write(&format!("{before}{text}"))
    }

    /// Leaves the cursor below it, and below the `^C` that a terminal shows.
    pub fn leave(&self) {
        if io::stdout().is_terminal() {
            data("\n");
        }
    }

    /// Makes room for a message above it.
    pub fn clear(&mut self) {
        if io::stdout().is_terminal() && self.lines > 0 {
            data(&self.clearing());
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

/// Prints data; a reader that went away (`| head`) is no error.
pub fn data(text: &str) {
    let _reader_gone = write(text);
}

/// Prints data at once.
///
/// # Errors
/// Nobody reads any more.
pub fn write(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
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
