//! `wharf import`

use std::io::Write;
use std::path::Path;

use wharf::import::{Request, import};

use crate::{Exit, Failure, cli, output};

pub fn run(arguments: cli::Import) -> Result<Exit, Failure> {
    let request = Request {
        files: arguments.files.into_iter().chain(arguments.file).collect(),
        project_name: arguments.project_name,
        output: arguments.output.clone(),
        environment: &output::environment,
    };
    let imported =
        import(&request).map_err(|errors| Failure { exit: Exit::Invalid, message: output::diagnostics(&errors) })?;
    eprint!("{}", output::diagnostics(&imported.remarks));
    match &arguments.output {
        Some(path) => write(path, &imported.toml, arguments.force)?,
        None => output::data(&imported.toml),
    }
    Ok(if imported.complete { Exit::Done } else { Exit::Incomplete })
}

/// Writes the file; one that is there already is somebody's work, and stays unless `force` is given.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let way_out = if error.kind() == std::io::ErrorKind::AlreadyExists { " (--force overwrites it)" } else { "" };
        Failure { exit: Exit::Failed, message: format!("wharf: cannot write {}: {error}{way_out}\n", path.display()) }
    })
}
