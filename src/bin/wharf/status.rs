//! `wharf status`

use std::path::Path;
use std::time::SystemTime;

use wharf::install::{Destination, STACK_DIRECTORY, StackFiles};
use wharf::report::status::{Host, Sources, Status, UnitStatus, tree};
use wharf::signals::{Signal, Signals};
use wharf::supervisor1::Activation;

use crate::exit::{Exit, Failure};
use crate::output::Canvas;
use crate::{cli, output, stacks};

const NO_STACK: &str = "no stack is installed";

pub async fn run(arguments: &cli::Status) -> Result<Exit, Failure> {
    let sources = connect().await?;
    if arguments.watch {
        return watch(&sources, arguments).await;
    }
    let status = sources.status(&arguments.words, Activation::Start).await?;
    if arguments.json {
        output::json(&status)?;
    } else {
        if status.projects.is_empty() {
            output::notice(NO_STACK);
        }
        output::drawn(&text(&status, arguments, false));
    }
    if let Some(unknown) = &status.unknown {
        output::notice(&unknown.to_string());
    }
    let mut units = status.projects.iter().flat_map(|project| &project.units);
    Ok(if units.any(UnitStatus::needs_attention) { Exit::Degraded } else { Exit::Done })
}

pub async fn connect() -> Result<Sources, Failure> {
    // Others than root cannot read all that stack files name.
    let is_root = rustix::process::geteuid().is_root();
    let stack_files = StackFiles::new(Path::new(STACK_DIRECTORY), &stacks::environment);
    Ok(Sources::connect(Host {
        stack_directory: STACK_DIRECTORY.into(),
        directories: Destination::system().documented_load_path(),
        stack_files: Box::new(move || is_root.then(|| stack_files.look())),
    })
    .await?)
}

/// Until a signal ends it, the reader has gone, or the bus is gone.
async fn watch(sources: &Sources, arguments: &cli::Status) -> Result<Exit, Failure> {
    let ends = Signals::listen(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    let resized = Signals::listen(&[Signal::SIGWINCH])?;
    let mut watch = sources.watch(&arguments.words).await?;
    let mut canvas = Canvas::default();
    let mut shown_notice = None;
    loop {
        tokio::select! {
            next = watch.next() => {
                next?;
            }
            () = resized.wait() => {}
            () = ends.wait() => {
                canvas.leave();
                return Ok(Exit::Done);
            }
        }
        let Some(status) = watch.last() else { continue };
        let notice = status.unknown.as_ref().map(ToString::to_string);
        if let Some(notice) = notice.as_ref().filter(|_| notice != shown_notice) {
            canvas.clear();
            output::notice(notice);
        }
        shown_notice = notice;
        let written =
            if arguments.json { output::json_line(status) } else { canvas.draw(&text(status, arguments, true)) };
        if written.is_err() {
            return Ok(Exit::Done);
        }
    }
}

fn text(status: &Status, arguments: &cli::Status, in_place: bool) -> String {
    let tree = tree(status, arguments.words.is_empty(), output::screen(in_place), SystemTime::now());
    if in_place && status.projects.is_empty() { format!("{NO_STACK}\n{tree}") } else { tree }
}
