//! The commands that do what was meant, made of what the words name.

use std::path::Path;

use super::Habit;
use super::line::CommandLine;
use super::shell::{joined, quoted};
use super::words::{Named, arguments};
use crate::mark::{InstalledUnit, Made};
use crate::name::{ProjectName, UnitKind, UnitName};
use crate::printable::printable;
use crate::report::InstalledProject;
use crate::report::selection::instances;

/// Options of `docker compose run` that `docker exec` has, too.
const OF_EXEC: [&str; 6] = ["-e", "--env", "-u", "--user", "-w", "--workdir"];

/// What to do with compose files, where the command line names any.
pub(super) fn import(line: &CommandLine) -> Option<String> {
    let is_compose = |word: &&String| {
        Path::new(word.as_str()).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
    };
    let of_words = line.words.iter().filter(|_| matches!(line.habit, Habit::Up | Habit::Create));
    let files: Vec<String> = line.files.iter().chain(of_words).filter(is_compose).map(|file| quoted(file)).collect();
    if files.is_empty() {
        return None;
    }
    Some(format!("wharf import -o stack.toml {} && wharf generate --now stack.toml", files.join(" ")))
}

impl<'a> Named<'a> {
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
    pub fn stack_or_file(&self, line: &CommandLine) -> String {
        line.for_generate(&match self.file {
            Some(file) => quoted(file),
            None if self.project.is_some() => self.stack().to_owned(),
            None => "STACK.toml".to_owned(),
        })
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

    /// With `--now ` it also applies what has changed in the file, as Compose does.
    pub fn generate(&self, line: &CommandLine, now: &str) -> String {
        format!("wharf generate {now}{}", self.stack_or_file(line))
    }

    /// Only a target can be enabled, and starts all services.
    pub fn boot(&self, habit: Habit) -> Vec<String> {
        let target = UnitName::new(self.stack(), UnitKind::Target);
        let whole = "it holds for the whole stack; to leave a service out: a profile in the stack file, or `scale = 0`";
        let whole = self.has_services().then(|| whole.to_owned());
        [format!("systemctl {} {target}", habit.as_str())].into_iter().chain(whole).collect()
    }

    /// `label=io.wharf.project=shop`
    pub fn label(&self) -> String {
        let label = "label=io.wharf.project";
        self.name.as_ref().map_or(label.to_owned(), |name| quoted(&format!("{label}={name}")))
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
    fn terminal(&self) -> &'static str {
        match (self.is_detached, self.has_terminal) {
            (true, _) => "-d",
            (false, true) => "-it",
            (false, false) => "-i",
        }
    }

    pub fn exec(&self) -> String {
        format!("docker exec {} {}{} {}", self.terminal(), self.options(), quoted(&self.container()), self.command())
    }

    /// In the container that runs, or in another beside it. A job runs to its end.
    pub fn run(&self) -> Vec<String> {
        let is_meant = |unit: &&InstalledUnit| self.units.iter().any(|job| job.stem() == unit.name.stem());
        let meant: Vec<&InstalledUnit> =
            self.project.iter().flat_map(|project| project.units.iter().filter(is_meant)).collect();
        // It has a timer, or updates run it.
        if meant.iter().any(|unit| unit.name.is(UnitKind::Timer) || !unit.mark.update_hooks.is_empty()) {
            let as_others = "it runs the command of the stack file, as its timer or an update does";
            return vec![self.systemctl("start"), as_others.to_owned()];
        }
        // It has ended, so there is no container of it.
        if meant.iter().any(|unit| unit.mark.is_job && unit.mark.container.is_some()) {
            return vec![self.systemctl("restart"), "it runs the command of the stack file again".to_owned()];
        }
        let other = self.run_beside();
        let alone =
            "a container of its own, with the environment, volumes and network of the service, and nothing else of it";
        let first = match self.options.iter().step_by(2).all(|option| OF_EXEC.contains(option)) {
            true => vec![self.exec(), format!("{alone}: {other}")],
            false => vec![other, format!("this is {alone}")],
        };
        let idle = format!("if no container of it runs: {}", self.systemctl("start"));
        first.into_iter().chain([idle]).collect()
    }

    /// The shell is bash or zsh: `<(…)`.
    fn run_beside(&self) -> String {
        let container = quoted(&self.container());
        let inspect = |format: &str| format!("docker inspect --format '{{{{{format}}}}}' {container}");
        let (image, environment) = (inspect(".Config.Image"), inspect("range .Config.Env}}{{println .}}{{end"));
        let pairs = self.options.chunks_exact(2).filter(|pair| !matches!(pair[0], "-p" | "--publish"));
        let options = pairs.flat_map(|pair| match pair[0] {
            "--env-from-file" => ["--env-file", pair[1]],
            option => [option, pair[1]],
        });
        let options: String = options.map(|word| quoted(word) + " ").collect();
        let (terminal, command) = (self.terminal(), self.command());
        format!(
            "docker run --rm {terminal} --network {} --volumes-from {container} --env-file <({environment}) {options}$({image}) {command}",
            quoted(&format!("container:{}", self.container()))
        )
    }

    /// `docker commit` and `docker export`
    pub fn engine(&self, habit: Habit) -> String {
        let (command, options) = (habit.as_str(), self.options());
        format!("docker {command} {options}{}", self.with_rest(&self.container()))
    }

    /// Of all containers of the host where no stack is named.
    pub fn stats(&self) -> String {
        let names = self.container_names();
        format!("docker stats {}{}", self.options(), joined(&names)).trim_end().to_owned()
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

    pub fn scale(&self, line: &CommandLine, words: &[String]) -> Vec<String> {
        let wanted = words.iter().find_map(|word| word.split_once('='));
        let (service, count) = wanted.unwrap_or((self.service.unwrap_or("SERVICE"), "N"));
        let file = self.project.and_then(|project| Some(project.sources.first()?.display().to_string()));
        let file = file.or(self.file.map(str::to_owned)).unwrap_or_else(|| "STACK.toml".to_owned());
        let key = format!("once `[services.{service}]` in {} has `scale = {count}`", printable(&file));
        vec![self.generate(line, "--now "), key]
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

    /// # Errors
    /// Nothing of the stack is built.
    pub fn build(&self) -> Result<Vec<String>, String> {
        let units: Vec<String> = self.built().iter().map(|(unit, _)| quoted(unit)).collect();
        if units.is_empty() && self.name.is_none() {
            return Ok(vec!["systemctl reload-or-restart STACK-SERVICE-build.service".to_owned()]);
        }
        if units.is_empty() {
            let what = self.service.unwrap_or(self.stack());
            let service = self.service.map_or(String::new(), |service| format!(" {}", quoted(service)));
            let pull = format!("wharf pull {}{service}", self.stack());
            return Err(format!("{what} has no `build`, but an image of a registry; to get it: {pull}"));
        }
        // It builds again whether the unit has built before or not.
        let build = format!("systemctl reload-or-restart {}", units.join(" "));
        Ok(vec![build, format!("then, for a container of the new image: {}", self.systemctl("restart"))])
    }

    /// # Errors
    /// Nothing of the stack is built.
    pub fn push(&self) -> Result<String, String> {
        let images: Vec<String> =
            self.built().iter().map(|(_, image)| format!("docker push {}", quoted(image))).collect();
        if images.is_empty() {
            return Err(format!("{} has no `build`: there is no image to push", self.service.unwrap_or(self.stack())));
        }
        Ok(images.join(" && "))
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
