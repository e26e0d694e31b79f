//! `wharf secret`

use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
    let input = if io::stdin().is_terminal() { typed(&name)? } else { Stdio::inherit() };
    let mut command = Command::new("systemd-creds");
    command.arg("encrypt").arg(format!("--name={name}")).arg("-").arg(&path).stdin(input);
    let status = command.status().map_err(|error| failed("cannot execute systemd-creds", &error))?;
    if !status.success() {
        return Ok(Exit::Failed);
    }
    output::message(&format!("wrote {}", path.display()));
    Ok(Exit::Done)
}

/// Asks without showing what is typed.
fn typed(name: &str) -> Result<Stdio, Failure> {
    let mut command = Command::new("systemd-ask-password");
    command.args(["-n", &format!("Value of {name}:")]).stdout(Stdio::piped());
    let asked = command.spawn().map_err(|error| failed("cannot execute systemd-ask-password", &error))?;
    Ok(asked.stdout.map_or_else(Stdio::null, Stdio::from))
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure { exit: Exit::Failed, message: format!("wharf: {what}: {error}\n") }
}
