//! `wharf diff`

use serde_json::json;
use wharf::report::difference::{differences, text};

use crate::status::{connect, failed};
use crate::{Exit, Failure, cli, output};

pub async fn run(arguments: &cli::Diff) -> Result<Exit, Failure> {
    let sources = connect().await?;
    let found = differences(&sources, arguments.stack.as_deref(), arguments.registry).await.map_err(failed)?;
    if arguments.json {
        output::json(&json!({"containers": found.containers}));
    } else {
        output::data(&text(&found.containers));
    }
    for problem in &found.problems {
        output::message(&format!("wharf: {problem}"));
    }
    Ok(match found.has_drift() {
        true => Exit::Different,
        false if found.incomplete => Exit::Failed,
        false => Exit::Done,
    })
}
