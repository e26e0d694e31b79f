//! `wharf rollback`

use std::path::Path;

use wharf::install::STACK_DIRECTORY;
use wharf::name::RevisionName;
use wharf::signals::Signals;
use wharf::update::Updater;

use crate::exit::{Exit, Failure};
use crate::pull::Screen;
use crate::{cli, output, stacks, update};

pub async fn run(arguments: &cli::Rollback) -> Result<Exit, Failure> {
    let interrupts = Signals::listen(&update::INTERRUPTS)?;
    // `shop@7` as `wharf diff` has it, and as an instance of wharf-rollback@.service.
    let named = arguments.stack.to_str().and_then(RevisionName::parse).filter(|_| arguments.revision.is_none());
    let (stack, revision) = match named {
        Some(RevisionName { project, number }) => (project.to_string().into(), Some(number)),
        None => (arguments.stack.clone(), arguments.revision),
    };
    let stacks = vec![stack];
    let named = cli::Stacks { stacks, files: Vec::new(), profiles: Vec::new() };
    let request = stacks::named(&named, Path::new(STACK_DIRECTORY))?.remove(0);
    let updater = Updater::connect(&update::say, Some(interrupts)).await?;
    let screen = Screen::without_width();
    let changed = updater.rollback(&request, revision, &|image| screen.begin(image)).await?;
    if arguments.json {
        output::json(&changed.to_json())?;
    } else {
        update::print(&changed);
    }
    Ok(update::exit_of(&changed, false))
}
