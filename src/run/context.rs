//! The context of a build: which files are sent to the engine, their hash, and the tar file.
//!
//! As the engine's own clients do: `.dockerignore` decides what is sent, files belong to root, and what is no file, directory or link
//! stays out.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::dockerignore::Ignore;

const IGNORE_FILE: &str = ".dockerignore";

/// Under this name a Dockerfile is sent that is none of the context's files.
const SENT_DOCKERFILE: &str = ".wharf.Dockerfile";

/// Why there is no context.
#[derive(Debug)]
pub enum ContextError {
    Unreadable { path: PathBuf, error: io::Error },
    NoDockerfile { path: PathBuf },
    Pattern { path: PathBuf, pattern: String },
    NotUtf8 { path: PathBuf },
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            Self::NoDockerfile { path } => {
                write!(f, "there is no Dockerfile {}: create it, or name another with `dockerfile`", path.display())
            }
            Self::Pattern { path, pattern } => {
                write!(f, "`{pattern}` in {} is not a pattern: close its bracket, or escape it", path.display())
            }
            Self::NotUtf8 { path } => {
                write!(f, "the name of {} is not UTF-8: rename it, or list it in .dockerignore", path.display())
            }
        }
    }
}

/// The files of a context, in the order of their names.
pub struct Context {
    entries: Vec<Entry>,
    /// The Dockerfile by its name in the tar file.
    pub dockerfile: String,
    /// Files that stand in the tar file only, in place of any of that name.
    added: Vec<(&'static str, Vec<u8>)>,
    /// What is there and not sent: sockets, pipes, devices.
    pub left_out: Vec<PathBuf>,
}

struct Entry {
    /// With `/` between its parts.
    name: String,
    path: PathBuf,
    kind: Kind,
    /// Permission bits.
    mode: u32,
    /// Seconds of the epoch.
    modified: u64,
}

enum Kind {
    File,
    Directory,
    Link(PathBuf),
}

impl Context {
    /// Looks through a directory. `dockerfile` is relative to it or absolute; `inline` is its text, if it is no file.
    ///
    /// # Errors
    /// Something cannot be read, or there is no Dockerfile.
    pub fn collect(root: &Path, dockerfile: &str, inline: Option<&str>) -> Result<Self, ContextError> {
        let ignore_path = root.join(IGNORE_FILE);
        let ignore_text = match fs::read_to_string(&ignore_path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ContextError::Unreadable { path: ignore_path, error }),
        };
        let ignore = Ignore::parse(&ignore_text)
            .map_err(|pattern| ContextError::Pattern { path: ignore_path.clone(), pattern })?;
        let mut context =
            Self { entries: Vec::new(), dockerfile: dockerfile.to_owned(), added: Vec::new(), left_out: Vec::new() };
        context.choose_dockerfile(root, inline, &ignore_text)?;
        context.walk(root, &ignore)?;
        context.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(context)
    }

