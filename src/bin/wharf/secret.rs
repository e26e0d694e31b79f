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
    let Some(encrypted) = credentials::encrypt(credential)? else { return Ok(Exit::Failed) };
    output::message(&format!("wrote {}", encrypted.path.display()));
    if encrypted.is_line {
        output::notice(&format!(
            "the value of {} ends in a line break, which the container will read too; to store it without one: \
             `printf %s VALUE | wharf secret encrypt {credential}`",
            encrypted.name
        ));
    }
    Ok(Exit::Done)
}
