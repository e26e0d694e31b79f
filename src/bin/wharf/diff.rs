//! `wharf diff`

use serde_json::json;
use wharf::report::difference::{differences, text};

use crate::exit::{Exit, Failure};
use crate::status::connect;
use crate::{cli, output};

pub async fn run(arguments: &cli::Diff) -> Result<Exit, Failure> {
    let sources = connect().await?;
    let found = differences(&sources, &arguments.words, arguments.registry).await?;
    if arguments.json {
        output::json(&json!({"containers": found.containers}))?;
    } else {
        output::drawn(&text(&found.containers));
    }
    found.problems.iter().for_each(|problem| output::notice(problem));
    Ok(if found.has_drift() {
        Exit::Different
    } else if found.incomplete {
        Exit::Failed
    } else {
        Exit::Done
    })
}
