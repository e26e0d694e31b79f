//! `wharf secret`

use wharf::systemd::credentials;

use crate::exit::{Exit, Failure};
use crate::{cli, output};

pub fn run(arguments: &cli::Secret) -> Result<Exit, Failure> {
    match &arguments.command {
        cli::SecretCommand::Encrypt { credential } => encrypt(credential),
    }
}

fn encrypt(credential: &str) -> Result<Exit, Failure> {
    let Some(path) = credentials::encrypt(credential)? else { return Ok(Exit::Failed) };
    output::message(&format!("wrote {}", path.display()));
    Ok(Exit::Done)
}
