//! `wharf`: the administrator's command. Arguments and exit codes; the work is done in the library.

mod check;
mod cli;
mod complete;
mod config;
mod diff;
mod doctor;
mod exit;
mod generate;
mod habits;
mod history;
mod import;
mod lock;
mod logs;
mod output;
mod pull;
mod remove;
mod rollback;
mod schema;
mod secret;
mod stacks;
mod status;
mod update;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use wharf::systemd::log::{self, Fallback};

use cli::{Arguments, Command};
use exit::{Exit, Failure};

/// As in `wharf-generator`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    complete::answer_shell();
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(answered) = habits::run(&words) {
        return ended(answered);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => match habits::instead(&error, &words) {
            Some(text) => {
                output::notice(&text);
                return Exit::Usage.into();
            }
            None => return usage(&error),
        },
    };
    // A command that cannot record its changes in the journal says so when it makes them.
    let _reported_later = log::start("wharf", Fallback::None);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::notice(&format!("cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    ended(runtime.block_on(run(arguments.command)))
}

/// Says why the run failed, if it did.
fn ended(result: Result<Exit, Failure>) -> ExitCode {
    written(result.unwrap_or_else(|failure| report(&failure))).into()
}

/// Says why something failed; what the command exits with for it.
fn report(failure: &Failure) -> Exit {
    match failure {
        Failure::Invalid(diagnostics) => output::diagnostics(diagnostics),
        Failure::Failed(text) => output::notice(text),
    }
    failure.exit()
}

/// How the run ends if it could not print what it was asked for.
fn written(exit: Exit) -> Exit {
    match output::failure() {
        Some(error) => {
            output::notice(&format!("cannot write to standard output: {error}"));
            Exit::Failed
        }
        None => exit,
    }
}

/// `--help`, `--version`, or what is wrong with the command line.
fn usage(error: &clap::Error) -> ExitCode {
    if let Err(error) = error.print().and_then(|()| io::stdout().flush()) {
        output::note(&error);
    }
    match written(if error.use_stderr() { Exit::Usage } else { Exit::Done }) {
        Exit::Failed if error.use_stderr() => Exit::Usage.into(),
        exit => exit.into(),
    }
}

async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Generate(arguments) => generate::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments).await,
        Command::Config(arguments) => config::run(&arguments),
        Command::Pull(arguments) => pull::run(&arguments).await,
        Command::Lock(arguments) => lock::run(arguments).await,
        Command::Update(arguments) => update::run(&arguments).await,
        Command::Rollback(arguments) => rollback::run(&arguments).await,
        Command::Import(arguments) => import::run(arguments),
        Command::Status(arguments) => status::run(&arguments).await,
        Command::Diff(arguments) => diff::run(&arguments).await,
        Command::Logs(arguments) => logs::run(&arguments).await,
        Command::History(arguments) => history::run(&arguments),
        Command::Remove(arguments) => remove::run(arguments).await,
        Command::Schema => schema::run(),
        Command::Secret(arguments) => secret::run(&arguments).await,
        Command::Doctor(arguments) => doctor::run(&arguments).await,
    }
}
