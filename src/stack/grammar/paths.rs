//! Paths in a container.

use crate::path::clean_text;
use crate::stack::problem::{Invalid, MountFault};

/// An absolute path in the container, or of a device.
pub fn absolute(key: &'static str, text: &str) -> Result<String, Invalid> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err(Invalid::AbsolutePath { key, value: text.to_owned() }) }
}

/// Rid of `.`, `..` and slashes without meaning, as Compose does.
pub fn container_path(target: &str) -> Result<String, MountFault> {
    if !target.starts_with('/') {
        return Err(MountFault::RelativeTarget(target.to_owned()));
    }
    let path = clean_text(target);
    if path == "/" { Err(MountFault::RootTarget) } else { Ok(path) }
}
