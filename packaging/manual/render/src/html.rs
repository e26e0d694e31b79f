//! Markdown to the web manual: static pages without scripts.

use std::error::Error;
use std::fs;
use std::path::Path;

use pulldown_cmark::{CowStr, Event, Tag, TagEnd, html};
use pulldown_cmark_escape::escape_html;

use crate::command::Commands;
use crate::source::{Chapter, Manual, Target, anchor, parser};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");

/// The parts of the navigation, by the section of the man pages.
const PARTS: [(&str, Option<u8>); 5] = [
    ("Commands", Some(1)),
    ("Files and interfaces", Some(5)),
    ("Topics", Some(7)),
    ("Programs", Some(8)),
    ("Measurements", None),
];

/// Writes all pages, an index, and what they show.
pub fn write(manual: &Manual, commands: &Commands, directory: &Path) -> Result<(), Box<dyn Error>> {
    for chapter in &manual.chapters {
        let help = chapter.man.as_ref().filter(|(_, section)| *section == 1).and_then(|(name, _)| commands.help(name));
        let body = body(manual, chapter, help.as_deref())?;
        fs::write(directory.join(format!("{}.html", chapter.stem)), page(manual, &chapter.title, &body))?;
    }
    fs::write(directory.join("index.html"), page(manual, "The manual of Wharf", &contents(manual, Entry::Title)))?;
    fs::write(directory.join("style.css"), STYLE)?;
    let charts = directory.join("benchmarks");
    fs::create_dir(&charts)?;
    for entry in fs::read_dir(manual.directory.join("benchmarks"))? {
        let path = entry?.path();
        fs::copy(&path, charts.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn page(manual: &Manual, title: &str, body: &str) -> String {
    let page = TEMPLATE.replace("{title}", &escaped(title));
    page.replace("{navigation}", &contents(manual, Entry::Name)).replace("{body}", body)
}

fn body(manual: &Manual, chapter: &Chapter, help: Option<&str>) -> Result<String, String> {
    let (intro, rest) = chapter.parts();
    let mut body = String::new();
    if intro.is_empty() {
        body.push_str(&format!("<h1>{}</h1>\n", escaped(&chapter.title)));
    }
    html::push_html(&mut body, events(manual, chapter, intro)?.into_iter());
    if let Some(help) = help {
        body.push_str(&format!("<pre><code>{}</code></pre>\n", escaped(help)));
    }
    html::push_html(&mut body, events(manual, chapter, rest)?.into_iter());
    Ok(body)
}

/// With anchors at headings, and links to web pages.
fn events<'a>(manual: &Manual, chapter: &Chapter, text: &'a str) -> Result<Vec<Event<'a>>, String> {
    let mut events: Vec<Event<'a>> = Vec::new();
    let mut heading: Option<(usize, String)> = None;
    let mut is_link_left_out = false;
    for event in parser(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some((events.len(), String::new())),
            Event::Text(ref text) | Event::Code(ref text) => {
                if let Some((_, heading)) = &mut heading {
                    heading.push_str(text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((at, text)) = heading.take()
                    && let Some(Event::Start(Tag::Heading { id, .. })) = events.get_mut(at)
                {
                    *id = Some(CowStr::from(anchor(&text)));
                }
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = match manual.target(chapter, &dest_url)? {
                    Target::SourceTree => {
                        is_link_left_out = true;
                        continue;
                    }
                    Target::Page { .. } => CowStr::from(dest_url.replacen(".md", ".html", 1)),
                    Target::Here(_) | Target::Web => dest_url,
                };
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                continue;
            }
            Event::End(TagEnd::Link) if is_link_left_out => {
                is_link_left_out = false;
                continue;
            }
            Event::Start(Tag::Image { ref dest_url, .. }) if !manual.directory.join(&**dest_url).exists() => {
                return Err(chapter.cannot(&format!("the image {dest_url}")));
            }
            _ => {}
        }
        events.push(event);
    }
    Ok(events)
}

/// How a page is listed.
#[derive(Clone, Copy, PartialEq)]
enum Entry {
    Name,
    /// With its title.
    Title,
}

fn contents(manual: &Manual, entry: Entry) -> String {
    let mut text = String::new();
    for (title, section) in PARTS {
        text.push_str(&format!("<h2>{title}</h2>\n<ul>\n"));
        let is_in_part = |chapter: &&Chapter| chapter.man.as_ref().map(|(_, section)| *section) == section;
        let mut chapters: Vec<&Chapter> = manual.chapters.iter().filter(is_in_part).collect();
        chapters.sort_by_key(|chapter| chapter.reference());
        for chapter in chapters {
            let name = escaped(&chapter.reference());
            let title = if entry == Entry::Title && chapter.man.is_some() {
                format!(": {}", escaped(&chapter.title))
            } else {
                String::new()
            };
            text.push_str(&format!("<li><a href=\"{}.html\">{name}</a>{title}</li>\n", chapter.stem));
        }
        text.push_str("</ul>\n");
    }
    text
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    // A String takes everything.
    let _written = escape_html(&mut escaped, text);
    escaped
}
