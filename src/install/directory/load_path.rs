//! systemd's unit load path: which directory holds a unit, and what lies there.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::name::ProjectName;
use crate::spec::LARGEST_FILE;

use super::error::DirectoryError;
use super::list;
use super::root::Root;
use super::snapshot::Entry;

/// The units on systemd's load path, by name.
#[derive(Debug, Clone, Default)]
pub struct LoadPath {
    root: Arc<Root>,
    /// Highest priority first.
    directories: Vec<PathBuf>,
    /// Which directories hold a file of a name, highest priority first.
    files: HashMap<String, Vec<PathBuf>>,
}

impl LoadPath {
    /// Lists the directories, which need not exist. `root`: where links lead, if not to this file system.
    ///
    /// # Errors
    /// A directory exists but cannot be listed.
    pub fn read(directories: Vec<PathBuf>, root: Option<&Path>) -> Result<Self, DirectoryError> {
        let root = match Root::open(root) {
            // Nothing is there yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            opened => opened.map_err(|error| DirectoryError::new("open", root.unwrap_or(Path::new("/")), error))?,
        };
        let mut path = Self { root: Arc::new(root), ..Self::default() };
        let mut seen = Vec::new();
        for directory in directories {
            let Ok(opened) = path.root.directory(&directory) else { continue };
            let failed = |error| DirectoryError::new("read", &directory, error);
            // /lib may be a link to /usr/lib: the same directory is looked at once.
            let found = opened.metadata().map_err(failed)?;
            let identity = (found.dev(), found.ino());
            if !seen.contains(&identity) {
                for (name, _) in list(&opened).map_err(failed)? {
                    path.files.entry(name).or_default().push(directory.clone());
                }
                path.directories.push(directory);
                seen.push(identity);
            }
        }
        Ok(path)
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

    pub fn has_file(&self, path: &Path) -> bool {
        self.root.identity(path).is_some()
    }

    /// Whether both paths lead to one file.
    pub fn is_same_file(&self, one: &Path, other: &Path) -> bool {
        self.root.identity(one).is_some_and(|file| self.root.identity(other) == Some(file))
    }

    pub fn entry(&self, path: &Path) -> Entry {
        match (self.root.link(path), self.root.read(path, LARGEST_FILE)) {
            (Ok(target), contents) => Entry::Link { target, contents: contents.ok() },
            (Err(_), Ok(contents)) => Entry::File { contents, mode: 0 },
            (Err(_), Err(error)) if error.kind() == io::ErrorKind::IsADirectory => Entry::Directory,
            (Err(_), Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => Entry::TooLarge,
            (Err(_), Err(_)) => Entry::Unreadable,
        }
    }
}
