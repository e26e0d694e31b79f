//! `wharf config`

use wharf::config::resolve;

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub fn run(arguments: &cli::Config) -> Result<Exit, Failure> {
    let resolved = resolve(&stacks::one(arguments)?)?;
    output::diagnostics(&resolved.warnings);
    if arguments.json {
        output::json(&resolved.to_json())?;
    } else {
        output::data(&resolved.to_toml());
    }
    Ok(Exit::Done)
}
