//! Credentials: systemd-creds(1) encrypts, systemd-ask-password(1) asks.

use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;

/// Where systemd looks for encrypted credentials by name (systemd.exec(5), ImportCredential=).
const STORE: &str = "/etc/credstore.encrypted";

/// Why a credential was not encrypted.
#[derive(Debug, Error)]
pub enum CredentialError {
    #[error("{0:?} is not the name or path of a credential")]
    Name(String),
    #[error("cannot create {STORE}: {0}")]
    Store(io::Error),
    #[error("cannot execute {program}: {error}")]
    Program { program: &'static str, error: io::Error },
}

/// Encrypts standard input, or what is typed, for this host; the path of the credential. `None`: systemd-creds failed, and said why.
///
/// `credential`: a name in [`STORE`], or a path.
///
/// # Errors
/// The name is not valid, or there is no systemd-creds.
pub fn encrypt(credential: &str) -> Result<Option<PathBuf>, CredentialError> {
    let is_path = credential.contains('/');
    let path = if is_path { PathBuf::from(credential) } else { Path::new(STORE).join(credential) };
    // systemd compares the name in the encrypted data with the one under which it is asked for.
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() || name.contains(':') || credential.ends_with('/') {
        return Err(CredentialError::Name(credential.to_owned()));
    }
    if !is_path {
        DirBuilder::new().recursive(true).mode(0o700).create(STORE).map_err(CredentialError::Store)?;
    }
    let input = if io::stdin().is_terminal() { typed(&name)? } else { Stdio::inherit() };
    let mut command = Command::new("systemd-creds");
    command.arg("encrypt").arg(format!("--name={name}")).arg("-").arg(&path).stdin(input);
    let status = command.status().map_err(|error| CredentialError::Program { program: "systemd-creds", error })?;
    Ok(status.success().then_some(path))
}

/// Asks without showing what is typed.
fn typed(name: &str) -> Result<Stdio, CredentialError> {
    let mut command = Command::new("systemd-ask-password");
    command.args(["-n", &format!("Value of {name}:")]).stdout(Stdio::piped());
    let asked = command.spawn().map_err(|error| CredentialError::Program { program: "systemd-ask-password", error })?;
    Ok(asked.stdout.map_or_else(Stdio::null, Stdio::from))
}
