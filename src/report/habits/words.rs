//! The words of a command line of `docker compose`: the stack, its services and what follows, as parts of other commands.

use std::path::Path;

use super::{Habit, Host};
use crate::mark::{InstalledUnit, Made};
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::report::InstalledProject;
use crate::report::selection::{instances, is_path, units_named};

/// What the words of a command line name.
pub(super) struct Named<'a> {
    /// The stack file.
    file: Option<&'a str>,
    name: Option<ProjectName>,
    project: Option<&'a InstalledProject>,
    units: Vec<UnitName>,
    /// The first service, as it was typed.
    service: Option<&'a str>,
    /// Options that the engine's command has too, with their values.
    options: Vec<&'a str>,
    /// What follows the stack and its services.
    rest: Vec<&'a str>,
    /// Which of several containers (`--index`), from 1.
    index: Option<&'a str>,
    has_terminal: bool,
}

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
fn arguments(habit: Habit, words: &[String]) -> Vec<&str> {
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
    pub fn of(habit: Habit, words: &'a [String], host: &Host<'a>) -> Self {
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
        };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let is_of_command = habit.takes_command() && !named.rest.is_empty();
            if word.starts_with('-') && !is_of_command {
                let value = if habit.has_value(word) { words.next() } else { None };
                named.has_terminal &= !matches!(word, "-T" | "--no-TTY");
                if word == "--index" {
                    named.index = value;
                    continue;
                }
                named.options.extend(Some(word).filter(|_| value.is_some()).into_iter().chain(value));
            } else if is_of_command || !named.takes(habit, word, host) {
                named.rest.push(word);
            }
        }
        named.fill_in(habit, host);
        named
    }

    /// What goes without saying: the only stack of a host, and a service that has its stack's name.
    fn fill_in(&mut self, habit: Habit, host: &Host<'a>) {
        if self.name.is_none()
            && let [only] = host.installed
        {
            self.set(only);
            if let Some(service) = self.service {
                self.units = units_named(only, service);
            }
        }
        if let Some(project) = self.project.filter(|_| habit.needs_service() && self.service.is_none()) {
            self.units = units_named(project, &project.name);
            self.service = (!self.units.is_empty()).then_some(&project.name);
        }
    }

    fn set(&mut self, project: &'a InstalledProject) {
        self.name = Some(project.name.clone());
        self.project = Some(project);
    }

    /// Whether the word names a stack, or a service.
    fn takes(&mut self, habit: Habit, word: &'a str, host: &Host<'a>) -> bool {
        // Those of `scale` and `cp` say more than that.
        let name = match habit {
            Habit::Scale => word.split('=').next().unwrap_or_default(),
            Habit::Cp => word.split_once(':').map_or(word, |(service, _)| service),
            _ => word,
        };
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
        if self.name.is_some() || self.service.is_some() {
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
        if habit.needs_service() {
            // Nothing of this name is installed, and Compose takes a service there.
            self.service = Some(name);
            return true;
        }
        if matches!(habit, Habit::Scale | Habit::Cp) {
            return false;
        }
        self.name = ProjectName::parse(name).ok();
        self.name.is_some()
    }

    pub fn has_services(&self) -> bool {
        !self.units.is_empty()
    }

    pub fn stack(&self) -> &str {
        self.name.as_ref().map_or("STACK", ProjectName::as_str)
    }

    pub fn known_stack(&self) -> &str {
        self.name.as_ref().map_or("", ProjectName::as_str)
    }

    /// As `wharf generate` and `wharf pull` take it.
    pub fn stack_or_file(&self) -> String {
        match self.file {
            Some(file) => quoted(file),
            None if self.project.is_some() => self.stack().to_owned(),
            None => "STACK.toml".to_owned(),
        }
    }

    /// `shop web`
    pub fn words_of_service(&self) -> String {
        format!("{} {}", self.stack(), quoted(self.service.unwrap_or("SERVICE")))
    }

    /// The target of the stack, or the units of the services.
    fn of_systemd(&self) -> String {
        if self.units.is_empty() {
            return UnitName::new(self.stack(), UnitKind::Target).to_string();
        }
        self.units.iter().map(|unit| quoted(&unit.pattern())).collect::<Vec<_>>().join(" ")
    }

    pub fn systemctl(&self, verb: &str) -> String {
        format!("systemctl {verb} {}", self.of_systemd())
    }

    pub fn generate(&self) -> String {
        format!("wharf generate {}", self.stack_or_file())
    }

    /// It also applies what has changed in the file, as Compose does.
    pub fn up(&self) -> String {
        format!("wharf generate --now {}", self.stack_or_file())
    }

    /// A target has stopped before its services have: named too, they are waited for.
    pub fn stop(&self) -> String {
        let stop = self.systemctl("stop");
        if self.has_services() { stop } else { format!("{stop} {}", quoted(&format!("{}-*.service", self.stack()))) }
    }

    /// A word, then what follows the service.
    pub fn with_rest(&self, word: &str) -> String {
        [word].iter().chain(&self.rest).map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    fn command(&self) -> String {
        if self.rest.is_empty() { "sh".to_owned() } else { joined(&self.rest) }
    }

    /// With a blank at the end, if there are any.
    fn options(&self) -> String {
        if self.options.is_empty() { String::new() } else { joined(&self.options) + " " }
    }

    /// `-T`: without a terminal, as in a script.
    pub fn exec(&self) -> String {
        let terminal = if self.has_terminal { "-it" } else { "-i" };
        format!("docker exec {terminal} {}{} {}", self.options(), quoted(&self.container()), self.command())
    }

    /// A job runs to its end; of another service a second container is made, beside the one that runs.
    pub fn run(&self) -> Vec<String> {
        let has_timer = |unit: &InstalledUnit| {
            unit.name.is(UnitKind::Timer) && self.units.iter().any(|job| job.stem() == unit.name.stem())
        };
        if self.project.is_some_and(|project| project.units.iter().any(has_timer)) {
            return vec![self.systemctl("start")];
        }
        let container = self.container();
        let image = format!("$(docker inspect --format '{{{{.Config.Image}}}}' {})", quoted(&container));
        let (options, command) = (self.options(), self.command());
        let network = quoted(&format!("container:{container}"));
        vec![
            format!("docker run --rm -it --network {network} {options}{image} {command}"),
            format!("in the container that runs: {}", self.exec()),
        ]
    }

    /// The containers of the services, or of all; as many names as there are replicas.
    fn container_names(&self) -> Vec<String> {
        let Some(project) = self.project else { return Vec::new() };
        let units = match self.units.as_slice() {
            [] => project.units.iter().map(|unit| unit.name.clone()).collect(),
            units => units.to_vec(),
        };
        units.iter().flat_map(|unit| containers_of(project, unit)).collect()
    }

    pub fn containers(&self) -> String {
        let names = self.container_names();
        if names.is_empty() { self.container() } else { joined(&names) }
    }

    /// The container of the service; of several, the one that is asked for, else the first.
    pub fn container(&self) -> String {
        let index = self.index.and_then(|index| index.parse::<usize>().ok()).map_or(0, |index| index.saturating_sub(1));
        let named = self.project.zip(self.units.first());
        let container = named.and_then(|(project, unit)| containers_of(project, unit).into_iter().nth(index));
        container.unwrap_or_else(|| format!("{}-{}", self.stack(), self.service.unwrap_or("SERVICE")))
    }

    /// What is copied, with containers for services.
    pub fn copied(&self, words: &'a [String]) -> String {
        let of = |word: &str| match word.split_once(':') {
            Some((service, path)) if self.service == Some(service) => format!("{}:{path}", self.container()),
            Some((service, path)) if self.service.is_none() && !service.is_empty() => {
                format!("{}-{service}:{path}", self.stack())
            }
            _ => word.to_owned(),
        };
        let of_stack = |word: &str| self.name.as_ref().is_some_and(|name| *name == *word);
        let paths = arguments(Habit::Cp, words);
        let paths = paths.into_iter().filter(|word| !word.starts_with("--index") && !of_stack(word));
        paths.map(|word| quoted(&of(word))).collect::<Vec<_>>().join(" ")
    }

    pub fn kill(&self, words: &'a [String]) -> String {
        let attached = words.iter().find_map(|word| word.strip_prefix("--signal=").or_else(|| word.strip_prefix("-s")));
        let attached = attached.filter(|signal| !signal.is_empty());
        let signal = attached.or_else(|| self.options.get(1).copied());
        let signal = signal.map_or(String::new(), |signal| format!("--signal {} ", quoted(signal)));
        format!("docker kill {signal}{}", self.containers())
    }

    pub fn top(&self) -> String {
        if self.has_services() {
            return format!("docker top {}", quoted(&self.container()));
        }
        let slice = UnitName::slice(&["wharf", self.stack()]);
        format!("systemd-cgls --unit {}", quoted(&slice))
    }

    pub fn scale(&self, words: &'a [String]) -> Vec<String> {
        let wanted = words.iter().find_map(|word| word.split_once('='));
        let (service, count) = wanted.unwrap_or((self.service.unwrap_or("SERVICE"), "N"));
        let file = self.project.and_then(|project| Some(project.sources.first()?.display().to_string()));
        let file = file.or(self.file.map(str::to_owned)).unwrap_or_else(|| "STACK.toml".to_owned());
        let key = format!("once `[services.{service}]` in {file} has `scale = {count}`");
        vec![format!("wharf generate --now {}, {key}", self.stack_or_file())]
    }

    /// The units that build the images of the services, or of all, and the images.
    fn built(&self) -> Vec<(UnitName, String)> {
        let units = self.project.into_iter().flat_map(|project| &project.units);
        let built = units.filter_map(|unit| match &unit.mark.made {
            Some(Made::Image(image)) => Some((unit.name.clone(), image.clone())),
            _ => None,
        });
        let is_wanted = |name: &UnitName| {
            let builder = |unit: &UnitName| UnitName::new(&format!("{}-build", unit.prefix()), UnitKind::Service);
            self.units.is_empty() || self.units.iter().any(|unit| unit == name || builder(unit) == *name)
        };
        built.filter(|(name, _)| is_wanted(name)).collect()
    }

    pub fn build(&self) -> Vec<String> {
        let mut units: Vec<String> = self.built().iter().map(|(unit, _)| quoted(unit)).collect();
        if units.is_empty() {
            units.push(format!("{}-{}-build.service", self.stack(), self.service.unwrap_or("SERVICE")));
        }
        // It builds again whether the unit has built before or not.
        let build = format!("systemctl reload-or-restart {}", units.join(" "));
        vec![build, format!("then, for a container of the new image: {}", self.systemctl("restart"))]
    }

    pub fn push(&self) -> String {
        let images: Vec<String> =
            self.built().iter().map(|(_, image)| format!("docker push {}", quoted(image))).collect();
        if images.is_empty() { "docker push IMAGE".to_owned() } else { images.join(" && ") }
    }
}

/// The containers of a unit; of a template, those of its instances.
fn containers_of(project: &InstalledProject, name: &UnitName) -> Vec<String> {
    let file = name.template().unwrap_or_else(|| name.clone());
    let Some(unit) = project.units.iter().find(|unit| unit.name == file) else { return Vec::new() };
    let Some(container) = unit.mark.container.as_ref() else { return Vec::new() };
    let wanted = if name.is_template() { instances(project, unit) } else { vec![name.clone()] };
    let of = |unit: &UnitName| match unit.instance() {
        Some(instance) => container.of_instance(instance).ok().map(|container| container.to_string()),
        None => Some(container.to_string()),
    };
    wanted.iter().filter_map(of).collect()
}

fn joined(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A word as a POSIX shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
