//! Markdown to man(7).
//!
//! A row of a table becomes an entry of a list: its first cell is the tag. Where a row has more than two cells, each has the title of
//! its column. A link to another page becomes a reference such as wharf-status(1), which is also in SEE ALSO.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::mem;
use std::path::Path;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use roff::{Inline, Roff, bold, italic, line_break, roman};

use crate::command::Commands;
use crate::pages::{DATE, SOURCE};
use crate::source::{Chapter, Manual, Target, parser};

/// Writes all man pages.
pub fn write(manual: &Manual, commands: &Commands, directory: &Path) -> Result<(), Box<dyn Error>> {
    for chapter in &manual.chapters {
        if let Some((name, section)) = &chapter.man {
            let page = Page { manual, chapter, roff: Roff::new(), is_fresh: true, references: BTreeSet::new() };
            fs::write(directory.join(format!("{name}.{section}")), page.render(commands, (name, *section))?)?;
        }
    }
    Ok(())
}

/// A man page as it is written.
struct Page<'a> {
    manual: &'a Manual,
    chapter: &'a Chapter,
    roff: Roff,
    /// Whether nothing has been written since a heading or the tag of an entry: no paragraph begins there.
    is_fresh: bool,
    /// For SEE ALSO: sections and names.
    references: BTreeSet<(u8, &'a str)>,
}

impl<'a> Page<'a> {
    /// NAME, SYNOPSIS, what it is, then the options of a command, and then what else there is to know.
    fn render(mut self, commands: &Commands, (name, section): (&str, u8)) -> Result<String, Box<dyn Error>> {
        let command = if section == 1 { commands.parts(name)? } else { None };
        let (intro, rest) = self.chapter.parts();
        let intro = self.section(intro)?;
        let rest = self.section(rest)?;
        let mut page = match &command {
            Some(parts) => parts.head.clone(),
            None => self.head(name, section),
        };
        match &command {
            Some(parts) if intro.is_empty() => page.push_str(&parts.description),
            _ => page += &(".SH DESCRIPTION\n".to_owned() + &intro),
        }
        page.push_str(command.as_ref().map_or("", |parts| &parts.options));
        page.push_str(&rest);
        if command.is_some() && !page.contains(".SH \"EXIT STATUS\"") {
            page.push_str(".SH \"EXIT STATUS\"\nSee \\fBwharf\\fR(1).\n");
        }
        page.push_str(&self.see_also());
        // Each part has the preamble of its own.
        let preamble = Roff::new().render();
        Ok(preamble.clone() + &page.replace(&preamble, ""))
    }

    fn head(&self, name: &str, section: u8) -> String {
        let mut roff = Roff::new();
        let title = self.chapter.title.strip_suffix(&format!(": {name}")).unwrap_or(&self.chapter.title);
        roff.control("TH", [name, &section.to_string(), DATE, SOURCE, "Wharf"]);
        roff.control("SH", ["NAME"]).text([roman(format!("{name} - {title}"))]);
        roff.render()
    }

