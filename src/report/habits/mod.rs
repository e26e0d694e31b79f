//! What does the work of a command of `docker compose` that Wharf does not have, as systemd or the engine do it.
//!
//! In: the command with its arguments, and the installed projects. Out: commands to type.
//! Invariant: nothing is run, and what is typed is quoted for a shell.

mod commands;
mod line;
mod shell;
mod words;

use std::path::Path;

use super::installed::InstalledProject;
use crate::name::ProjectName;
pub use line::{CommandLine, Misplaced};
use shell::quoted;
use words::{Named, stacks_with};

/// A command of `docker compose`, or of systemctl, that Wharf does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    Attach,
    Build,
    Commit,
    Cp,
    Create,
    Delete,
    Disable,
    Down,
    Enable,
    Events,
    Exec,
    Export,
    Images,
    Kill,
    List,
    Ls,
    Pause,
    Port,
    Ps,
    Push,
    Restart,
    Rm,
    Run,
    Scale,
    Start,
    Stats,
    Stop,
    Top,
    Unpause,
    Up,
    Version,
    Volumes,
    Wait,
    Watch,
}

impl Habit {
    pub const ALL: [Self; 34] = [
        Self::Attach,
        Self::Build,
        Self::Commit,
        Self::Cp,
        Self::Create,
        Self::Delete,
        Self::Disable,
        Self::Down,
        Self::Enable,
        Self::Events,
        Self::Exec,
        Self::Export,
        Self::Images,
        Self::Kill,
        Self::List,
        Self::Ls,
        Self::Pause,
        Self::Port,
        Self::Ps,
        Self::Push,
        Self::Restart,
        Self::Rm,
        Self::Run,
        Self::Scale,
        Self::Start,
        Self::Stats,
        Self::Stop,
        Self::Top,
        Self::Unpause,
        Self::Up,
        Self::Version,
        Self::Volumes,
        Self::Wait,
        Self::Watch,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attach => "attach",
            Self::Build => "build",
            Self::Commit => "commit",
            Self::Cp => "cp",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Disable => "disable",
            Self::Down => "down",
            Self::Enable => "enable",
            Self::Events => "events",
            Self::Exec => "exec",
            Self::Export => "export",
            Self::Images => "images",
            Self::Kill => "kill",
            Self::List => "list",
            Self::Ls => "ls",
            Self::Pause => "pause",
            Self::Port => "port",
            Self::Ps => "ps",
            Self::Push => "push",
            Self::Restart => "restart",
            Self::Rm => "rm",
            Self::Run => "run",
            Self::Scale => "scale",
            Self::Start => "start",
            Self::Stats => "stats",
            Self::Stop => "stop",
            Self::Top => "top",
            Self::Unpause => "unpause",
            Self::Up => "up",
            Self::Version => "version",
            Self::Volumes => "volumes",
            Self::Wait => "wait",
            Self::Watch => "watch",
        }
    }

    /// The command of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|habit| habit.as_str() == name)
    }

    /// Whether it is about what runs on this host.
    fn needs_installed(self) -> bool {
        use Habit::{Create, Images, List, Ls, Ps, Scale, Stats, Up, Version, Volumes, Watch};
        !matches!(self, Create | Images | List | Ls | Ps | Scale | Stats | Up | Version | Volumes | Watch)
    }

    /// Whether its first argument is a service: Compose has no other way to name one.
    fn needs_service(self) -> bool {
        matches!(self, Self::Attach | Self::Commit | Self::Exec | Self::Export | Self::Port | Self::Run)
    }

    /// Whether a command follows the service, with options of its own.
    fn takes_command(self) -> bool {
        matches!(self, Self::Exec | Self::Run)
    }

    /// Whether other words than stacks and services follow.
    fn takes_more(self) -> bool {
        self.takes_command() || matches!(self, Self::Commit | Self::Cp | Self::Port | Self::Scale)
    }

    /// Whether a word follows this option that belongs to it.
    fn has_value(self, option: &str) -> bool {
        let own: &[&str] = match self {
            Self::Exec => &["-u", "--user", "-e", "--env", "-w", "--workdir", "--index"],
            Self::Run => &[
                "-u",
                "--user",
                "-e",
                "--env",
                "-w",
                "--workdir",
                "-v",
                "--volume",
                "-p",
                "--publish",
                "-l",
                "--label",
                "--name",
                "--entrypoint",
                "--cap-add",
                "--cap-drop",
                "--env-from-file",
                "--pull",
            ],
            Self::Up | Self::Create => &["-t", "--timeout", "--scale", "--pull", "--attach", "--exit-code-from"],
            Self::Down | Self::Restart | Self::Stop => &["-t", "--timeout", "--rmi"],
            Self::Kill => &["-s", "--signal"],
            Self::Port => &["--index", "--protocol"],
            Self::Cp | Self::Attach => &["--index", "--detach-keys"],
            Self::Events => &["--since", "--until"],
            Self::Build => &["--build-arg", "--builder", "-m", "--memory", "--ssh", "--progress"],
            Self::Ls | Self::Ps | Self::Images | Self::Stats | Self::Volumes => &["--filter", "--format", "--status"],
            Self::Commit => &["-a", "--author", "-c", "--change", "-m", "--message", "--index"],
            Self::Export => &["-o", "--output", "--index"],
            _ => &[],
        };
        own.contains(&option)
    }
}

