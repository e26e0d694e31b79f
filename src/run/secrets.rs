//! Secrets and configs: from the unit's credentials to files that the engine mounts into the container, and to its variables.
//!
//! A credential is readable by root only, and systemd replaces its directory whenever the unit starts. So each is copied into
//! the unit's runtime directory, which only root can enter, with the owner and permissions that the container will see.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::error::FileError;
use crate::spec::models::ContainerCreateBody;
use crate::spec::{ContainerSpec, Contents, FileSpec, ValuesSpec, VariableSpec, from_json};

/// Writes the files and adds their mounts to the body (`HostConfig.Binds`), and the variables (`Env`).
///
/// # Errors
/// A credential is missing or cannot be a variable, or the runtime directory cannot be written.
pub fn provide(spec: &ContainerSpec, body: &mut ContainerCreateBody) -> Result<(), FileError> {
    let binds = files(spec)?;
    if !binds.is_empty() {
        body.host_config.get_or_insert_default().binds.get_or_insert_default().extend(binds);
    }
    if !spec.wharf.variables.is_empty() {
        let credentials = directory("CREDENTIALS_DIRECTORY")?;
        let variables = spec.wharf.variables.iter().map(|variable| assignment(&credentials, variable));
        let variables: Vec<String> = variables.collect::<Result<_, _>>()?;
        body.env.get_or_insert_default().extend(variables);
    }
    Ok(())
}

/// `PASSWORD=value`
fn assignment(credentials: &Path, variable: &VariableSpec) -> Result<String, FileError> {
    let value = String::from_utf8(read(credentials, &variable.contents)?).ok().filter(|value| !value.contains('\0'));
    let value = value.ok_or_else(|| FileError::NoText { key: variable.contents.source.clone() })?;
    Ok(format!("{}={value}", variable.name))
}

fn files(spec: &ContainerSpec) -> Result<Vec<String>, FileError> {
    if spec.wharf.files.is_empty() {
        return Ok(Vec::new());
    }
    let provider =
        Provider { credentials: directory("CREDENTIALS_DIRECTORY")?, copies: directory("RUNTIME_DIRECTORY")? };
    provider.clear()?;
    spec.wharf.files.iter().enumerate().map(|(index, file)| provider.bind(index, file)).collect()
}

/// A message for each file of the host that systemd could not load because it does not exist. systemd itself names none.
pub fn missing(spec: &ContainerSpec) -> Vec<String> {
    let files = spec.wharf.files.iter().map(|file| (&file.contents.source, &file.path));
    let variables = spec.wharf.variables.iter().map(|variable| (&variable.contents.source, &variable.path));
    let paths = files.chain(variables).filter_map(|(source, path)| Some((source, path.as_ref()?)));
    let absent = paths.filter(|(_, path)| !Path::new(path).exists());
    absent.map(|(source, path)| format!("{source}: {path} does not exist")).collect()
}

/// The directory that systemd set in the variable. If there are several (a drop-in may add one), the unit's own, below `wharf`.
fn directory(variable: &'static str) -> Result<PathBuf, FileError> {
    let value = std::env::var(variable).unwrap_or_default();
    let mut paths = value.split(':').filter(|path| path.starts_with('/')).map(Path::new);
    let own = |path: &&Path| path.parent().is_some_and(|parent| parent.ends_with("wharf"));
    let found = paths.clone().find(own).or_else(|| paths.next());
    found.map(Path::to_owned).ok_or(FileError::NoDirectory { variable })
}

struct Provider {
    credentials: PathBuf,
    copies: PathBuf,
}

impl Provider {
    /// Removes the files of an earlier container; its mounts keep their contents.
    fn clear(&self) -> Result<(), FileError> {
        let clear =
            || -> io::Result<()> { fs::read_dir(&self.copies)?.try_for_each(|entry| fs::remove_file(entry?.path())) };
        let failed = |error| FileError::Io { key: "secrets".to_owned(), path: self.copies.clone(), error };
        clear().map_err(failed)
    }

    /// `/run/wharf/shop-web/0-db_password:/run/secrets/db_password:ro,Z`
    fn bind(&self, index: usize, file: &FileSpec) -> Result<String, FileError> {
        let contents = read(&self.credentials, &file.contents)?;
        let name = file.target.rsplit('/').next().unwrap_or_default();
        let path = self.copies.join(format!("{index}-{name}"));
        write(&path, &contents, file).map_err(|error| io_error(file, &path, error))?;
        // Z: where SELinux rules, the copy gets the container's label.
        Ok(format!("{}:{}:ro,Z", path.display(), file.target))
    }
}

/// The value of a build's secret.
///
/// # Errors
/// The unit has no such credential, or it cannot be read.
#[cfg(feature = "buildkit")]
pub fn build_secret(secret: &Contents) -> Result<Vec<u8>, FileError> {
    read(&directory("CREDENTIALS_DIRECTORY")?, secret)
}

fn read(credentials: &Path, wanted: &Contents) -> Result<Vec<u8>, FileError> {
    let key = || wanted.source.clone();
    let path = credentials.join(&wanted.credential);
    let contents = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(FileError::NoCredential { key: key(), credential: wanted.credential.clone() });
        }
        other => other.map_err(|error| FileError::Io { key: key(), path, error })?,
    };
    let Some(name) = &wanted.value else { return Ok(contents) };
    let values: Option<ValuesSpec> = String::from_utf8(contents).ok().and_then(|text| from_json(&text).ok());
    let value = values.and_then(|mut values| values.values.remove(name));
    value.map(String::into_bytes).ok_or_else(|| FileError::NoValue { key: key() })
}

fn write(path: &Path, contents: &[u8], spec: &FileSpec) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    file.set_permissions(Permissions::from_mode(spec.mode))?;
    if (spec.uid, spec.gid) != (0, 0) {
        fchown(&file, Some(spec.uid), Some(spec.gid))?;
    }
    Ok(())
}

fn io_error(file: &FileSpec, path: &Path, error: io::Error) -> FileError {
    FileError::Io { key: file.contents.source.clone(), path: path.to_owned(), error }
}