    /// A Dockerfile from elsewhere goes along under a name of its own, and the engine is told to keep it out of the image.
    fn choose_dockerfile(&mut self, root: &Path, inline: Option<&str>, ignore: &str) -> Result<(), ContextError> {
        let path = clean(&root.join(&self.dockerfile));
        let text = match inline {
            Some(text) => text.as_bytes().to_vec(),
            None if path.starts_with(root) => {
                if !path.is_file() {
                    return Err(ContextError::NoDockerfile { path });
                }
                let inside = path.strip_prefix(root).unwrap_or(&path);
                self.dockerfile = inside.to_str().ok_or(ContextError::NotUtf8 { path: path.clone() })?.to_owned();
                return Ok(());
            }
            None => fs::read(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => ContextError::NoDockerfile { path },
                _ => ContextError::Unreadable { path, error },
            })?,
        };
        SENT_DOCKERFILE.clone_into(&mut self.dockerfile);
        let hidden_too = if root.join(IGNORE_FILE).exists() { "" } else { IGNORE_FILE };
        let ignore = format!("{ignore}\n{SENT_DOCKERFILE}\n{hidden_too}\n");
        self.added = vec![(SENT_DOCKERFILE, text), (IGNORE_FILE, ignore.into_bytes())];
        Ok(())
    }

    fn walk(&mut self, root: &Path, ignore: &Ignore) -> Result<(), ContextError> {
        let mut directories = vec![(root.to_owned(), String::new())];
        while let Some((directory, prefix)) = directories.pop() {
            let unreadable = |error| ContextError::Unreadable { path: directory.clone(), error };
            for entry in fs::read_dir(&directory).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                let name = path.file_name().unwrap_or_default().to_str();
                let Some(name) = name.map(|name| format!("{prefix}{name}")) else {
                    return Err(ContextError::NotUtf8 { path });
                };
                let metadata = match fs::symlink_metadata(&path) {
                    Ok(metadata) => metadata,
                    // It was there when the directory was read.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(ContextError::Unreadable { path, error }),
                };
                let sent = !ignore.is_ignored(&name) || name == IGNORE_FILE || name == self.dockerfile;
                if metadata.is_dir()
                    && (sent || ignore.has_exceptions() || self.dockerfile.starts_with(&format!("{name}/")))
                {
                    directories.push((path.clone(), format!("{name}/")));
                }
                if sent && self.added.iter().all(|(added, _)| *added != name) {
                    self.add(path, name, &metadata)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, name: String, metadata: &Metadata) -> Result<(), ContextError> {
        let kind = if metadata.is_dir() {
            Kind::Directory
        } else if metadata.is_file() {
            Kind::File
        } else if metadata.is_symlink() {
            match fs::read_link(&path) {
                Ok(target) => Kind::Link(target),
                Err(error) => return Err(ContextError::Unreadable { path, error }),
            }
        } else {
            self.left_out.push(path);
            return Ok(());
        };
        let mode = metadata.permissions().mode() & 0o7777;
        self.entries.push(Entry { name, path, kind, mode, modified: u64::try_from(metadata.mtime()).unwrap_or(0) });
        Ok(())
    }

    /// Adds names, permissions and contents to a hash; times do not count, for a fresh checkout changes all of them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn hash(&self, hasher: &mut Sha256) -> Result<(), ContextError> {
        let mut buffer = vec![0; 1 << 16];
        for entry in &self.entries {
            let (kind, link) = match &entry.kind {
                Kind::File => (b'f', String::new()),
                Kind::Directory => (b'd', String::new()),
                Kind::Link(target) => (b'l', target.to_string_lossy().into_owned()),
            };
            // Lengths keep one field from running into the next.
            hasher.update([kind]);
            for field in [&entry.name, &link] {
                hasher.update(field.len().to_le_bytes());
                hasher.update(field);
            }
            hasher.update(entry.mode.to_le_bytes());
            if kind == b'f' {
                let length = hash_file(&entry.path, &mut buffer, hasher);
                let length = length.map_err(|error| ContextError::Unreadable { path: entry.path.clone(), error })?;
                hasher.update(length.to_le_bytes());
            }
        }
        for (name, contents) in &self.added {
            hasher.update([b'a']);
            hasher.update(name);
            hasher.update(contents.len().to_le_bytes());
            hasher.update(contents);
        }
        Ok(())
    }

    /// Writes the tar file.
    ///
    /// # Errors
    /// A file cannot be read, or nobody reads on.
    pub fn write_tar(&self, output: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(output);
        for entry in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_mtime(entry.modified);
            header.set_size(0);
            match &entry.kind {
                Kind::Directory => {
                    header.set_entry_type(tar::EntryType::Directory);
                    tar.append_data(&mut header, format!("{}/", entry.name), io::empty())?;
                }
                Kind::Link(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    tar.append_link(&mut header, &entry.name, target)?;
                }
                Kind::File => {
                    let file = File::open(&entry.path)?;
                    let length = file.metadata()?.len();
                    header.set_size(length);
                    // A file that grows meanwhile is cut off where it ended; one that shrinks ends the build.
                    tar.append_data(&mut header, &entry.name, Exactly { file, left: length })?;
                }
            }
        }
        for (name, contents) in &self.added {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(contents.len() as u64);
            tar.append_data(&mut header, name, contents.as_slice())?;
        }
        tar.into_inner()?.flush()
    }
}

/// Without `.` and `..`, not looking at the disk: what is outside of the context is seen by its path.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => (),
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}

fn hash_file(path: &Path, buffer: &mut [u8], hasher: &mut Sha256) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut length = 0;
    loop {
        match file.read(buffer)? {
            0 => return Ok(length),
            read => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}

/// So many bytes of a file, or an error.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&self.file).take(self.left).read(buffer)?;
        self.left -= read as u64;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter while it was read"));
        }
        Ok(read)
    }
}
