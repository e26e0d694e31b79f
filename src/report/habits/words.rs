//! What the words of a command line of `docker compose` name: the stack, its services, options and what follows.

use std::collections::BTreeSet;
use std::path::Path;

use super::shell::quoted;
use super::{Habit, Host};
use crate::name::{ProjectName, UnitName};
use crate::printable::printable;
use crate::report::InstalledProject;
use crate::report::selection::{is_path, units_named};

/// What the words of a command line name.
pub(super) struct Named<'a> {
    /// The stack file.
    pub(super) file: Option<&'a str>,
    pub(super) name: Option<ProjectName>,
    pub(super) project: Option<&'a InstalledProject>,
    pub(super) units: Vec<UnitName>,
    /// The first service, as it was typed.
    pub(super) service: Option<&'a str>,
    /// Options that the engine's command has too, with their values.
    pub(super) options: Vec<&'a str>,
    /// What follows the stack and its services.
    pub(super) rest: Vec<&'a str>,
    /// Which of several containers (`--index`), from 1.
    pub(super) index: Option<&'a str>,
    pub(super) has_terminal: bool,
    /// `-d`
    pub(super) is_detached: bool,
    /// A word that would have to name a stack or a service, and does not.
    unknown: Option<&'a str>,
}

/// How many names a message lists.
const MOST_NAMES: usize = 20;

/// The stacks in which the words could name a service, where they name no stack.
pub(super) fn stacks_with(habit: Habit, words: &[String], host: &Host<'_>) -> Vec<ProjectName> {
    let mut named = arguments(habit, words).into_iter().filter(|word| !word.starts_with('-'));
    let service = match habit {
        Habit::Cp => named.find_map(|word| Some(word.split_once(':')?.0)),
        _ => named.next(),
    };
    let Some(service) = service else { return Vec::new() };
    if is_path(service) || host.installed.iter().any(|project| project.name == *service) {
        return Vec::new();
    }
    let with_it = host.installed.iter().filter(|project| !units_named(project, service).is_empty());
    with_it.map(|project| project.name.clone()).collect()
}

/// The words without the values of options.
pub(super) fn arguments(habit: Habit, words: &[String]) -> Vec<&str> {
    let mut arguments = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        arguments.push(word);
        if habit.has_value(word) {
            words.next();
        }
    }
    arguments
}

