//! `wharf remove`

use wharf::install::Remove;

use crate::{Exit, Failure, cli, output};

pub async fn run(arguments: cli::Remove) -> Result<Exit, Failure> {
    let remove = Remove { stack: arguments.stack, volumes: arguments.volumes };
    let removed = remove.run().await?;
    for file in &removed.files {
        output::message(&format!("removed {}", file.display()));
    }
    for thing in &removed.from_engine {
        output::message(&format!("removed {thing}"));
    }
    for job in &removed.failed_jobs {
        output::message(&format!("wharf: {job}"));
    }
    if let Some(why) = &removed.unrecorded {
        output::message(&format!("wharf: the removal is not in the journal, nor in `wharf history`: {why}"));
    }
    if let Some(stack) = &removed.still_declared {
        let stack = stack.display();
        output::message(&format!("wharf: {stack} is still there: its units come back at the next boot; move it away"));
    }
    Ok(if removed.failed_jobs.is_empty() { Exit::Done } else { Exit::Failed })
}
