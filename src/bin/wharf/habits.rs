//! Commands of `docker compose` that Wharf does not have.

use std::path::Path;

use wharf::install::Destination;
use wharf::report::habits::{Habit, Host, answer};
use wharf::report::installed::projects_in;
use wharf::stack::{Request, load};

use crate::cli::Compose;
use crate::exit::{Exit, Failure};
use crate::{output, stacks};

pub fn run(command: Compose) -> Result<Exit, Failure> {
    let (habit, words) = match command {
        Compose::Attach(words) => (Habit::Attach, words),
        Compose::Build(words) => (Habit::Build, words),
        Compose::Cp(words) => (Habit::Cp, words),
        Compose::Create(words) => (Habit::Create, words),
        Compose::Down(words) => (Habit::Down, words),
        Compose::Events(words) => (Habit::Events, words),
        Compose::Exec(words) => (Habit::Exec, words),
        Compose::Images(words) => (Habit::Images, words),
        Compose::Kill(words) => (Habit::Kill, words),
        Compose::Ls(words) => (Habit::Ls, words),
        Compose::Pause(words) => (Habit::Pause, words),
        Compose::Port(words) => (Habit::Port, words),
        Compose::Ps(words) => (Habit::Ps, words),
        Compose::Push(words) => (Habit::Push, words),
        Compose::Restart(words) => (Habit::Restart, words),
        Compose::Rm(words) => (Habit::Rm, words),
        Compose::Run(words) => (Habit::Run, words),
        Compose::Scale(words) => (Habit::Scale, words),
        Compose::Start(words) => (Habit::Start, words),
        Compose::Stop(words) => (Habit::Stop, words),
        Compose::Top(words) => (Habit::Top, words),
        Compose::Unpause(words) => (Habit::Unpause, words),
        Compose::Up(words) => (Habit::Up, words),
        Compose::Update(words) => (Habit::Update, words),
        Compose::Version(words) => (Habit::Version, words),
        Compose::Wait(words) => (Habit::Wait, words),
    };
    let installed = projects_in(&Destination::system().documented_load_path())?;
    let name_in = |path: &Path| Some(load(&Request::of_stack(path, &stacks::environment)).ok()?.stack.name);
    let host = Host { installed: &installed, name_in: &name_in };
    answer(habit, &words.words, &host).iter().for_each(|line| output::notice(line));
    Ok(Exit::Usage)
}