/// What a command's answer depends on besides the command line.
pub struct Host<'a> {
    pub installed: &'a [InstalledProject],
    /// Stack files of the working directory, as paths: `./shop.toml`.
    pub here: &'a [String],
    /// The project's name in a stack file that is not installed yet.
    pub name_in: &'a dyn Fn(&Path) -> Option<ProjectName>,
}

/// Lines that say which command to use instead, with the names of the stack where they are known.
pub fn answer(line: &CommandLine, host: &Host<'_>) -> Vec<String> {
    let not = format!("`{}` is not a command of wharf", line.habit.as_str());
    match several(line, host) {
        Ok(lines) => {
            let mut lines = lines.into_iter();
            let first = lines.next().unwrap_or_default();
            [format!("{not}; use: {first}")].into_iter().chain(lines).collect()
        }
        Err(why) => vec![format!("{not}, and {why}")],
    }
}

/// What to say where a command of Wharf's misses its stack; `None`: it is something else that is missing.
pub fn without_stack(command: &str, installed: &[InstalledProject]) -> Option<String> {
    let what = match command {
        "config" => "a stack file, or an installed stack",
        "logs" => "a stack, or a service",
        "remove" => "the stacks to remove",
        _ => return None,
    };
    let names: Vec<&str> = installed.iter().map(|project| project.name.as_str()).collect();
    let known = if names.is_empty() {
        "no stack is installed".to_owned()
    } else {
        format!("installed stacks: {}", names.join(", "))
    };
    Some(format!("name {what}: wharf {command} STACK; {known}"))
}

/// What to say to `wharf remove -v`, which means volumes to docker, and something else to other programs. `words`: what follows `remove`.
pub fn remove_verbosely(words: &[String]) -> Option<String> {
    if !words.iter().any(|word| word == "-v") {
        return None;
    }
    let stacks = words.iter().filter(|word| !word.starts_with('-')).map(|word| quoted(word));
    let stacks: Vec<String> = stacks.collect();
    let stacks = if stacks.is_empty() { "STACK".to_owned() } else { stacks.join(" ") };
    let volumes = "to delete the volumes too, with all their data";
    Some(format!("`-v` is not an option of `wharf remove`; {volumes}: wharf remove --volumes {stacks}"))
}

