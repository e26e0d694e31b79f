//! What does the work of a command of `docker compose` that Wharf does not have, as systemd or the engine do it.
//!
//! In: the command with its arguments, and the installed projects. Out: commands to type. Pure: nothing is run.

use std::path::Path;

use super::installed::InstalledProject;
use super::selection::{is_path, units_named};
use crate::name::{ProjectName, UnitKind, UnitName};

/// A command of `docker compose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    Up,
    Down,
    Ps,
    Exec,
    Restart,
    Start,
    Stop,
    Top,
}

impl Habit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Ps => "ps",
            Self::Exec => "exec",
            Self::Restart => "restart",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Top => "top",
        }
    }
}

/// What a command's answer depends on besides the command line.
pub struct Host<'a> {
    pub installed: &'a [InstalledProject],
    /// The project's name in a stack file that is not installed yet.
    pub name_in: &'a dyn Fn(&Path) -> Option<ProjectName>,
}

/// One or two lines that say which command to use instead, with the names of the stack where they are known.
pub fn answer(habit: Habit, words: &[String], host: &Host<'_>) -> Vec<String> {
    let named = Named::of(words, host);
    let lines = match habit {
        Habit::Up => vec![named.up()],
        Habit::Down if named.has_services() => vec![named.systemctl("stop")],
        Habit::Down => {
            let volumes = if words.iter().any(|word| word == "-v" || word == "--volumes") { "--volumes " } else { "" };
            let remove = format!("to delete it from this host too: wharf remove {volumes}{}", named.stack());
            vec![named.systemctl("stop"), remove]
        }
        Habit::Ps => vec![format!("wharf status {}", named.known_stack()).trim_end().to_owned()],
        Habit::Exec => vec![named.exec()],
        Habit::Top => vec![named.top()],
        Habit::Restart | Habit::Start | Habit::Stop => vec![named.systemctl(habit.as_str())],
    };
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    [format!("`{}` is not a command of wharf; use: {first}", habit.as_str())].into_iter().chain(lines).collect()
}

/// What the words of a command line name.
struct Named<'a> {
    /// The stack file.
    file: Option<&'a str>,
    name: Option<ProjectName>,
    project: Option<&'a InstalledProject>,
    units: Vec<UnitName>,
    /// What follows the stack and its services.
    rest: Vec<&'a str>,
}

impl<'a> Named<'a> {
    fn of(words: &'a [String], host: &Host<'a>) -> Self {
        let mut named = Self { file: None, name: None, project: None, units: Vec::new(), rest: Vec::new() };
        for word in words.iter().map(String::as_str) {
            // What follows them is a command, with options of its own.
            if !named.rest.is_empty() || (!word.starts_with('-') && !named.takes(word, host)) {
                named.rest.push(word);
            }
        }
        if named.name.is_none()
            && let [only] = host.installed
        {
            named.set(only);
        }
        named
    }

    fn set(&mut self, project: &'a InstalledProject) {
        self.name = Some(project.name.clone());
        self.project = Some(project);
    }

    /// Whether the word names a stack, or a service.
    fn takes(&mut self, word: &'a str, host: &Host<'a>) -> bool {
        if let Some(project) = self.project {
            let units = units_named(project, word);
            let is_service = !units.is_empty();
            self.units.extend(units);
            return is_service;
        }
        if self.name.is_some() {
            return false;
        }
        if is_path(word) {
            self.file = Some(word);
            let path = crate::path::absolute(Path::new(word));
            match host.installed.iter().find(|project| project.comes_from(&path)) {
                Some(project) => self.set(project),
                None => self.name = (host.name_in)(Path::new(word)),
            }
            return true;
        }
        if let Some(project) = host.installed.iter().find(|project| project.name == *word) {
            self.set(project);
            return true;
        }
        let mut with_it = host.installed.iter().filter(|project| !units_named(project, word).is_empty());
        if let (Some(project), None) = (with_it.next(), with_it.next()) {
            self.set(project);
            return self.takes(word, host);
        }
        self.name = ProjectName::parse(word).ok();
        self.name.is_some()
    }

    fn has_services(&self) -> bool {
        !self.units.is_empty()
    }

    fn stack(&self) -> &str {
        self.name.as_ref().map_or("STACK", ProjectName::as_str)
    }

    fn known_stack(&self) -> &str {
        self.name.as_ref().map_or("", ProjectName::as_str)
    }

    /// The target of the stack, or the units of the services.
    fn of_systemd(&self) -> String {
        if self.units.is_empty() {
            return UnitName::new(self.stack(), UnitKind::Target).to_string();
        }
        self.units.iter().map(|unit| quoted(&unit.pattern())).collect::<Vec<_>>().join(" ")
    }

