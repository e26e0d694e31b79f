//! Commands of `docker compose`, and of systemctl, that Wharf does not have.

use std::path::Path;

use clap::CommandFactory;
use clap::error::ErrorKind;
use wharf::install::Destination;
use wharf::report::habits::{CommandLine, Host, answer, remove_verbosely, without_stack};
use wharf::report::installed::projects_in;
use wharf::stack::{Request, load};

use crate::cli::Arguments;
use crate::exit::{Exit, Failure};
use crate::{output, stacks};

/// Answers the words after the program's name. `None`: they are Wharf's own.
pub fn run(words: &[String]) -> Option<Result<Exit, Failure>> {
    let is_own = |word: &str| Arguments::command().find_subcommand(word).is_some();
    match CommandLine::parse(words, &is_own) {
        Ok(None) => None,
        Ok(Some(line)) => Some(answered(&line)),
        Err(misplaced) => {
            output::notice(&format!("options belong after the command; use: {}", misplaced.instead));
            Some(Ok(Exit::Usage))
        }
    }
}

/// What to say instead of clap about a command of Wharf's; `None`: clap says it well.
pub fn instead(error: &clap::Error, words: &[String]) -> Option<String> {
    let (command, rest) = words.split_first()?;
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let installed = projects_in(&Destination::system().documented_load_path()).unwrap_or_default();
            without_stack(command, &installed)
        }
        ErrorKind::UnknownArgument if command == "remove" => remove_verbosely(rest),
        _ => None,
    }
}

fn answered(line: &CommandLine) -> Result<Exit, Failure> {
    let installed = projects_in(&Destination::system().documented_load_path())?;
    let name_in = |path: &Path| Some(load(&Request::of_stack(path, &stacks::environment)).ok()?.stack.name);
    let here = stacks::here();
    let here: Vec<String> = here.iter().map(|path| path.display().to_string()).collect();
    let host = Host { installed: &installed, here: &here, name_in: &name_in };
    answer(line, &host).iter().for_each(|line| output::notice(line));
    Ok(Exit::Usage)
}
