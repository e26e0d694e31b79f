//! Secrets and configs: files whose contents the stack provides to its containers.

use std::path::PathBuf;

use crate::diagnostic::Place;

/// A secret or a config of the stack; they differ in what may be their source and in where they appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedFile {
    pub key: String,
    pub place: Place,
    pub source: FileSource,
}

/// Where the contents come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// `file`: an absolute path on the host, read when the container starts.
    File(PathBuf),
    /// `environment`: a variable's value when the units are generated; `None`: it is not set.
    Environment { variable: String, value: Option<String> },
    /// `content`, of a config.
    Content(String),
    /// `credential` without a slash, or `external`: the host's credential of that name (systemd.exec(5), ImportCredential=).
    Credential(String),
    /// `credential` with a slash: the absolute path of a credential that systemd-creds(1) has encrypted; its file name is the
    /// credential's name.
    EncryptedCredential(PathBuf),
}

impl FileSource {
    /// The host's file that is read when the container starts.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) | Self::EncryptedCredential(path) => Some(path),
            Self::Environment { .. } | Self::Content(_) | Self::Credential(_) => None,
        }
    }

    /// The same, to be seen from another root.
    pub fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File(path) | Self::EncryptedCredential(path) => Some(path),
            Self::Environment { .. } | Self::Content(_) | Self::Credential(_) => None,
        }
    }
}

/// What a secret or config is where it is used: `type` of an entry, with the words of podman-run(1), `--secret`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// `mount`
    File,
    /// `env`
    Variable,
}

/// A secret or config as a service sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The key of the secret or config.
    pub source: String,
    /// What it is in the container.
    pub kind: GrantKind,
    /// The absolute path of the file, the name of the variable, or the ID that a build knows it by.
    pub target: String,
    /// Owner and group in the container's numbers; default 0.
    pub uid: u32,
    pub gid: u32,
    /// Permission bits without those for writing; default 0444.
    pub mode: u32,
    pub place: Place,
}
