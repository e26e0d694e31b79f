//! `wharf remove`

use wharf::install::Remove;

use crate::exit::{Exit, Failure};
use crate::{cli, output};

pub async fn run(arguments: cli::Remove) -> Result<Exit, Failure> {
    let remove = Remove { stack: arguments.stack, volumes: arguments.volumes };
    let removed = remove.run(&output::notice).await?;
    removed.files.iter().for_each(|file| output::message(&format!("removed {}", file.display())));
    removed.from_engine.iter().for_each(|object| output::message(&format!("removed {object}")));
    removed.failed_jobs.iter().for_each(|job| output::notice(&job.to_string()));
    if let Some(reason) = &removed.unrecorded {
        output::notice(&format!("the removal is not in the journal, nor in `wharf history`: {reason}"));
    }
    if let Some(stack) = &removed.still_declared {
        let stack = stack.display();
        output::notice(&format!("{stack} still exists: the next boot generates its units again; move it away"));
    }
    Ok(if removed.failed_jobs.is_empty() { Exit::Done } else { Exit::Failed })
}