    fn systemctl(&self, verb: &str) -> String {
        format!("systemctl {verb} {}", self.of_systemd())
    }

    fn up(&self) -> String {
        let generate = match self.file {
            Some(file) => format!("wharf generate {} && ", quoted(file)),
            None if self.project.is_some() => String::new(),
            None => "wharf generate STACK.toml && ".to_owned(),
        };
        generate + &self.systemctl("start")
    }

    fn exec(&self) -> String {
        let command: Vec<String> = self.rest.iter().map(|word| quoted(word)).collect();
        let command = if command.is_empty() { "sh".to_owned() } else { command.join(" ") };
        format!("docker exec -it {} {command}", quoted(&self.container()))
    }

    fn container(&self) -> String {
        let unit = self.project.zip(self.units.first()).and_then(|(project, name)| {
            let file = name.template().unwrap_or_else(|| name.clone());
            let container = project.units.iter().find(|unit| unit.name == file)?.mark.container.as_ref()?;
            match (name.is_template(), name.instance()) {
                (true, _) => container.of_instance("1").ok(),
                (false, Some(instance)) => container.of_instance(instance).ok(),
                (false, None) => Some(container.clone()),
            }
        });
        unit.map_or_else(|| format!("{}-SERVICE", self.stack()), |container| container.to_string())
    }

    fn top(&self) -> String {
        if self.has_services() {
            return format!("docker top {}", quoted(&self.container()));
        }
        let slice = UnitName::slice(&["wharf", self.stack()]);
        format!("systemd-cgls --unit {}", quoted(&slice))
    }
}

/// A word as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::super::selection::tests::installed;
    use super::*;

    fn answers(line: &str, installed: &[InstalledProject]) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let all =
            [Habit::Up, Habit::Down, Habit::Ps, Habit::Exec, Habit::Restart, Habit::Start, Habit::Stop, Habit::Top];
        let habit = all.into_iter().find(|habit| habit.as_str() == words[0]).unwrap();
        let name_in = |path: &Path| ProjectName::parse(path.file_stem()?.to_str()?).ok();
        let text = answer(habit, &words[1..], &Host { installed, name_in: &name_in }).join("\n");
        text.replace(&format!("`{}` is not a command of wharf; use: ", words[0]), "")
    }

    #[test]
    fn each_is_answered_with_the_command_that_does_it() {
        let installed = installed();
        for (line, expected) in [
            ("up shop.toml", "wharf generate shop.toml && systemctl start shop.target"),
            ("up -d cart.toml", "wharf generate cart.toml && systemctl start cart.target"),
            ("up -d", "wharf generate STACK.toml && systemctl start STACK.target"),
            ("up shop", "systemctl start shop.target"),
            ("up my;cart.toml", "wharf generate 'my;cart.toml' && systemctl start STACK.target"),
            ("down shop", "systemctl stop shop.target\nto delete it from this host too: wharf remove shop"),
            (
                "down -v blog",
                "systemctl stop blog.target\nto delete it from this host too: wharf remove --volumes blog",
            ),
            ("ps", "wharf status"),
            ("ps shop", "wharf status shop"),
            ("exec shop db psql -U me", "docker exec -it shop-db psql -U me"),
            ("exec -it web-2", "docker exec -it shop-web-2 sh"),
            ("exec shop web sh -c 'a", r"docker exec -it shop-web-1 sh -c ''\''a'"),
            ("exec", "docker exec -it STACK-SERVICE sh"),
            ("restart shop web", "systemctl restart 'shop-web@*.service'"),
            ("restart db", "systemctl restart shop-db.service"),
            ("stop shop db web-1", "systemctl stop shop-db.service shop-web@1.service"),
            ("start elsewhere", "systemctl start elsewhere.target"),
            ("top shop", "systemd-cgls --unit wharf-shop.slice"),
            ("top shop web", "docker top shop-web-1"),
            ("top my-cart", r"systemd-cgls --unit 'wharf-my\x2dcart.slice'"),
        ] {
            assert_eq!(answers(line, &installed), expected, "{line}");
        }
    }

    #[test]
    fn the_only_stack_of_a_host_need_not_be_named() {
        let only = &installed()[1..];
        assert_eq!(answers("restart web", only), "systemctl restart 'shop-web@*.service'");
        assert_eq!(answers("restart", only), "systemctl restart shop.target");
        assert_eq!(answers("top", only), "systemd-cgls --unit wharf-shop.slice");
    }
}
