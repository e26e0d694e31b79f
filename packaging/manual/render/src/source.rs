//! The sources of the manual, and what a link in them leads to.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::command::{Commands, exit_status};
use crate::pages::{PAGES, Page};

/// All pages.
pub struct Manual {
    pub directory: PathBuf,
    pub chapters: Vec<Chapter>,
}

/// A page with its text.
pub struct Chapter {
    pub stem: String,
    /// The name and section of the man page.
    pub man: Option<(String, u8)>,
    pub title: String,
    /// Markdown; empty if the page has the help of its command alone.
    pub text: String,
    /// The headings below the title.
    headings: Vec<Heading>,
}

struct Heading {
    anchor: String,
    text: String,
}

/// What a link leads to.
pub enum Target<'a> {
    /// Another page, perhaps the heading of this text on it.
    Page {
        chapter: &'a Chapter,
        heading: Option<&'a str>,
    },
    /// A heading of the same page.
    Here(&'a str),
    Web,
    /// A file of the source tree, which is not installed.
    SourceTree,
}

impl Manual {
    /// Reads the pages, and adds those of commands that have no text of their own.
    pub fn read(directory: &Path, commands: &Commands) -> Result<Self, Box<dyn Error>> {
        let mut chapters = PAGES.iter().map(|page| Chapter::read(directory, page)).collect::<Result<Vec<_>, _>>()?;
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if path.extension().is_some_and(|it| it == "md") && !chapters.iter().any(|it| it.stem == stem) {
                return Err(format!("{}: add the page to the table in pages.rs", path.display()).into());
            }
        }
        for (name, about) in commands.names() {
            if !chapters.iter().any(|chapter| chapter.is_command(&name)) {
                chapters.push(Chapter::of_command(name, about));
            }
        }
        Ok(Self { directory: directory.to_owned(), chapters })
    }

    /// What a link on a page leads to.
    ///
    /// # Errors
    /// It is dead.
    pub fn target<'a>(&'a self, from: &'a Chapter, link: &str) -> Result<Target<'a>, String> {
        if link.starts_with("https://") || link.starts_with("http://") {
            return Ok(Target::Web);
        }
        if link.starts_with("../") {
            let file = self.directory.join(link);
            return if file.exists() { Ok(Target::SourceTree) } else { Err(from.dead(link)) };
        }
        let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
        let chapter = if file.is_empty() {
            Some(from)
        } else {
            self.chapters.iter().find(|chapter| file.strip_suffix(".md") == Some(&chapter.stem))
        };
        let chapter = chapter.ok_or_else(|| from.dead(link))?;
        let heading = anchor.map(|anchor| chapter.heading(anchor).ok_or_else(|| from.dead(link))).transpose()?;
        match heading {
            Some(heading) if file.is_empty() => Ok(Target::Here(heading)),
            _ => Ok(Target::Page { chapter, heading }),
        }
    }
}

impl Chapter {
    fn read(directory: &Path, page: &Page) -> Result<Self, Box<dyn Error>> {
        let file = directory.join(format!("{}.md", page.stem));
        let mut text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        if page.stem == "wharf" {
            text.push_str(&exit_status());
        }
        let mut headings = headings(&text).into_iter();
        let title = headings.next().ok_or_else(|| format!("{}: it has no title", file.display()))?;
        let headings = headings.map(|text| Heading { anchor: anchor(&text), text }).collect();
        let man = page.man.map(|(name, section)| (name.to_owned(), section));
        Ok(Self { stem: page.stem.to_owned(), man, title, text, headings })
    }

    fn of_command(name: String, about: String) -> Self {
        let stem = name.replacen("wharf-", "", 1);
        Self { stem, man: Some((name, 1)), title: about, text: String::new(), headings: Vec::new() }
    }

    fn is_command(&self, name: &str) -> bool {
        self.man.as_ref().is_some_and(|(own, section)| own == name && *section == 1)
    }

    /// As `wharf-status(1)`; of a page that is on the web alone, its title.
    pub fn reference(&self) -> String {
        self.man.as_ref().map_or_else(|| self.title.clone(), |(name, section)| format!("{name}({section})"))
    }

    /// What stands before the first heading below the title, and the rest.
    pub fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.text.find("\n## ").map_or(self.text.len(), |at| at + 1))
    }

    fn heading(&self, anchor: &str) -> Option<&str> {
        self.headings.iter().find(|heading| heading.anchor == anchor).map(|heading| heading.text.as_str())
    }

    pub fn cannot(&self, what: &str) -> String {
        format!("{}.md: cannot render {what}", self.stem)
    }

    fn dead(&self, link: &str) -> String {
        format!("{}.md: the link `{link}` is dead", self.stem)
    }
}

pub fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// The headings of a page, as plain text.
fn headings(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_inside = false;
    for event in parser(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                found.push(String::new());
                is_inside = true;
            }
            Event::End(TagEnd::Heading(_)) => is_inside = false,
            Event::Text(text) | Event::Code(text) if is_inside => {
                if let Some(heading) = found.last_mut() {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

/// The fragment of a heading's address, as forges for Markdown make it.
pub fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
