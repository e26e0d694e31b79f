//! Text in columns: the one way in which commands lay out what they show.
//!
//! In: rows of cells, with notes between them. Out: lines of text. A column is as wide as its widest cell, by the width that a
//! terminal gives to each character: two columns for East Asian characters and emoji.
//! Invariant: a control character in a cell never reaches the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable::printable;

/// Between two columns.
const GAP: usize = 2;

/// In fewer columns, a note would be a line a word.
const NARROWEST: usize = 20;

/// What the reader's screen can show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Screen {
    pub utf8: bool,
    pub colour: bool,
    /// Columns; rows are cut to them, and notes continue on the next line.
    pub width: Option<usize>,
    /// Lines. If set, the text is redrawn in place, and cut to so many lines; notes are cut, too.
    pub height: Option<usize>,
}

/// What colours mean (ECMA-48, SGR).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    #[default]
    Plain,
    Good,
    Moving,
    Bad,
}

impl Colour {
    fn code(self) -> Option<u8> {
        match self {
            Self::Plain => None,
            Self::Good => Some(32),
            Self::Moving => Some(33),
            Self::Bad => Some(31),
        }
    }
}

/// A text in one colour, without control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    colour: Colour,
}

impl Cell {
    pub fn new(text: &str, colour: Colour) -> Self {
        Self { text: printable(text), colour }
    }

    /// The cell with a text before its own.
    #[must_use]
    pub fn after(self, prefix: &str) -> Self {
        Self { text: format!("{prefix}{}", self.text), ..self }
    }

    /// The text on as many lines as it needs, the further ones indented; on one line where a screen is redrawn.
    fn lines(&self, columns: Option<usize>, screen: Screen) -> Vec<Self> {
        let Some(columns) = columns.filter(|columns| *columns > NARROWEST && screen.height.is_none()) else {
            return vec![self.clone()];
        };
        let lines = textwrap::wrap(&self.text, textwrap::Options::new(columns).subsequent_indent("  "));
        lines.into_iter().map(|line| Self { text: line.into_owned(), colour: self.colour }).collect()
    }

    /// Cut to a number of columns and in its colour; and the number of columns that it takes.
    fn shown(&self, columns: Option<usize>, screen: Screen) -> (String, usize) {
        let text = cut(&self.text, columns, screen);
        let width = text.width();
        match self.colour.code().filter(|_| screen.colour && !text.is_empty()) {
            Some(code) => (format!("\x1b[{code}m{text}\x1b[0m"), width),
            None => (text, width),
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text.as_ref(), Colour::Plain)
    }
}

#[derive(Debug)]
enum Line {
    Row(Vec<Cell>),
    Note { indent: String, cell: Cell },
}

/// Rows of cells, and notes that belong to the row before them.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<Line>,
}

impl Table {
    pub fn with_headings(headings: &[&str]) -> Self {
        Self { lines: vec![Line::Row(headings.iter().map(Cell::from).collect())] }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.lines.push(Line::Row(cells.into_iter().collect()));
    }

    /// Adds a line of its own, which does not widen the columns.
    pub fn note(&mut self, indent: impl Into<String>, cell: Cell) {
        self.lines.push(Line::Note { indent: indent.into(), cell });
    }

