//! `wharf`: the administrator's command. Arguments and exit codes; the work is done in the library.

mod check;
mod cli;
mod diff;
mod generate;
mod history;
mod import;
mod output;
mod pull;
mod remove;
mod schema;
mod secret;
mod stacks;
mod status;

use std::process::ExitCode;

use clap::Parser;
use wharf::install::InstallError;
use wharf::systemd::log::{self, Fallback};

use cli::{Arguments, Command};

/// How a run ended; the only place where exit codes are decided (clap itself exits with 2 for a wrong usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    /// A stack file is invalid.
    Invalid,
    /// `--check` found something to do, `diff` a container that is not as its definition says.
    Different,
    /// `import` wrote a stack file that does not say all, or that has to be corrected.
    Incomplete,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Invalid => 3,
            Exit::Different => 4,
            Exit::Incomplete => 5,
        })
    }
}

/// An error that ends the run, already in the form in which it is shown.
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Invalid(diagnostics) => {
                Self { exit: Exit::Invalid, message: output::diagnostics(&diagnostics) }
            }
            other => Self::failed(&other),
        }
    }
}

impl Failure {
    pub fn failed(error: &dyn std::error::Error) -> Self {
        let lines: Vec<String> = error.to_string().lines().map(|line| format!("wharf: {line}\n")).collect();
        Self { exit: Exit::Failed, message: lines.concat() }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A command that has something to record says by itself that it could not be.
    let _recorded_later = log::start("wharf", Fallback::None);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wharf: cannot start: {error}");
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprint!("{}", failure.message);
            failure.exit.into()
        }
    }
}

async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Generate(arguments) => generate::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments),
        Command::Pull(arguments) => pull::run(&arguments).await,
        Command::Import(arguments) => import::run(arguments),
        Command::Status(arguments) => status::run(&arguments).await,
        Command::Diff(arguments) => diff::run(&arguments).await,
        Command::History(arguments) => history::run(&arguments),
        Command::Remove(arguments) => remove::run(arguments).await,
        Command::Schema => Ok(schema::run()),
        Command::Secret(arguments) => secret::run(&arguments),
    }
}
