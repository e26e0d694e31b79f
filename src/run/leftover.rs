//! Remembers, until the unit starts again, that its container should be gone and could not be removed.
//!
//! The next start adopts a container that runs. Not this one: somebody has stopped or restarted the unit.

use std::fs;
use std::path::{Path, PathBuf};

use crate::name::UnitName;

/// Away with the next boot, as is the container.
const DIRECTORY: &str = "/run/wharf/leftover";

fn path(unit: &UnitName) -> PathBuf {
    Path::new(DIRECTORY).join(unit.as_str())
}

/// For the next start.
pub fn note(unit: &UnitName) {
    // Where that cannot be noted, the container is adopted, and the message after this says that it could not be removed.
    let _adopted = fs::create_dir_all(DIRECTORY).and_then(|()| fs::write(path(unit), ""));
}

/// Whether it was noted; once.
pub fn take(unit: &UnitName) -> bool {
    fs::remove_file(path(unit)).is_ok()
}
