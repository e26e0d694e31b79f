//! Which units read a credential: they have its value from their last start.

use crate::mark::InstalledUnit;
use crate::spec::{self, ContainerSpec, Contents};
use crate::systemd::credentials::Encrypted;
use crate::systemd::{Manager, ManagerError};

/// The running units among these whose containers have the credential as a secret or config, sorted by name.
///
/// # Errors
/// systemd does not answer.
pub async fn running_readers(
    manager: &Manager,
    units: &[InstalledUnit],
    credential: &Encrypted,
) -> Result<Vec<String>, ManagerError> {
    let has_it = |unit: &&InstalledUnit| {
        let file = unit.directory.join(ContainerSpec::file_of(&unit.name));
        unit.mark.service.is_some() && spec::read(&file).is_ok_and(|spec| reads(&spec, credential))
    };
    let patterns: Vec<String> = units.iter().filter(has_it).map(|unit| unit.name.pattern()).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let mut units: Vec<String> = manager.active_units(&patterns).await?.iter().map(ToString::to_string).collect();
    units.sort_unstable();
    Ok(units)
}

fn reads(spec: &ContainerSpec, credential: &Encrypted) -> bool {
    let files = spec.wharf.files.iter().map(|file| (&file.contents, &file.path));
    let all = files.chain(spec.wharf.variables.iter().map(|variable| (&variable.contents, &variable.path)));
    let is_it = |(contents, path): (&Contents, &Option<String>)| match path {
        Some(path) => *path == *credential.path.to_string_lossy(),
        None => credential.is_in_store() && contents.value.is_none() && contents.credential == credential.name,
    };
    all.into_iter().any(is_it)
}
