//! Encrypted credentials: systemd-creds(1), and systemd-ask-password(1) for their values.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Encrypts `value` for this host and writes it to `path`. systemd later compares `name` with the name by which a unit asks.
/// Returns false if systemd-creds failed; it has printed the reason to standard error.
pub fn encrypt(name: &str, value: Stdio, path: &Path) -> io::Result<bool> {
    let mut command = Command::new("systemd-creds");
    command.arg("encrypt").arg(format!("--name={name}")).arg("-").arg(path).stdin(value);
    Ok(command.status()?.success())
}

/// Asks at the terminal without showing what is typed. Returns the end of a pipe from which the answer can be read.
pub fn ask_password(prompt: &str) -> io::Result<Stdio> {
    let mut command = Command::new("systemd-ask-password");
    let asked = command.args(["-n", prompt]).stdout(Stdio::piped()).spawn()?;
    Ok(asked.stdout.map_or_else(Stdio::null, Stdio::from))
}
