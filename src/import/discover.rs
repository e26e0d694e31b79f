//! Which files Compose would read.
//!
//! Source: Compose Specification, The Compose file, and what Compose does without `-f`.

use std::path::{Path, PathBuf};

use crate::stack::Lookup;

/// In the order in which Compose looks for them.
const FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// The files that `COMPOSE_FILE` names, with `COMPOSE_PATH_SEPARATOR`, by default a colon, between them. Source: Compose's manual,
/// "Set or change pre-defined environment variables".
pub fn named(variable: Lookup<'_>) -> Option<Vec<PathBuf>> {
    let names = variable("COMPOSE_FILE").filter(|names| !names.is_empty())?;
    let separator =
        variable("COMPOSE_PATH_SEPARATOR").filter(|text| !text.is_empty()).unwrap_or_else(|| ":".to_owned());
    Some(names.split(&separator).filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

/// The compose file of a directory or of the nearest one above it that has one, and its override file, if they exist.
///
/// `directory` is absolute; the paths come out relative to it if they are in it.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    for above in directory.ancestors() {
        let Some(file) = FILES.iter().find(|name| above.join(name).is_file()) else { continue };
        let shown = if above == directory { PathBuf::new() } else { above.to_owned() };
        let also = override_beside(above).map(|name| shown.join(name));
        return std::iter::once(shown.join(file)).chain(also).collect();
    }
    Vec::new()
}

/// The name of the override file of a directory.
pub fn override_beside(directory: &Path) -> Option<&'static str> {
    OVERRIDES.into_iter().find(|name| directory.join(name).is_file())
}