    /// Takes out columns until the rows fit the screen: first those in which nothing stands, then these, in their order, which are counted
    /// from 0. What is still too wide is cut.
    pub fn narrow(&mut self, columns: &[usize], screen: Screen) {
        let Some(room) = screen.width else { return };
        let widths = self.widths();
        let mut shown = vec![true; widths.len()];
        for column in columns.iter().filter(|column| !self.is_used(**column)).chain(columns) {
            let shown_widths = widths.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(width, _)| width + GAP);
            if shown_widths.sum::<usize>() <= room + GAP {
                break;
            }
            if let Some(shown) = shown.get_mut(*column) {
                *shown = false;
            }
        }
        for line in &mut self.lines {
            if let Line::Row(cells) = line {
                let mut shown = shown.iter();
                cells.retain(|_| shown.next().copied().unwrap_or(true));
            }
        }
    }

    /// How many columns of the screen the widest row may take, with the gap behind it.
    pub fn width(&self) -> usize {
        self.widths().iter().map(|width| width + GAP).sum()
    }

    /// Whether a row below the headings has a text there.
    fn is_used(&self, column: usize) -> bool {
        let mut rows = self.lines.iter().filter_map(|line| match line {
            Line::Row(cells) => cells.get(column),
            Line::Note { .. } => None,
        });
        rows.nth(1).into_iter().chain(rows).any(|cell| !cell.text.is_empty())
    }

    pub fn lines(&self, screen: Screen) -> Vec<String> {
        let widths = self.widths();
        let show = |line: &Line| match line {
            Line::Row(cells) => vec![row(cells, &widths, screen)],
            Line::Note { indent, cell } => {
                let columns = screen.width.map(|width| width.saturating_sub(indent.width()));
                let parts = cell.lines(columns, screen).into_iter();
                parts.map(|part| indent.clone() + &part.shown(columns, screen).0).collect()
            }
        };
        self.lines.iter().flat_map(show).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for line in &self.lines {
            let Line::Row(cells) = line else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = cell.text.width().max(*width);
            }
        }
        widths
    }
}

/// The cells, each padded to its column but the last that has a text.
fn row(cells: &[Cell], widths: &[usize], screen: Screen) -> String {
    let room = screen.width;
    let last = cells.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    let mut line = String::new();
    let mut begin = 0;
    for (cell, width) in cells.iter().zip(widths).take(last) {
        let columns = room.map(|room| room.saturating_sub(begin));
        let (text, taken) = cell.shown(columns, screen);
        let blanks = width + GAP - taken;
        line.push_str(&text);
        line.extend(std::iter::repeat_n(' ', columns.map_or(blanks, |columns| blanks.min(columns - taken))));
        begin += width + GAP;
    }
    if let Some(cell) = cells.get(last) {
        line.push_str(&cell.shown(room.map(|room| room.saturating_sub(begin)), screen).0);
    }
    line.truncate(line.trim_end().len());
    line
}

/// At most so many columns of a text; a mark stands for the rest.
fn cut(text: &str, columns: Option<usize>, screen: Screen) -> String {
    let mark = if screen.utf8 { "…" } else { ">" };
    match columns {
        Some(0) => String::new(),
        Some(columns) if text.width() > columns => {
            let mut left = columns - 1;
            let fits = |character: &char| {
                let after = left.checked_sub(character.width().unwrap_or(0));
                left = after.unwrap_or(0);
                after.is_some()
            };
            text.chars().take_while(fits).chain(mark.chars()).collect()
        }
        _ => text.to_owned(),
    }
}

/// The lines as one text, cut to the height of a screen on which it is redrawn in place.
pub fn fit(mut lines: Vec<String>, screen: Screen) -> String {
    if let Some(height) = screen.height.filter(|height| lines.len() > *height) {
        let left = lines.len() + 1 - height.max(1);
        lines.truncate(height.saturating_sub(1));
        lines.push(cut(&format!("{left} more lines"), screen.width, screen));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::with_headings(&["NAME", "STATE", "IMAGE"]);
        table.row(["web", "active", "shop/web:1"].map(Cell::from));
        table.row(["商店-日本", "active", "a"].map(Cell::from));
        table.row(["🚀🚀", "", "b"].map(Cell::from));
        table.row(["e\u{301}", "failed\n", ""].map(Cell::from));
        table
    }

    #[test]
    fn columns_are_as_wide_as_a_terminal_shows_them() {
        let expected = "\
NAME       STATE    IMAGE
web        active   shop/web:1
商店-日本  active   a
🚀🚀                b
e\u{301}          failed
";
        assert_eq!(fit(table().lines(Screen::default()), Screen::default()), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_screen_in_which_it_is_redrawn() {
        for width in 0..30 {
            let screen = Screen { width: Some(width), height: Some(9), ..Screen::default() };
            let lines = table().lines(screen);
            assert!(lines.iter().all(|line| line.width() <= width), "{width}: {lines:#?}");
        }
        let screen = Screen { width: Some(4), height: Some(9), utf8: true, ..Screen::default() };
        assert_eq!(table().lines(screen)[2], "商…");
    }
}
