//! Credentials: systemd-creds(1) encrypts, systemd-ask-password(1) asks.

use std::fs::DirBuilder;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;

use crate::path::absolute;

/// Where systemd looks for encrypted credentials by name (systemd.exec(5), ImportCredential=).
const STORE: &str = "/etc/credstore.encrypted";

/// Where systemd looks for a credential by its name (systemd.exec(5), ImportCredential=): what was passed to the system, and the stores.
const STORES: [&str; 10] = [
    "/run/credentials/@system",
    "/run/credentials/@encrypted",
    "/etc/credstore",
    STORE,
    "/run/credstore",
    "/run/credstore.encrypted",
    "/usr/local/lib/credstore",
    "/usr/local/lib/credstore.encrypted",
    "/usr/lib/credstore",
    "/usr/lib/credstore.encrypted",
];

/// Whether this host has a credential of this name. What this user may not look at counts as there: only root sees all of them.
pub fn exists(name: &str) -> bool {
    STORES.iter().any(|store| Path::new(store).join(name).try_exists().unwrap_or(true))
}

/// Why a credential was not encrypted.
#[derive(Debug, Error)]
pub enum CredentialError {
    #[error("{0:?} is not the name or path of a credential")]
    Name(String),
    #[error("{} exists already; `wharf secret encrypt --force {credential}` replaces it", path.display())]
    Exists { credential: String, path: PathBuf },
    #[error("cannot create {STORE}: {0}")]
    Store(io::Error),
    #[error("cannot execute {program}: {error}")]
    Program { program: &'static str, error: io::Error },
    #[error("cannot read the value of {name}: {error}")]
    Value { name: String, error: io::Error },
    /// The input was empty, or nobody answered.
    #[error("no value for {0} was given, so nothing was written")]
    NoValue(String),
    #[error("the value of {0} is larger than 1 MiB, as much as systemd passes on: nothing was written")]
    TooLarge(String),
}

/// Bytes of all credentials of a unit (systemd.exec(5), LoadCredential=).
const LARGEST: u64 = 1 << 20;

/// A credential that was encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    pub name: String,
    /// An absolute path.
    pub path: PathBuf,
    /// The value is one line with a line break after it, as echo(1) writes it: seldom a part of a password.
    pub is_line: bool,
}

impl Encrypted {
    /// Whether systemd finds it by its name alone.
    pub fn is_in_store(&self) -> bool {
        self.path.parent() == Some(Path::new(STORE))
    }
}

/// Encrypts standard input, or what is typed, for this host. `None`: systemd-creds failed, and said why.
///
/// `credential`: a name in [`STORE`], or a path. With `force` it replaces one that is there.
///
/// # Errors
/// The name is not valid, it exists, there is no value, or there is no systemd-creds; what the credential was stays.
pub fn encrypt(credential: &str, force: bool) -> Result<Option<Encrypted>, CredentialError> {
    let is_path = credential.contains('/');
    let path = if is_path { absolute(Path::new(credential)) } else { Path::new(STORE).join(credential) };
    // systemd compares the name in the encrypted data with the one under which it is asked for.
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.is_empty() || name.contains(':') || credential.ends_with('/') {
        return Err(CredentialError::Name(credential.to_owned()));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(CredentialError::Exists { credential: credential.to_owned(), path });
    }
    if !is_path {
        DirBuilder::new().recursive(true).mode(0o700).create(STORE).map_err(CredentialError::Store)?;
    }
    // The whole of it first: what is there stays until there is something to take its place.
    let value = if io::stdin().is_terminal() { typed(&name)? } else { bounded(io::stdin().lock(), &name)? };
    if value.is_empty() {
        return Err(CredentialError::NoValue(name));
    }
    let failed = |error| CredentialError::Program { program: "systemd-creds", error };
    let mut command = Command::new("systemd-creds");
    command.arg("encrypt").arg(format!("--name={name}")).arg("-").arg(&path).stdin(Stdio::piped());
    let mut encrypting = command.spawn().map_err(failed)?;
    let written = encrypting.stdin.take().map_or(Ok(()), |mut input| input.write_all(&value));
    let status = encrypting.wait().map_err(failed)?;
    // A program that ended early says why itself.
    if status.success() {
        written.map_err(failed)?;
    }
    let is_line = value.iter().position(|byte| *byte == b'\n') == Some(value.len() - 1);
    Ok(status.success().then_some(Encrypted { name, path, is_line }))
}

/// Asks without showing what is typed. Nothing where nobody answers, which systemd-ask-password tells.
fn typed(name: &str) -> Result<Vec<u8>, CredentialError> {
    let failed = |error| CredentialError::Program { program: "systemd-ask-password", error };
    let mut command = Command::new("systemd-ask-password");
    command.args(["-n", &format!("Value of {name}:")]).stdout(Stdio::piped());
    let mut asked = command.spawn().map_err(failed)?;
    let value = asked.stdout.take().map_or(Ok(Vec::new()), |output| bounded(output, name))?;
    let answered = asked.wait().map_err(failed)?.success();
    Ok(if answered { value } else { Vec::new() })
}

fn bounded(input: impl Read, name: &str) -> Result<Vec<u8>, CredentialError> {
    let mut value = Vec::new();
    let read = input.take(LARGEST + 1).read_to_end(&mut value);
    read.map_err(|error| CredentialError::Value { name: name.to_owned(), error })?;
    if value.len() as u64 > LARGEST { Err(CredentialError::TooLarge(name.to_owned())) } else { Ok(value) }
}
