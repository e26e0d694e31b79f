//! Paths on the host.

use std::path::{Path, PathBuf};

use crate::path::clean;
use crate::stack::problem::MountFault;
use crate::stack::text::surroundings::Scope;

/// A host path as the user wrote it, made absolute and rid of `.` and `..` without looking at the disk, as Compose does.
pub fn host_path(source: &str, scope: &Scope<'_>) -> Result<PathBuf, MountFault> {
    let path = match source.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = scope.lookup("HOME").filter(|home| home.starts_with('/')).ok_or(MountFault::NoHome)?;
            Path::new(&home).join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err(MountFault::OtherHome),
        None => scope.directory.join(source),
    };
    Ok(clean(&path))
}