    fn see_also(&mut self) -> String {
        let own = self.chapter.man.as_ref().map(|(name, section)| (*section, name.as_str()));
        if own == Some((1, "wharf")) {
            let pages = self.manual.chapters.iter().filter_map(|chapter| chapter.man.as_ref());
            self.references = pages.map(|(name, section)| (*section, name.as_str())).collect();
        } else {
            self.references.insert((1, "wharf"));
        }
        self.references.retain(|reference| Some(*reference) != own);
        let mut line = Vec::new();
        for (section, name) in &self.references {
            line.extend([bold(*name), roman(format!("({section}),\n"))]);
        }
        if let Some(Inline::Roman(last)) = line.last_mut() {
            *last = last.replace(",\n", "");
        }
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]).text(line);
        roff.render()
    }

    /// A piece of the page, which begins at a heading.
    fn section(&mut self, text: &str) -> Result<String, String> {
        self.is_fresh = true;
        let mut events = parser(text);
        while let Some(event) = events.next() {
            self.block(event, &mut events)?;
        }
        let roff = mem::take(&mut self.roff);
        Ok(if roff == Roff::new() { String::new() } else { roff.render() })
    }

    fn block(&mut self, event: Event<'_>, events: &mut Parser<'_>) -> Result<(), String> {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading(level, events),
            Event::Start(Tag::Paragraph) => {
                let text = self.inlines(events)?;
                self.paragraph();
                self.text(text);
                Ok(())
            }
            Event::Start(Tag::CodeBlock(_)) => self.code(events),
            Event::Start(Tag::List(first)) => self.list(first, events),
            Event::Start(Tag::Table(_)) => self.table(events),
            other => Err(self.chapter.cannot(&format!("{other:?}"))),
        }
    }

    fn heading(&mut self, level: HeadingLevel, events: &mut Parser<'_>) -> Result<(), String> {
        let inlines = self.inlines(events)?;
        let text: String = inlines
            .iter()
            .map(|inline| match inline {
                Inline::Bold(code) => code.clone(),
                Inline::Roman(text) | Inline::Italic(text) if level == HeadingLevel::H2 => text.to_uppercase(),
                Inline::Roman(text) | Inline::Italic(text) => text.clone(),
                Inline::LineBreak => " ".to_owned(),
            })
            .collect();
        let text = text.replace('\\', "\\e").replace('"', "\\(dq").replace('-', "\\-");
        match level {
            // It is in NAME.
            HeadingLevel::H1 => return Ok(()),
            HeadingLevel::H2 => self.roff.control("SH", [text.as_str()]),
            _ => self.roff.control("SS", [text.as_str()]),
        };
        self.is_fresh = true;
        Ok(())
    }

    fn paragraph(&mut self) {
        if !mem::replace(&mut self.is_fresh, false) {
            self.roff.control("PP", []);
        }
    }

    fn text(&mut self, text: Vec<Inline>) {
        self.roff.text(text);
        self.is_fresh = false;
    }

    fn code(&mut self, events: &mut Parser<'_>) -> Result<(), String> {
        let mut code = String::new();
        loop {
            match events.next() {
                Some(Event::Text(text)) => code.push_str(&text),
                Some(Event::End(TagEnd::CodeBlock)) => break,
                other => return Err(self.chapter.cannot(&format!("{other:?} in code"))),
            }
        }
        self.paragraph();
        self.roff.control("RS", ["4"]).control("EX", []);
        for line in code.lines() {
            self.roff.text([roman(line)]);
        }
        self.roff.control("EE", []).control("RE", []);
        Ok(())
    }

    fn list(&mut self, first: Option<u64>, events: &mut Parser<'_>) -> Result<(), String> {
        let mut number = first;
        loop {
            match events.next() {
                Some(Event::Start(Tag::Item)) => {
                    let mark = number.map_or("\\(bu".to_owned(), |number| format!("{number}."));
                    self.roff.control("IP", [mark.as_str(), if number.is_some() { "4" } else { "2" }]);
                    self.item(events)?;
                    number = number.map(|number| number + 1);
                }
                Some(Event::End(TagEnd::List(_))) => return Ok(()),
                other => return Err(self.chapter.cannot(&format!("{other:?} in a list"))),
            }
        }
    }

    /// An item has a text, perhaps as a paragraph, and nothing else.
    fn item(&mut self, events: &mut Parser<'_>) -> Result<(), String> {
        let mut text = self.inlines(events)?;
        if text.is_empty() {
            text = self.inlines(events)?;
            match events.next() {
                Some(Event::End(TagEnd::Item)) => {}
                other => return Err(self.chapter.cannot(&format!("{other:?} in a list"))),
            }
        }
        self.text(text);
        Ok(())
    }

    fn table(&mut self, events: &mut Parser<'_>) -> Result<(), String> {
        let mut titles: Vec<Vec<Inline>> = Vec::new();
        let mut row: Vec<Vec<Inline>> = Vec::new();
        loop {
            match events.next() {
                Some(Event::Start(Tag::TableHead | Tag::TableRow)) => {}
                Some(Event::Start(Tag::TableCell)) => row.push(self.inlines(events)?),
                Some(Event::End(TagEnd::TableHead)) => {
                    titles = mem::take(&mut row);
                    if titles.len() == 2 {
                        self.entry(&[], titles.iter().map(|title| title.iter().map(emphasised).collect()).collect());
                    }
                }
                Some(Event::End(TagEnd::TableRow)) => self.entry(&titles, mem::take(&mut row)),
                Some(Event::End(TagEnd::Table)) => break,
                other => return Err(self.chapter.cannot(&format!("{other:?} in a table"))),
            }
        }
        Ok(())
    }

    /// An entry of a list: the tag, then the text of the other cells.
    fn entry(&mut self, titles: &[Vec<Inline>], row: Vec<Vec<Inline>>) {
        let mut cells = row.into_iter();
        self.roff.control("TP", ["4"]).text(cells.next().unwrap_or_default());
        let is_wide = titles.len() > 2;
        let mut text = Vec::new();
        for (cell, title) in cells.zip(titles.iter().skip(1).map(Some).chain(std::iter::repeat(None))) {
            if cell.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push(line_break());
            }
            if let Some(title) = title.filter(|title| is_wide && !title.is_empty()) {
                text.extend(title.iter().map(emphasised));
                text.push(roman(": "));
            }
            text.extend(cell);
        }
        self.text(text);
    }

    /// Text up to the end of what it is in.
    fn inlines(&mut self, events: &mut Parser<'_>) -> Result<Vec<Inline>, String> {
        let mut inlines = Vec::new();
        let mut style: fn(String) -> Inline = roman;
        while let Some(event) = events.next() {
            match event {
                Event::Text(text) => push(&mut inlines, style(text.into_string())),
                Event::Code(code) => push(&mut inlines, bold(code.into_string())),
                Event::SoftBreak => push(&mut inlines, roman("\n")),
                Event::Start(Tag::Emphasis) => style = italic,
                Event::Start(Tag::Strong) => style = bold,
                Event::End(TagEnd::Emphasis | TagEnd::Strong) => style = roman,
                Event::Start(Tag::Link { dest_url, .. }) => {
                    let before = plain(&inlines);
                    let is_cited = before.ends_with('(') || before.ends_with("see ");
                    let text = self.inlines(events)?;
                    self.link(&dest_url, text, is_cited)?.into_iter().for_each(|inline| push(&mut inlines, inline));
                }
                Event::Start(Tag::Paragraph) | Event::End(_) => return Ok(inlines),
                other => return Err(self.chapter.cannot(&format!("{other:?}"))),
            }
        }
        Ok(inlines)
    }

    /// A link as text. Where a sentence only cites a page, or the text is its name, the reference stands in the place of the text, else
    /// after it.
    fn link(&mut self, link: &str, text: Vec<Inline>, is_cited: bool) -> Result<Vec<Inline>, String> {
        let plain = plain(&text);
        let is = |title: &str| plain.to_lowercase() == title.to_lowercase();
        let (place, heading) = match self.manual.target(self.chapter, link)? {
            Target::SourceTree => return Ok(text),
            Target::Web => return Ok(with(text, vec![roman(format!(" <{link}>"))])),
            Target::Here(heading) if is(heading) => return Ok(vec![roman(quoted(heading))]),
            Target::Here(heading) => return Ok(with(text, vec![roman(format!(" (see {})", quoted(heading)))])),
            Target::Page { chapter, heading } => (chapter, heading),
        };
        let Some((name, section)) = &place.man else {
            return Ok(with(text, vec![roman(" (in the web manual)")]));
        };
        self.references.insert((*section, name));
        let reference = vec![bold(name.as_str()), roman(format!("({section})"))];
        let is_name = plain.replace(' ', "-") == **name || plain == format!("{}.md", place.stem);
        Ok(match heading {
            Some(heading) if is_cited && is(heading) => with(vec![roman(quoted(heading) + " in ")], reference),
            None if is_name || is_cited && is(&place.stem) => reference,
            _ => with(with(text, vec![roman(" (")]), with(reference, vec![roman(")")])),
        })
    }
}

fn with(mut first: Vec<Inline>, then: Vec<Inline>) -> Vec<Inline> {
    first.extend(then);
    first
}

/// Adds text; neighbours of one style become one, so that roff escapes what begins a line.
fn push(inlines: &mut Vec<Inline>, next: Inline) {
    match (inlines.last_mut(), next) {
        (Some(Inline::Roman(last)), Inline::Roman(next)) => last.push_str(&next),
        (_, next) => inlines.push(next),
    }
}

fn emphasised(inline: &Inline) -> Inline {
    match inline {
        Inline::Roman(text) => italic(text.as_str()),
        other => other.clone(),
    }
}

fn plain(inlines: &[Inline]) -> String {
    let text = |inline: &Inline| match inline {
        Inline::Roman(text) | Inline::Italic(text) | Inline::Bold(text) => text.replace('\n', " "),
        Inline::LineBreak => " ".to_owned(),
    };
    inlines.iter().map(text).collect()
}

fn quoted(heading: &str) -> String {
    format!("\u{201c}{heading}\u{201d}")
}
