//! `wharf check`

use std::path::Path;

use wharf::install::{Destination, STACK_DIRECTORY, missing_credentials, prepare};
use wharf::report::check::Checked;
use wharf::systemd::manager::is_booted;

use crate::exit::{Exit, Failure};
use crate::{cli, output, stacks};

pub async fn run(arguments: &cli::Check) -> Result<Exit, Failure> {
    let named = &arguments.stacks;
    let stacks = match (&arguments.replaced, named.stacks.as_slice()) {
        (Some(path), [file]) => vec![stacks::replacement(file, path, &named.profiles)],
        (Some(_), _) => {
            output::notice("--as needs exactly one stack file");
            return Ok(Exit::Usage);
        }
        (None, _) => stacks::named(named, Path::new(STACK_DIRECTORY))?,
    };
    if stacks.is_empty() {
        output::notice(&stacks::none_in(Path::new(STACK_DIRECTORY))?);
    }
    let (diagnostics, exit) = match prepare(&stacks, &Destination::system()) {
        Ok(prepared) => {
            let mut warnings = prepared.writable_by_others();
            warnings.append(prepared.warnings);
            if is_booted() {
                warnings.append(missing_credentials(&prepared.plans).await.map_err(|error| Failure::failed(&error))?);
            }
            (warnings, Exit::Done)
        }
        Err(errors) => (errors, Exit::Invalid),
    };
    if arguments.json {
        output::json(&Checked::new(exit == Exit::Done, &diagnostics))?;
    } else {
        output::diagnostics(&diagnostics);
    }
    Ok(exit)
}
