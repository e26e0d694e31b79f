//! The units of Wharf in some directories.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Mark;

/// A unit file that Wharf wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledUnit {
    pub name: String,
    pub directory: PathBuf,
    pub mark: Mark,
}

/// The endings of unit files that Wharf writes (systemd.unit(5)).
const UNIT_SUFFIXES: [&str; 6] = [".service", ".target", ".slice", ".timer", ".socket", ".mount"];

/// Whether a file of this name is a unit that Wharf may have written.
pub fn is_unit_name(name: &str) -> bool {
    !name.starts_with('.') && UNIT_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// A directory exists but cannot be read.
#[derive(Debug)]
pub struct UnreadableDirectory {
    pub directory: PathBuf,
    pub error: io::Error,
}

impl fmt::Display for UnreadableDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.directory.display(), self.error)
    }
}

impl std::error::Error for UnreadableDirectory {}

/// The units of Wharf in these directories, sorted by name within each. Of two of one name the first directory's counts.
///
/// # Errors
/// A directory exists but cannot be read. An unreadable file is skipped: it is not Wharf's, whose units are world-readable.
pub fn installed_units(directories: &[PathBuf]) -> Result<Vec<InstalledUnit>, UnreadableDirectory> {
    let mut units = Vec::new();
    let mut known = BTreeSet::new();
    for directory in directories {
        let failed = |error| UnreadableDirectory { directory: directory.clone(), error };
        for name in unit_names(directory).map_err(failed)? {
            if let Some(mark) = read_mark(&directory.join(&name))
                && known.insert(name.clone())
            {
                units.push(InstalledUnit { name, directory: directory.clone(), mark });
            }
        }
    }
    Ok(units)
}

impl InstalledUnit {
    pub fn is_template(&self) -> bool {
        self.name.contains("@.")
    }

    /// The pattern (glob(7)) that the instances of a template match.
    pub fn instances(&self) -> String {
        self.name.replacen("@.", "@*.", 1)
    }

    /// The instance of a template (systemd.unit(5), `%i`) that a unit's name means; `None` if it is none of this one's.
    pub fn instance_of<'a>(&self, unit: &'a str) -> Option<&'a str> {
        let (prefix, suffix) = self.name.split_once("@.")?;
        unit.strip_prefix(prefix)?.strip_prefix('@')?.strip_suffix(suffix)?.strip_suffix('.')
    }
}

fn unit_names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_unit_name(name)));
    }
    names.sort_unstable();
    Ok(names)
}

fn read_mark(path: &Path) -> Option<Mark> {
    Mark::of_unit(&fs::read_to_string(path).ok()?)
}
