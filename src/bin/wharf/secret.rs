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
        cli::SecretCommand::Encrypt { name, output } => encrypt(name, output.as_deref()),
    }
}

/// Standard input, or what is typed, through systemd-creds(1).
fn encrypt(name: &str, output: Option<&Path>) -> Result<Exit, Failure> {
    if name.is_empty() || name.contains(['/', ':']) {
        let message = format!("wharf: {name:?} is not the name of a credential: leave out slashes and colons\n");
        return Err(Failure { exit: Exit::Failed, message });
    }
    let path = output.map_or_else(|| Path::new(STORE).join(name), PathBuf::from);
    let embedded = path.file_name().map_or_else(|| name.into(), |name| name.to_string_lossy().into_owned());
    if let (None, Some(directory)) = (output, path.parent()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| failed(&format!("cannot make {}", directory.display()), &error))?;
    }
    let input = if io::stdin().is_terminal() { typed(name)? } else { Stdio::inherit() };
    let mut command = Command::new("systemd-creds");
    command.arg("encrypt").arg(format!("--name={embedded}")).arg("-").arg(&path).stdin(input);
    if run_quietly(&mut command, "systemd-creds")? {
        output::message(&format!("wrote {}", path.display()));
        return Ok(Exit::Done);
    }
    Ok(Exit::Failed)
}

/// Asks without showing what is typed.
fn typed(name: &str) -> Result<Stdio, Failure> {
    let mut command = Command::new("systemd-ask-password");
    command.args(["-n", &format!("Value of {name}:")]).stdout(Stdio::piped());
    let asked = command.spawn().map_err(|error| failed("cannot execute systemd-ask-password", &error))?;
    Ok(asked.stdout.map_or_else(Stdio::null, Stdio::from))
}

fn run_quietly(command: &mut Command, program: &str) -> Result<bool, Failure> {
    let status = command.status().map_err(|error| failed(&format!("cannot execute {program}"), &error))?;
    Ok(status.success())
}

fn failed(what: &str, error: &io::Error) -> Failure {
    Failure { exit: Exit::Failed, message: format!("wharf: {what}: {error}\n") }
}
