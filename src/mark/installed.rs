//! The units of Wharf in some directories.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Mark, is_edited};
use crate::name::UnitName;
use crate::regular_file::read_text;
use crate::spec::LARGEST_FILE;

/// A unit file that Wharf wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledUnit {
    pub name: UnitName,
    pub directory: PathBuf,
    pub mark: Mark,
    /// Somebody else changed the file since.
    pub is_edited: bool,
}

/// A directory exists but cannot be read.
#[derive(Debug, Error)]
#[error("cannot read {}: {error}", directory.display())]
pub struct UnreadableDirectory {
    pub directory: PathBuf,
    pub error: io::Error,
}

/// The units of Wharf in these directories, sorted by name within each. Of two of one name the first directory's counts.
///
/// # Errors
/// A directory exists but cannot be read. A file that cannot be read, is no regular file or is too large is skipped: it is
/// not Wharf's, whose units are world-readable.
pub fn installed_units(directories: &[PathBuf]) -> Result<Vec<InstalledUnit>, UnreadableDirectory> {
    let mut units = Vec::new();
    let mut known = BTreeSet::new();
    for directory in directories {
        let failed = |error| UnreadableDirectory { directory: directory.clone(), error };
        for name in unit_names(directory).map_err(failed)? {
            if let Some((mark, is_edited)) = read_mark(&directory.join(name.as_str()))
                && known.insert(name.clone())
            {
                units.push(InstalledUnit { name, directory: directory.clone(), mark, is_edited });
            }
        }
    }
    Ok(units)
}

fn unit_names(directory: &Path) -> io::Result<Vec<UnitName>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().to_str().and_then(|name| UnitName::parse(name).ok()));
    }
    names.sort_unstable();
    Ok(names)
}

/// The mark, and whether somebody else changed the file.
fn read_mark(path: &Path) -> Option<(Mark, bool)> {
    let text = read_text(path, LARGEST_FILE).ok()?;
    Some((Mark::of_unit(&text)?, is_edited(&text)))
}
