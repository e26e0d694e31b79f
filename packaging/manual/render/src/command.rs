//! The command line's own words: what `--help` says, as parts of a man page.

use std::error::Error;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Arguments, EXIT_STATUS};
use crate::pages::{DATE, SOURCE};

/// `wharf` and its subcommands, without those that are hidden.
pub struct Commands {
    all: Vec<(String, Command)>,
}

/// Parts of a man page.
pub struct Parts {
    /// The title, NAME and SYNOPSIS.
    pub head: String,
    /// DESCRIPTION, for a command of which no page says more.
    pub description: String,
    /// OPTIONS, and SUBCOMMANDS.
    pub options: String,
}

impl Commands {
    pub fn new() -> Self {
        let mut root =
            Arguments::command().disable_help_subcommand(true).subcommand_value_name("COMMAND").after_help("");
        root.build();
        let mut all = Vec::new();
        add(&mut all, root);
        Self { all }
    }

    /// The names of the man pages, with what NAME says.
    pub fn names(&self) -> impl Iterator<Item = (String, String)> {
        let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
        self.all.iter().map(move |(name, command)| (name.clone(), about(command)))
    }

    fn find(&self, name: &str) -> Option<&Command> {
        self.all.iter().find(|(known, _)| known == name).map(|(_, command)| command)
    }

    /// What `--help` prints.
    pub fn help(&self, name: &str) -> Option<String> {
        Some(self.find(name)?.clone().term_width(90).render_long_help().to_string())
    }

    /// The parts of the man page; `None` if there is no such command.
    pub fn parts(&self, name: &str) -> Result<Option<Parts>, Box<dyn Error>> {
        let Some(command) = self.find(name) else { return Ok(None) };
        let man = Man::new(command.clone()).title(name).section("1").date(DATE).source(SOURCE).manual("Wharf");
        let (mut head, mut description, mut options) = (Vec::new(), Vec::new(), Vec::new());
        man.render_title(&mut head)?;
        man.render_name_section(&mut head)?;
        man.render_synopsis_section(&mut head)?;
        man.render_description_section(&mut description)?;
        man.render_options_section(&mut options)?;
        if command.has_subcommands() {
            man.render_subcommands_section(&mut options)?;
        }
        let text = |bytes: Vec<u8>| Ok::<_, Box<dyn Error>>(bold_code(&String::from_utf8(bytes)?));
        Ok(Some(Parts { head: text(head)?, description: text(description)?, options: text(options)? }))
    }
}

/// The command and, below it, its subcommands.
fn add(all: &mut Vec<(String, Command)>, command: Command) {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let below: Vec<Command> = command.get_subcommands().filter(|it| !it.is_hide_set()).cloned().collect();
    all.push((name, command));
    below.into_iter().for_each(|command| add(all, command));
}

/// Code in back quotes becomes bold, as it is on the pages in Markdown.
fn bold_code(roff: &str) -> String {
    let mut fonts = ["\\fB", "\\fR"].into_iter().cycle();
    let mut parts = roff.split('`');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(fonts.by_ref()).fold(first, |text, (part, font)| text + font + part)
}

/// The exit statuses of all commands, as Markdown.
pub fn exit_status() -> String {
    let rows = EXIT_STATUS.iter().map(|(status, meaning)| format!("| {status} | {meaning} |\n"));
    format!("\n## Exit status\n\n| status | meaning |\n|---|---|\n{}", rows.collect::<String>())
}
