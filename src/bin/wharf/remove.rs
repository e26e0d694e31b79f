//! `wharf remove`

use wharf::install::{Remove, Removed, volumes_stay};
use wharf::update;

use crate::exit::{Exit, Failure};
use crate::{cli, output};

pub async fn run(arguments: cli::Remove) -> Result<Exit, Failure> {
    let remove = Remove::find(&arguments.stacks, arguments.volumes).await?;
    let mut exit = Exit::Done;
    for project in remove.projects() {
        if arguments.dry_run {
            preview(&remove.preview(project).await?);
            continue;
        }
        let removed = remove.run(project, &output::notice).await?;
        removed.files.iter().for_each(|file| output::message(&format!("removed {}", file.display())));
        removed.from_engine.iter().for_each(|object| output::message(&format!("removed {object}")));
        removed.failed_jobs.iter().for_each(|job| output::notice(&job.to_string()));
        if let Some(reason) = &removed.unrecorded {
            output::notice(&format!("the removal is not in the journal, nor in `wharf history`: {reason}"));
        }
        // The project is not installed any more, so that `--volumes` comes too late.
        if !removed.kept_volumes.is_empty() {
            output::notice(&volumes_stay(&removed.kept_volumes));
        }
        if !removed.foreign_volumes.is_empty() {
            output::notice(&format!(
                "not made by wharf, so never removed by it: {}",
                removed.foreign_volumes.join(", ")
            ));
        }
        if let Some(stack) = &removed.still_declared {
            let stack = stack.display();
            output::notice(&format!("{stack} still exists: the next boot generates its units again; move it away"));
        }
        update::forget(&removed.project).await?;
        if !removed.failed_jobs.is_empty() {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn preview(removed: &Removed) {
    let line = |text: String| output::data(&(text + "\n"));
    line(format!("project {}:", removed.project));
    removed.stopped.iter().for_each(|unit| line(format!("would stop {unit}")));
    removed.from_engine.iter().for_each(|object| line(format!("would remove {object}")));
    removed.kept_volumes.iter().for_each(|volume| line(format!("would keep volume {volume}")));
    removed.files.iter().for_each(|file| line(format!("would remove {}", file.display())));
}
