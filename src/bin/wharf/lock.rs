//! `wharf lock`

use std::path::Path;

use wharf::engine::Engine;
use wharf::install::STACK_DIRECTORY;
use wharf::update::{LockChange, Locking};

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub async fn run(arguments: cli::Lock) -> Result<Exit, Failure> {
    let named = cli::Stacks { stacks: arguments.stacks, files: arguments.files, profiles: Vec::new() };
    let stacks = stacks::named(&named, Path::new(STACK_DIRECTORY))?;
    if stacks.is_empty() {
        output::notice(&stacks::none_in(Path::new(STACK_DIRECTORY))?);
        return Ok(Exit::Done);
    }
    let engine = Engine::of_units().await?;
    // All registries have answered before anything is written.
    let mut locks = Vec::new();
    for stack in &stacks {
        locks.push(Locking::of(stack, &engine).await?);
    }
    let mut exit = Exit::Done;
    let mut written = false;
    for lock in &locks {
        let path = lock.path.display();
        lock.open.iter().for_each(|reason| output::notice(reason));
        if !lock.differs() {
            output::message(&format!("{path}: nothing changed"));
            continue;
        }
        output::message(&if lock.is_new() && arguments.check {
            format!("{path}: there is no lock")
        } else {
            format!("{path}:")
        });
        lock.changes.iter().for_each(|change| output::message(&line(change)));
        if arguments.check {
            exit = Exit::Different;
        } else {
            lock.write()?;
            written = true;
        }
    }
    if written {
        output::notice("to make containers of what is locked now: `wharf generate --now`, with the same stacks");
    }
    Ok(exit)
}

fn line(change: &LockChange) -> String {
    match change {
        LockChange::Added { image, digest } => format!("{image}: {digest}"),
        LockChange::Moved { image, before, digest } => format!("{image}: {digest}, before {before}"),
        LockChange::Dropped { image } => format!("{image}: not used any more"),
    }
}
