//! A build's inputs: the Dockerfile, and directories with their hash and their tar file.
//!
//! As the engine's own clients do: `.dockerignore` decides what is sent, files belong to root, and sockets, pipes and devices are
//! left out.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::dockerignore::Ignore;
use crate::path::clean;

const IGNORE_FILE: &str = ".dockerignore";

/// Why a build's inputs cannot be read.
#[derive(Debug, Error)]
pub enum ContextError {
    #[error("cannot read {path}: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("there is no Dockerfile {path}: create it, or name another with `dockerfile`")]
    NoDockerfile { path: PathBuf },
    #[error("`{pattern}` in {path} is not a pattern: close its bracket, or escape it")]
    Pattern { path: PathBuf, pattern: String },
    #[error("the name of {path} is not UTF-8: rename it, or list it in .dockerignore")]
    NotUtf8 { path: PathBuf },
}

/// A Dockerfile: a file, or inline in the stack file.
pub struct Dockerfile {
    /// The name for messages.
    pub name: String,
    pub text: Vec<u8>,
    /// `NAME.dockerignore` beside it, which replaces that of the context.
    ignore: Option<PathBuf>,
}

impl Dockerfile {
    /// Reads it; `path` is relative to the context or absolute.
    ///
    /// # Errors
    /// It does not exist, or cannot be read.
    pub fn read(context: &Path, path: &Path) -> Result<Self, ContextError> {
        let path = clean(&context.join(path));
        let name = path.file_name().unwrap_or_default().to_str();
        let name = name.ok_or_else(|| ContextError::NotUtf8 { path: path.clone() })?.to_owned();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) => {
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => ContextError::NoDockerfile { path },
                    _ => ContextError::Unreadable { path, error },
                });
            }
        };
        let ignore = path.with_file_name(format!("{name}{IGNORE_FILE}"));
        Ok(Self { name, text, ignore: Some(ignore).filter(|path| path.exists()) })
    }

    pub fn inline(text: &str) -> Self {
        Self { name: "Dockerfile".to_owned(), text: text.as_bytes().to_vec(), ignore: None }
    }

    /// Adds its text to a hash.
    pub fn hash(&self, hasher: &mut Sha256) {
        hasher.update(self.text.len().to_le_bytes());
        hasher.update(&self.text);
    }
}

/// The files of a context, in the order of their names.
pub struct Context {
    entries: Vec<Entry>,
    /// Sockets, pipes and devices, which are not sent.
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
    /// Lists a directory.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn collect(root: &Path, dockerfile: Option<&Dockerfile>) -> Result<Self, ContextError> {
        let own = dockerfile.and_then(|dockerfile| dockerfile.ignore.clone());
        let ignore_path = own.unwrap_or_else(|| root.join(IGNORE_FILE));
        let ignore_text = match fs::read_to_string(&ignore_path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(ContextError::Unreadable { path: ignore_path, error }),
        };
        let ignore = Ignore::parse(&ignore_text)
            .map_err(|pattern| ContextError::Pattern { path: ignore_path.clone(), pattern })?;
        let mut context = Self { entries: Vec::new(), left_out: Vec::new() };
        context.walk(root, &ignore)?;
        context.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(context)
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
                    // It was removed after the directory was read.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(ContextError::Unreadable { path, error }),
                };
                let sent = !ignore.is_ignored(&name);
                if metadata.is_dir() && (sent || ignore.has_exceptions()) {
                    directories.push((path.clone(), format!("{name}/")));
                }
                if sent {
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

    /// Adds names, permissions and contents to a hash; not times, which a fresh checkout changes.
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
            // The lengths delimit the fields.
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
        Ok(())
    }

    /// Writes the tar file.
    ///
    /// # Errors
    /// A file cannot be read, or the reader has gone.
    pub fn write_tar(&self, output: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(output);
        // BuildKit takes a tar file without entries for a plain file.
        if self.entries.is_empty() {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            tar.append_data(&mut header, "./", io::empty())?;
        }
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
                    // If the file grows meanwhile, the rest is not sent; if it shrinks, the build fails.
                    tar.append_data(&mut header, &entry.name, Exactly { file, left: length })?;
                }
            }
        }
        tar.into_inner()?.flush()
    }
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

/// Reads so many bytes of a file, or fails.
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
