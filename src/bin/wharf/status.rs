//! `wharf status`

use std::io;
use std::time::SystemTime;

use wharf::install::Destination;
use wharf::report::status::text::tree;
use wharf::report::status::{Sources, Status, StatusError};
use wharf::signals::{Signal, Signals};
use wharf::supervisor1::Activation;

use crate::output::Canvas;
use crate::{Exit, Failure, cli, output};

const NONE: &str = "no stack is installed";

pub async fn run(arguments: &cli::Status) -> Result<Exit, Failure> {
    let sources = connect().await?;
    if arguments.watch {
        return watch(&sources, arguments).await;
    }
    let status = sources.status(arguments.stack.as_deref(), Activation::Start).await.map_err(failed)?;
    if arguments.json {
        output::json(&json(&status)?);
    } else {
        if status.projects.is_empty() {
            output::message(&format!("wharf: {NONE}"));
        }
        output::data(&text(&status, arguments, false));
    }
    if let Some(unknown) = &status.unknown {
        output::message(&format!("wharf: {unknown}"));
    }
    Ok(Exit::Done)
}

pub async fn connect() -> Result<Sources, Failure> {
    Sources::connect(Destination::system().documented_load_path()).await.map_err(failed)
}

pub fn failed(error: StatusError) -> Failure {
    Failure::failed(&error)
}

fn json(status: &Status) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(status).map_err(|error| Failure::failed(&error))
}

/// Until a signal ends it, nobody reads any more, or the bus is gone.
async fn watch(sources: &Sources, arguments: &cli::Status) -> Result<Exit, Failure> {
    let cannot_listen = |error: io::Error| Failure::failed(&error);
    let ends = Signals::listen(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]).map_err(cannot_listen)?;
    let resized = Signals::listen(&[Signal::SIGWINCH]).map_err(cannot_listen)?;
    let mut pictures = sources.watch(arguments.stack.as_deref()).await.map_err(failed)?;
    let mut canvas = Canvas::default();
    let mut said = String::new();
    loop {
        tokio::select! {
            next = pictures.next() => {
                next.map_err(failed)?;
            }
            () = resized.wait() => {}
            () = ends.wait() => {
                canvas.leave();
                return Ok(Exit::Done);
            }
        }
        let Some(status) = pictures.last() else { continue };
        let unknown = status.unknown.as_ref().map(|unknown| format!("wharf: {unknown}")).unwrap_or_default();
        if unknown != said && !unknown.is_empty() {
            canvas.clear();
            output::message(&unknown);
        }
        said = unknown;
        let shown = match arguments.json {
            true => output::write(&format!("{}\n", json(status)?)),
            false => canvas.draw(&text(status, arguments, true)),
        };
        if shown.is_err() {
            return Ok(Exit::Done);
        }
    }
}

fn text(status: &Status, arguments: &cli::Status, in_place: bool) -> String {
    let tree = tree(status, arguments.stack.is_none(), output::screen(in_place), SystemTime::now());
    if in_place && status.projects.is_empty() { format!("{NONE}\n{tree}") } else { tree }
}
