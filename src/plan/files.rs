//! Secrets and configs: which systemd credentials a unit loads for them, and where its container, or a build's step, sees each.

use std::collections::BTreeMap;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::name::UnitName;
use crate::spec::{BuildSecret, Contents, FileSpec, ValuesPart, ValuesSpec, VariableSpec};
use crate::stack::{Build, FileSource, Grant, GrantKind, ProvidedFile, Service, Stack};

/// The credential that holds all values of [`ValuesSpec`].
pub const VALUES: &str = "values.json";

/// A credential of a unit, by its ID (systemd.exec(5), Credentials).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// LoadCredential=ID:PATH
    File(String),
    /// LoadCredential=ID:PATH, of the file with values that lies beside the unit.
    Values,
    /// LoadCredentialEncrypted=ID:PATH
    Encrypted(String),
    /// ImportCredential=ID
    OfHost,
}

/// A secret or config that a service uses.
struct Used<'a> {
    /// `secret.db_password`
    name: String,
    /// `secret db_password`
    shown: String,
    grant: &'a Grant,
    file: &'a ProvidedFile,
}

/// What a unit needs secrets and configs for.
#[derive(Clone, Copy)]
pub struct Grants<'a> {
    secrets: &'a [Grant],
    configs: &'a [Grant],
}

impl<'a> From<&'a Service> for Grants<'a> {
    fn from(service: &'a Service) -> Self {
        Self { secrets: &service.secrets, configs: &service.configs }
    }
}

impl<'a> From<&'a Build> for Grants<'a> {
    fn from(build: &'a Build) -> Self {
        Self { secrets: &build.secrets, configs: &[] }
    }
}

fn used<'a>(stack: &'a Stack, grants: Grants<'a>) -> impl Iterator<Item = Used<'a>> {
    let secrets = grants.secrets.iter().map(|grant| ("secret", grant, stack.secrets.get(&grant.source)));
    let configs = grants.configs.iter().map(|grant| ("config", grant, stack.configs.get(&grant.source)));
    secrets.chain(configs).filter_map(|(kind, grant, file)| {
        let key = &grant.source;
        Some(Used { name: format!("{kind}.{key}"), shown: format!("{kind} {key}"), grant, file: file? })
    })
}

/// The host's files that a unit loads, and where they are declared.
pub fn loaded<'a>(stack: &'a Stack, grants: Grants<'a>) -> impl Iterator<Item = (&'a Path, &'a Place)> {
    used(stack, grants).filter_map(|used| Some((used.file.source.path()?.as_path(), &used.file.place)))
}

impl Used<'_> {
    fn credential(&self) -> (String, Credential) {
        match &self.file.source {
            FileSource::File(path) => (self.name.clone(), Credential::File(path.to_string_lossy().into_owned())),
            FileSource::Environment { .. } | FileSource::Content(_) => (VALUES.to_owned(), Credential::Values),
            FileSource::Credential(name) => (name.clone(), Credential::OfHost),
            // systemd-creds(1) has put the file's name into the encrypted data, and systemd compares.
            FileSource::EncryptedCredential(path) => (
                path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                Credential::Encrypted(path.to_string_lossy().into_owned()),
            ),
        }
    }

    fn value(&self) -> Option<String> {
        match &self.file.source {
            FileSource::Environment { value, .. } => value.clone(),
            FileSource::Content(text) => Some(text.clone()),
            FileSource::File(_) | FileSource::Credential(_) | FileSource::EncryptedCredential(_) => None,
        }
    }

    fn contents(self) -> Contents {
        let (credential, value) = (self.credential().0, self.value());
        Contents { credential, value: value.map(|_| self.name), source: self.shown }
    }
}

/// What the unit loads, by ID.
pub fn credentials(stack: &Stack, grants: Grants) -> BTreeMap<String, Credential> {
    used(stack, grants).map(|used| used.credential()).collect()
}

/// What wharf-run makes of the credentials: files, and variables.
pub fn provided(stack: &Stack, grants: Grants) -> (Vec<FileSpec>, Vec<VariableSpec>) {
    let (mut files, mut variables) = (Vec::new(), Vec::new());
    for used in used(stack, grants) {
        let Grant { kind, target, uid, gid, mode, .. } = used.grant.clone();
        let path = match used.credential().1 {
            Credential::File(path) | Credential::Encrypted(path) => Some(path),
            Credential::Values | Credential::OfHost => None,
        };
        let contents = used.contents();
        match kind {
            GrantKind::File => files.push(FileSpec { contents, path, target, uid, gid, mode }),
            GrantKind::Variable => variables.push(VariableSpec { contents, path, name: target }),
        }
    }
    (files, variables)
}

/// What the program that builds an image makes of the credentials.
pub fn build_secrets(stack: &Stack, build: &Build) -> Vec<BuildSecret> {
    let secret = |used: Used| BuildSecret { id: used.grant.target.clone(), contents: used.contents() };
    used(stack, build.into()).map(secret).collect()
}

/// The values that stand in no file of the administrator's; `None` if there are none.
pub fn values(stack: &Stack, grants: Grants) -> Option<ValuesSpec> {
    let values: BTreeMap<String, String> =
        used(stack, grants).filter_map(|used| Some((used.name.clone(), used.value()?))).collect();
    (!values.is_empty()).then(|| ValuesSpec { values, wharf: ValuesPart { project: stack.name.to_string() } })
}

/// Two credentials of one unit that would have the same ID: only one of them would be there.
pub fn problems(stack: &Stack, grants: Grants, unit: &dyn Fn() -> UnitName) -> Diagnostics {
    let mut taken: BTreeMap<String, Credential> = BTreeMap::new();
    let mut problems = Diagnostics::default();
    for used in used(stack, grants) {
        let (id, credential) = used.credential();
        if taken.insert(id.clone(), credential.clone()).is_some_and(|other| other != credential) {
            let message = format!("{} would get two credentials named `{id}`", unit());
            let help = "give one of them another name; if it is encrypted, encrypt it again under that name";
            problems.push(Diagnostic::error(message).at(&used.grant.place).help(help));
        }
    }
    problems
}
