//! What a shell offers after `wharf`: stacks, services, units and files. The shell asks by an environment variable.
//!
//! Invariant: nothing is offered that a shell could take for more than a word. File names are other users', and no shell quotes what
//! is offered to it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{Bash, CompleteEnv, Fish, Shells, Zsh};
use wharf::install::Destination;
use wharf::report::InstalledProject;
use wharf::report::installed::projects_in;
use wharf::report::selection::words_naming;

use crate::cli::{Arguments, COMPLETE};

/// Answers a shell and ends the program, if it is a shell that asks.
pub fn answer_shell() {
    let shells = Shells(&[&Bash, &Fish, &Zsh]);
    CompleteEnv::with_factory(command).var(COMPLETE).shells(shells).complete();
}

/// The command line, with a completer for each value.
fn command() -> Command {
    let whole = Arguments::command();
    let shown = whole.get_subcommands().cloned().map(|command| {
        let name = command.get_name().to_owned();
        command.mut_args(|arg| match completer(&name, &arg) {
            Some(completer) => arg.add(completer),
            None => arg,
        })
    });
    Command::new("wharf").version(env!("CARGO_PKG_VERSION")).subcommands(shown)
}

fn completer(command: &str, arg: &Arg) -> Option<ArgValueCompleter> {
    Some(match (command, arg.get_id().as_str()) {
        ("pull" | "update", "stacks") | ("logs" | "status" | "diff" | "history", "words") => {
            ArgValueCompleter::new(stacks_and_services)
        }
        (_, "stack" | "stacks") => ArgValueCompleter::new(stacks),
        ("import", "files" | "file") => ArgValueCompleter::new(|current: &OsStr| paths(current, |_| true)),
        (_, "files" | "output" | "replaced") => ArgValueCompleter::new(stack_files),
        (_, "root") => ArgValueCompleter::new(|current: &OsStr| paths(current, Path::is_dir)),
        (_, "since" | "until") => ArgValueCompleter::new(|current: &OsStr| fitting(["today", "yesterday"], current)),
        _ => return None,
    })
}

fn installed() -> Vec<InstalledProject> {
    projects_in(&Destination::system().documented_load_path()).unwrap_or_default()
}

/// A stack by its project's name, or by its file.
fn stacks(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = fitting(installed().iter().map(|project| project.name.to_string()), current);
    found.extend(stack_files(current));
    found
}

/// After a stack, what names its units; before any, all of that.
fn stacks_and_services(current: &OsStr) -> Vec<CompletionCandidate> {
    let installed = installed();
    let before: BTreeSet<String> = std::env::args_os().filter_map(|word| word.into_string().ok()).collect();
    let is_named = |project: &&InstalledProject| before.contains(project.name.as_str());
    let named: Vec<&InstalledProject> = installed.iter().filter(is_named).collect();
    if !named.is_empty() {
        return fitting(named.into_iter().flat_map(words_naming).collect::<BTreeSet<_>>(), current);
    }
    let names = installed.iter().map(|project| project.name.to_string());
    let words: BTreeSet<String> = names.chain(installed.iter().flat_map(words_naming)).collect();
    let mut found = fitting(words, current);
    found.extend(stack_files(current));
    found
}

fn stack_files(current: &OsStr) -> Vec<CompletionCandidate> {
    paths(current, |path| path.extension().is_some_and(|extension| extension == "toml"))
}

/// Paths that a predicate says yes to, and the directories on the way to others.
fn paths(current: &OsStr, is_wanted: fn(&Path) -> bool) -> Vec<CompletionCandidate> {
    let mut found = PathCompleter::any().filter(is_wanted).complete(current);
    found.retain(|candidate| candidate.get_value().to_str().is_some_and(is_word));
    found
}

/// The words that begin as the current one.
fn fitting(words: impl IntoIterator<Item = impl Into<String>>, current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let words = words.into_iter().map(Into::into).filter(|word| is_word(word) && word.starts_with(current));
    words.map(CompletionCandidate::new).collect()
}

/// Whether no shell sees more than a word in it.
fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || "/._-+,@:%~".contains(c)) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        let last = words.len() - 1;
        let found = clap_complete::engine::complete(&mut command(), words, last, None).unwrap();
        found.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn commands_are_offered_and_those_of_compose_are_not() {
        let commands = offered(&["wharf", ""]);
        assert!(commands.contains(&"generate".to_owned()) && commands.contains(&"help".to_owned()), "{commands:?}");
        assert!(!commands.contains(&"up".to_owned()), "{commands:?}");
        assert_eq!(offered(&["wharf", "up"]), ["update"]);
        assert_eq!(offered(&["wharf", "logs", "--fo"]), ["--follow"]);
    }

    #[test]
    fn each_value_of_the_command_line_has_a_completer_or_is_free() {
        let free = ["profiles", "lines", "project_name", "credential", "revision"];
        for command in Arguments::command().get_subcommands() {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                let is_free = free.contains(&arg.get_id().as_str());
                let has_one = completer(command.get_name(), arg).is_some();
                assert_ne!(is_free, has_one, "{} {}", command.get_name(), arg.get_id());
            }
        }
    }

    #[test]
    fn what_a_shell_would_run_is_not_offered() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["shop.toml", "a b.toml", "$(reboot).toml", "a;b.toml", "x\x1b[2J.toml", "notes.txt"];
        names.iter().for_each(|name| std::fs::write(directory.path().join(name), "").unwrap());
        std::fs::create_dir(directory.path().join("`id`")).unwrap();
        std::fs::create_dir(directory.path().join("more")).unwrap();
        let directory = directory.path().join("").display().to_string();
        for command in ["check", "status", "remove", "generate"] {
            let expected = ["shop.toml", "more/"].map(|name| format!("{directory}{name}"));
            assert_eq!(offered(&["wharf", command, &directory]), expected, "{command}");
        }
    }
}
