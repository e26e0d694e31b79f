//! `wharf doctor`

use std::path::Path;

use serde_json::json;
use wharf::doctor::{Verdict, examine, look};
use wharf::install::STACK_DIRECTORY;

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub async fn run(arguments: &cli::Doctor) -> Result<Exit, Failure> {
    let facts = look(stacks::environment("DOCKER_HOST"), Path::new(STACK_DIRECTORY)).await;
    let facts = facts.map_err(|error| Failure::failed(&error))?;
    let checks = examine(&facts);
    let fit = checks.iter().all(|check| check.result != Verdict::Problem);
    if arguments.json {
        output::json(&json!({"fit": fit, "checks": checks}))?;
    } else {
        checks.iter().for_each(|check| output::data(&format!("{check}\n")));
    }
    Ok(if fit { Exit::Done } else { Exit::Failed })
}