impl<'a> Named<'a> {
    /// # Errors
    /// A word names neither a stack nor a service, or the stack is not installed.
    pub fn of(habit: Habit, words: &'a [String], host: &Host<'a>) -> Result<Self, String> {
        let mut named = Self {
            file: None,
            name: None,
            project: None,
            units: Vec::new(),
            service: None,
            options: Vec::new(),
            rest: Vec::new(),
            index: None,
            has_terminal: true,
            is_detached: false,
            unknown: None,
        };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let is_of_command = habit.takes_command() && !named.rest.is_empty();
            if word.starts_with('-') && !is_of_command {
                named.option(habit, word, &mut words);
            } else if is_of_command || !named.takes(habit, word, host) {
                if !is_of_command && named.has_to_be_known(habit, word) {
                    named.unknown.get_or_insert(name_in(habit, word));
                }
                named.rest.push(word);
            }
        }
        named.fill_in(habit, host);
        match named.problem(habit, host) {
            Some(why) => Err(why),
            None => Ok(named),
        }
    }

    fn option(&mut self, habit: Habit, word: &'a str, words: &mut impl Iterator<Item = &'a str>) {
        let attached = word.split_once('=').filter(|(option, _)| habit.has_value(option));
        let (option, value) = match attached {
            Some((option, value)) => (option, Some(value)),
            None => (word, habit.has_value(word).then(|| words.next()).flatten()),
        };
        self.has_terminal &= !matches!(option, "-T" | "--no-TTY");
        self.is_detached |= matches!(option, "-d" | "--detach");
        if option == "--index" {
            self.index = value;
        } else if let Some(value) = value {
            self.options.extend([option, value]);
        } else if habit == Habit::Stats {
            self.options.push(word);
        }
    }

    /// Why there is no answer for these words.
    fn problem(&self, habit: Habit, host: &Host<'_>) -> Option<String> {
        let generate = || format!("wharf generate --now {}", self.file.map_or("STACK.toml".to_owned(), quoted));
        let needs_installed = habit.needs_installed() || self.unknown.is_some();
        if self.project.is_none() && (self.file.is_some() || host.installed.is_empty()) {
            let what = self.file.map_or("no stack is installed on this host".to_owned(), |file| {
                format!("the stack of {} is not installed", printable(file))
            });
            let is_new = self.file.is_some() && !habit.needs_installed();
            return (needs_installed && !is_new).then(|| format!("{what}; to install it: {}", generate()));
        }
        let unknown = printable(self.unknown?);
        if let Some(project) = self.project {
            let services = listed(services(project));
            return Some(format!("`{unknown}` is not a service of {}; its services: {services}", project.name));
        }
        let stacks = listed(host.installed.iter().map(|project| project.name.to_string()).collect());
        let services = listed(host.installed.iter().flat_map(services).collect());
        Some(format!(
            "`{unknown}` is neither an installed stack nor a service of one; stacks: {stacks}; services: {services}"
        ))
    }

    /// Whether the word would have to name a stack or a service.
    fn has_to_be_known(&self, habit: Habit, word: &str) -> bool {
        match habit {
            Habit::Cp => word.split_once(':').is_some_and(|(service, _)| !service.is_empty() && !is_path(service)),
            Habit::Scale => word.contains('='),
            _ => !habit.takes_more() || self.project.is_none(),
        }
    }

    /// What goes without saying: the stack of the working directory, where there is none the only one of the host, and a service that
    /// has its stack's name.
    fn fill_in(&mut self, habit: Habit, host: &Host<'a>) {
        if self.name.is_none() {
            match (host.here, host.installed) {
                ([file], _) => {
                    self.takes(habit, file, host);
                }
                ([], [only]) => self.set(only),
                _ => {}
            }
        }
        if let Some(project) = self.project.filter(|_| habit.needs_service() && self.service.is_none()) {
            self.units = units_named(project, &project.name);
            self.service = (!self.units.is_empty()).then_some(&project.name);
            self.unknown = self.unknown.or(self.rest.first().copied().filter(|_| self.service.is_none()));
        }
    }

    fn set(&mut self, project: &'a InstalledProject) {
        self.name = Some(project.name.clone());
        self.project = Some(project);
    }

    /// Whether the word names a stack, or a service.
    fn takes(&mut self, habit: Habit, word: &'a str, host: &Host<'a>) -> bool {
        let name = name_in(habit, word);
        if let Some(project) = self.project {
            // What follows the service of a command is the command.
            if habit.needs_service() && self.service.is_some() {
                return false;
            }
            let units = units_named(project, name);
            let is_service = !units.is_empty();
            self.units.extend(units);
            self.service = self.service.or(is_service.then_some(name));
            return is_service;
        }
        if self.name.is_some() {
            return false;
        }
        if habit != Habit::Cp && is_path(name) {
            self.file = Some(word);
            let path = crate::path::absolute(Path::new(word));
            match host.installed.iter().find(|project| project.comes_from(&path)) {
                Some(project) => self.set(project),
                None => self.name = (host.name_in)(Path::new(word)),
            }
            return true;
        }
        if let Some(project) = host.installed.iter().find(|project| project.name == *name) {
            self.set(project);
            return true;
        }
        let mut with_it = host.installed.iter().filter(|project| !units_named(project, name).is_empty());
        if let (Some(project), None) = (with_it.next(), with_it.next()) {
            self.set(project);
            return self.takes(habit, word, host);
        }
        false
    }
}

/// The part of a word that can be a name: `scale` and `cp` take more than that.
fn name_in(habit: Habit, word: &str) -> &str {
    match habit {
        Habit::Scale => word.split('=').next().unwrap_or_default(),
        Habit::Cp => word.split_once(':').map_or(word, |(service, _)| service),
        _ => word,
    }
}

/// The names of its services.
fn services(project: &InstalledProject) -> BTreeSet<String> {
    project.units.iter().filter_map(|unit| unit.mark.service.as_ref()).map(ToString::to_string).collect()
}

fn listed(names: BTreeSet<String>) -> String {
    let more = if names.len() > MOST_NAMES { ", …" } else { "" };
    let names: Vec<String> = names.into_iter().take(MOST_NAMES).collect();
    format!("{}{more}", names.join(", "))
}
