//! `wharf secret`

use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use wharf::systemd::credentials;

use crate::{Exit, Failure, cli, output};

/// Where systemd looks for encrypted credentials by name (systemd.exec(5), ImportCredential=).
const STORE: &str = "/etc/credstore.encrypted";

pub fn run(arguments: &cli::Secret) -> Result<Exit, Failure> {
    match &arguments.command {
        cli::SecretCommand::Encrypt { credential } => encrypt(credential),
    }
}

/// Standard input, or what is typed, through systemd-creds(1).
fn encrypt(credential: &str) -> Result<Exit, Failure> {
    let path = if credential.contains('/') { PathBuf::from(credential) } else { Path::new(STORE).join(credential) };
    // systemd compares the name in the encrypted data with the one under which it is asked for.
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() || name.contains(':') || credential.ends_with('/') {
        let message = format!("wharf: {credential:?} is not the name or path of a credential\n");
        return Err(Failure { exit: Exit::Failed, message });
    }
    if !credential.contains('/') {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(STORE);
        made.map_err(|error| failed(&format!("cannot make {STORE}"), &error))?;
    }
    let input = if io::stdin().is_terminal() {
        let typed = credentials::ask_password(&format!("Value of {name}:"));
        typed.map_err(|error| failed("cannot execute systemd-ask-password", &error))?
    } else {
        Stdio::inherit()
    };
    let encrypted = credentials::encrypt(&name, input, &path);
    if !encrypted.map_err(|error| failed("cannot execute systemd-creds", &error))? {
        return Ok(Exit::Failed);
    }
    output::message(&format!("wrote {}", path.display()));
    Ok(Exit::Done)
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure { exit: Exit::Failed, message: format!("wharf: {what}: {error}\n") }
}
