//! Remembers, until the unit starts again, that its container should be gone and could not be removed.
//!
//! The next start adopts a container that runs. Not this one: somebody has stopped or restarted the unit.

use std::fs;
use std::path::PathBuf;

use crate::systemd::own_unit;

/// Away with the next boot, as is the container.
const DIRECTORY: &str = "/run/wharf/leftover";

fn path() -> Option<PathBuf> {
    Some(PathBuf::from(DIRECTORY).join(own_unit::name()?))
}

/// For the next start.
pub fn note() {
    // Where that cannot be noted, the container is adopted, and the message before this says that it could not be removed.
    let _adopted = path().map(|path| fs::create_dir_all(DIRECTORY).and_then(|()| fs::write(path, "")));
}

/// Whether it was noted; once.
pub fn take() -> bool {
    path().is_some_and(|path| fs::remove_file(path).is_ok())
}