/// The answer for the stack, or for each that has a service of this name.
fn several(line: &CommandLine, host: &Host<'_>) -> Result<Vec<String>, String> {
    if let Some(import) = commands::import(line) {
        return Ok(vec![import]);
    }
    let words = line.with_stack();
    let stacks = stacks_with(line.habit, &words, host);
    if let [] | [_] = stacks.as_slice() {
        return lines(line, &Named::of(line.habit, &words, host)?, &words);
    }
    let mut all = Vec::new();
    for project in &stacks {
        let words: Vec<String> = [project.to_string()].into_iter().chain(words.iter().cloned()).collect();
        let of_stack = lines(line, &Named::of(line.habit, &words, host)?, &words)?;
        all.extend(of_stack.into_iter().next().map(|it| if all.is_empty() { it } else { format!("or: {it}") }));
    }
    Ok(all)
}

/// The command to use, then what else there is to say.
///
/// # Errors
/// There is no such command, for this reason.
fn lines(line: &CommandLine, named: &Named<'_>, words: &[String]) -> Result<Vec<String>, String> {
    let habit = line.habit;
    let history = || format!("wharf history {}", named.known_stack()).trim_end().to_owned();
    Ok(match habit {
        Habit::Up => vec![named.generate(line, "--now ")],
        Habit::Create => vec![named.generate(line, ""), "it writes the units and starts nothing".to_owned()],
        Habit::Watch => {
            let why = "a file of the stack that changes is applied by it, a changed source is not watched";
            vec![named.generate(line, "--now "), why.to_owned()]
        }
        Habit::Stop => vec![named.stop()],
        Habit::Down if named.has_services() => vec![named.stop()],
        Habit::Down => {
            let volumes = if words.iter().any(|word| word == "-v" || word == "--volumes") { "--volumes " } else { "" };
            let remove = format!("to delete it from this host too: wharf remove {volumes}{}", named.stack());
            vec![named.stop(), remove]
        }
        Habit::Rm => {
            let remove = format!("to delete the stack from this host: wharf remove {}", named.stack());
            vec![named.stop(), "a container is removed when its unit stops".to_owned(), remove]
        }
        Habit::Delete => {
            let kept = "it stops the stack and keeps its volumes; with `--volumes` they are deleted, too";
            vec![format!("wharf remove {}", named.stack()), kept.to_owned()]
        }
        Habit::Restart | Habit::Start => vec![named.systemctl(habit.as_str())],
        Habit::Enable | Habit::Disable => named.boot(habit),
        Habit::Ps | Habit::List | Habit::Ls | Habit::Images => {
            vec![format!("wharf status {}", named.known_stack()).trim_end().to_owned()]
        }
        Habit::Exec => vec![named.exec()],
        Habit::Run => named.run(),
        Habit::Cp => vec![format!("docker cp {}", named.copied(words))],
        Habit::Port => vec![format!("docker port {}", named.with_rest(&named.container()))],
        Habit::Commit | Habit::Export => vec![named.engine(habit)],
        Habit::Attach => {
            let logs = format!("for its output alone: wharf logs -f {}", named.words_of_service());
            vec![format!("docker attach --sig-proxy=false {}", quoted(&named.container())), logs]
        }
        Habit::Top => vec![named.top()],
        Habit::Stats => vec![named.stats()],
        Habit::Kill => {
            let restart = "the unit then does what `restart` in the stack file says; to stop it for good: ";
            vec![named.kill(words), format!("{restart}{}", named.stop())]
        }
        Habit::Pause | Habit::Unpause | Habit::Wait => {
            vec![format!("docker {} {}", habit.as_str(), named.containers())]
        }
        Habit::Events => {
            let events = format!("docker events --filter {}", named.label());
            vec![history(), format!("as they happen, all of the engine's: {events}")]
        }
        Habit::Volumes => vec![format!("docker volume ls --filter {}", named.label())],
        Habit::Scale => named.scale(line, words),
        Habit::Build => named.build()?,
        Habit::Push => vec![named.push()?],
        Habit::Version => vec!["wharf --version".to_owned()],
    })
}

#[cfg(test)]
mod tests;
