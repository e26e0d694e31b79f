//! `wharf rollback`

use std::path::Path;

use wharf::install::STACK_DIRECTORY;
use wharf::signals::Signals;
use wharf::update::Updater;

use crate::exit::{Exit, Failure};
use crate::pull::Screen;
use crate::{cli, output, stacks, update};

pub async fn run(arguments: &cli::Rollback) -> Result<Exit, Failure> {
    let interrupts = Signals::listen(&update::INTERRUPTS)?;
    let stacks = vec![arguments.stack.clone()];
    let named = cli::Stacks { stacks, files: Vec::new(), profiles: Vec::new() };
    let request = stacks::named(&named, Path::new(STACK_DIRECTORY))?.remove(0);
    let updater = Updater::connect(&update::say, Some(interrupts)).await?;
    let screen = Screen::without_width();
    let changed = updater.rollback(&request, arguments.revision, &|image| screen.begin(image)).await?;
    if arguments.json {
        output::json(&changed.to_json())?;
    } else {
        update::print(&changed);
    }
    Ok(update::exit_of(&changed, false))
}
