//! `wharf check`

use std::path::Path;

use serde_json::{Value, json};
use wharf::diagnostic::{Diagnostic, Diagnostics, Severity};
use wharf::install::{Destination, STACK_DIRECTORY, prepare};

use crate::{Exit, Failure, cli, output, stacks};

pub fn run(arguments: &cli::Check) -> Result<Exit, Failure> {
    let stacks = stacks::named(&arguments.stacks, Path::new(STACK_DIRECTORY))?;
    let checked = prepare(&stacks, &Destination::system());
    let (diagnostics, exit) = match &checked {
        Ok(prepared) => (&prepared.warnings, Exit::Done),
        Err(errors) => (errors, Exit::Invalid),
    };
    if arguments.json {
        output::json(&json!({"valid": exit == Exit::Done, "diagnostics": all(diagnostics)}));
    } else {
        eprint!("{}", output::diagnostics(diagnostics));
    }
    Ok(exit)
}

fn all(diagnostics: &Diagnostics) -> Vec<Value> {
    diagnostics.iter().map(one).collect()
}

fn one(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let position = diagnostic.place.as_ref().map(|place| (place.file.path.display().to_string(), place.line_column()));
    let (file, line, column) = match position {
        Some((file, (line, column))) => (Some(file), Some(line), Some(column)),
        None => (None, None, None),
    };
    json!({
        "severity": severity,
        "message": diagnostic.message,
        "file": file,
        "line": line,
        "column": column,
        "help": diagnostic.help,
    })
}
