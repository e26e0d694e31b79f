//! `wharf import`

use std::io::{ErrorKind, Write};
use std::path::Path;

use wharf::import::{Request, import};

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub fn run(arguments: cli::Import) -> Result<Exit, Failure> {
    let request = Request {
        files: arguments.files.into_iter().chain(arguments.file).collect(),
        project_name: arguments.project_name,
        output: arguments.output.clone(),
        environment: &stacks::environment,
    };
    let imported = import(&request)?;
    output::diagnostics(&imported.remarks);
    match &arguments.output {
        Some(path) => write(path, &imported.toml, arguments.force)?,
        None => output::data(&imported.toml),
    }
    Ok(if imported.complete { Exit::Done } else { Exit::Incomplete })
}

/// Writes the file. An existing file stays unless `force` is given: somebody may have edited it.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let help = if error.kind() == ErrorKind::AlreadyExists { " (--force overwrites it)" } else { "" };
        Failure::Failed(format!("cannot write {}: {error}{help}", path.display()))
    })
}
