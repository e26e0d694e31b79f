//! systemd's unit load path: which directory holds a unit, and what lies there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::name::ProjectName;

use super::destination::below;
use super::error::InstallError;
use super::snapshot::Entry;

/// The units on systemd's load path, by name.
#[derive(Debug, Clone, Default)]
pub struct LoadPath {
    root: Option<PathBuf>,
    /// Highest priority first.
    directories: Vec<PathBuf>,
    /// Which directories hold a file of a name, highest priority first.
    files: BTreeMap<String, Vec<PathBuf>>,
}

impl LoadPath {
    /// Lists the directories, which need not exist. `root`: where absolute links lead, if not to this file system.
    ///
    /// # Errors
    /// A directory exists but cannot be listed.
    pub fn read(directories: Vec<PathBuf>, root: Option<&Path>) -> Result<Self, InstallError> {
        let mut path = Self { root: root.map(Path::to_owned), ..Self::default() };
        let mut seen = Vec::new();
        for directory in directories {
            // /lib may be a link to /usr/lib: the same directory is looked at once.
            let Ok(canonical) = directory.canonicalize() else { continue };
            if !seen.contains(&canonical) {
                path.add(&directory).map_err(|error| InstallError::io("read", &directory, error))?;
                path.directories.push(directory);
                seen.push(canonical);
            }
        }
        Ok(path)
    }

    fn add(&mut self, directory: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            if let Ok(name) = entry?.file_name().into_string() {
                self.files.entry(name).or_default().push(directory.to_owned());
            }
        }
        Ok(())
    }

    /// The directories that hold a file of this name, highest priority first.
    pub fn holding<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a PathBuf> + use<'a> {
        self.files.get(name).into_iter().flatten()
    }

    /// Whether the first directory has priority over the second.
    pub fn outranks(&self, first: &Path, second: &Path) -> bool {
        let rank = |path: &Path| self.directories.iter().position(|known| known == path);
        matches!((rank(first), rank(second)), (Some(first), Some(second)) if first < second)
    }

    /// The directories, outside generators', in which a file of one of these names belongs to the project.
    pub fn installed_in<'a>(&'a self, project: &'a str, names: impl Iterator<Item = &'a str>) -> Option<&'a Path> {
        let mut places = names.flat_map(|name| self.holding(name).map(move |directory| (name, directory)));
        let found = places.find(|(name, directory)| self.owner(name, directory).as_deref() == Some(project));
        found.map(|(_, directory)| directory.as_path())
    }

    pub fn owner(&self, name: &str, directory: &Path) -> Option<ProjectName> {
        self.entry(&directory.join(name)).owner(name)
    }

    pub fn entry(&self, path: &Path) -> Entry {
        let Ok(target) = fs::read_link(path) else { return file_entry(path) };
        let leads_to = match &self.root {
            Some(root) if target.is_absolute() => below(root, &target),
            _ => path.parent().unwrap_or(path).join(&target),
        };
        Entry::Link { target, contents: fs::read(leads_to).ok() }
    }
}

fn file_entry(path: &Path) -> Entry {
    match fs::read(path) {
        Ok(contents) => Entry::File { contents, mode: 0 },
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Entry::Directory,
        Err(_) => Entry::Unreadable,
    }
}
