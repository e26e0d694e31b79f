//! A build's inputs: the Dockerfile, and directories with their hash and their tar file.
//!
//! As the engine's own clients do: `.dockerignore` decides what is sent, files belong to root, and sockets, pipes and devices are
//! left out. A link is sent as a link. Invariant: nothing outside of the directories that the stack file names is read, whatever
//! their owner puts into them, and while it is read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::dockerignore::Ignore;
use crate::owned_tree::{Found, OwnedTree};
use crate::path::clean;
use crate::regular_file::RegularFile;

const IGNORE_FILE: &str = ".dockerignore";

/// Bytes of a Dockerfile, and of a `.dockerignore`.
const LARGEST_TEXT: u64 = 1 << 20;

/// How many files, directories and links are sent.
const MOST_ENTRIES: usize = 1_000_000;

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
    #[error(
        "{path} has more than {MOST_ENTRIES} files: put what is not needed elsewhere, or list its directories in \
             .dockerignore"
    )]
    TooMany { path: PathBuf },
}

/// A Dockerfile: a file, or inline in the stack file.
pub struct Dockerfile {
    /// The name for messages.
    pub name: String,
    pub text: Vec<u8>,
    /// `NAME.dockerignore` beside it, which replaces that of the context.
    ignore: Option<IgnoreFile>,
}

struct IgnoreFile {
    path: PathBuf,
    text: String,
}

impl Dockerfile {
    /// Reads it; `path` is relative to the context or absolute.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or a link leads out of the context, or of its own directory if it lies elsewhere.
    pub fn read(context: &Path, path: &Path) -> Result<Self, ContextError> {
        let path = clean(&context.join(path));
        let name = path.file_name().unwrap_or_default().to_str();
        let name = name.ok_or_else(|| ContextError::NotUtf8 { path: path.clone() })?.to_owned();
        let directory = if path.starts_with(context) { context } else { path.parent().unwrap_or(context) };
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => ContextError::NoDockerfile { path: path.clone() },
            _ => ContextError::Unreadable { path: path.clone(), error },
        };
        let tree = OwnedTree::open(directory).map_err(failed)?;
        let inside = path.strip_prefix(directory).unwrap_or(&path);
        let text = tree.read(inside, LARGEST_TEXT).map_err(failed)?;
        let ignore = IgnoreFile::read(&tree, &inside.with_file_name(format!("{name}{IGNORE_FILE}")))?;
        Ok(Self { name, text, ignore })
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

impl IgnoreFile {
    /// `None`: there is none.
    fn read(tree: &OwnedTree, name: &Path) -> Result<Option<Self>, ContextError> {
        let path = tree.path(name);
        let not_text = || io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text");
        let text = match tree.read(name, LARGEST_TEXT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.and_then(|text| String::from_utf8(text).map_err(|_| not_text())),
        };
        match text {
            Ok(text) => Ok(Some(Self { path, text })),
            Err(error) => Err(ContextError::Unreadable { path, error }),
        }
    }

    fn parse(&self) -> Result<Ignore, ContextError> {
        let failed = |pattern| ContextError::Pattern { path: self.path.clone(), pattern };
        Ignore::parse(&self.text).map_err(failed)
    }
}

/// The files of a context, in the order of their names.
pub struct Context {
    tree: OwnedTree,
    entries: Vec<Entry>,
    /// Sockets, pipes and devices, which are not sent.
    pub left_out: LeftOut,
}

struct Entry {
    /// With `/` between its parts.
    name: String,
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

/// Sockets, devices and the like.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The first of them.
    pub first: Vec<PathBuf>,
    pub count: usize,
}

impl LeftOut {
    /// Enough to find them.
    const SHOWN: usize = 10;

    fn add(&mut self, path: impl FnOnce() -> PathBuf) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(path());
        }
    }

    /// How many there are besides the first.
    pub fn more(&self) -> usize {
        self.count - self.first.len()
    }
}

impl Context {
    /// Lists a directory.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn collect(root: &Path, dockerfile: Option<&Dockerfile>) -> Result<Self, ContextError> {
        let unreadable = |error| ContextError::Unreadable { path: root.to_owned(), error };
        let tree = OwnedTree::open(root).map_err(unreadable)?;
        let ignore = match dockerfile.and_then(|dockerfile| dockerfile.ignore.as_ref()) {
            Some(own) => own.parse()?,
            None => match IgnoreFile::read(&tree, Path::new(IGNORE_FILE))? {
                Some(common) => common.parse()?,
                None => Ignore::default(),
            },
        };
        let mut context = Self { tree, entries: Vec::new(), left_out: LeftOut::default() };
        context.walk(&ignore)?;
        context.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(context)
    }

    fn walk(&mut self, ignore: &Ignore) -> Result<(), ContextError> {
        let mut directories = vec![String::new()];
        let mut count = 0;
        while let Some(directory) = directories.pop() {
            // What is not sent takes its time and memory, too.
            let found = self.tree.list(&directory, MOST_ENTRIES + 1);
            let found = found.map_err(|error| self.unreadable(&directory, error))?;
            count += found.len();
            if count > MOST_ENTRIES {
                return Err(ContextError::TooMany { path: self.tree.path(Path::new("")) });
            }
            let prefix = if directory.is_empty() { directory } else { format!("{directory}/") };
            for found in found {
                let Some(name) = found.name.to_str().map(|name| format!("{prefix}{name}")) else {
                    return Err(ContextError::NotUtf8 { path: self.tree.path(Path::new(&prefix)).join(found.name) });
                };
                let sent = !ignore.is_ignored(&name);
                let is_directory = FileType::from_raw_mode(found.stat.st_mode).is_dir();
                if is_directory && (sent || ignore.has_exceptions()) {
                    directories.push(name.clone());
                }
                if sent {
                    self.add(name, found);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, name: String, Found { stat, link, .. }: Found) {
        let kind = match (FileType::from_raw_mode(stat.st_mode), link) {
            (FileType::Directory, _) => Kind::Directory,
            (FileType::RegularFile, _) => Kind::File,
            (FileType::Symlink, Some(target)) => Kind::Link(target),
            _ => return self.left_out.add(|| self.tree.path(Path::new(&name))),
        };
        let modified = u64::try_from(stat.st_mtime).unwrap_or(0);
        self.entries.push(Entry { name, kind, mode: stat.st_mode & 0o7777, modified });
    }

    fn unreadable(&self, name: &str, error: io::Error) -> ContextError {
        ContextError::Unreadable { path: self.tree.path(Path::new(name)), error }
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
                let hashed = self.tree.file(&entry.name).and_then(|file| hash_file(file, &mut buffer, hasher));
                let length = hashed.map_err(|error| self.unreadable(&entry.name, error))?;
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
                    let failed = |error| io::Error::other(self.unreadable(&entry.name, error).to_string());
                    let file = self.tree.file(&entry.name).map_err(failed)?;
                    let length = file.length();
                    header.set_size(length);
                    // If the file grows meanwhile, the rest is not sent; if it shrinks, the build fails.
                    tar.append_data(&mut header, &entry.name, Exactly { file: file.into_file(), left: length })?;
                }
            }
        }
        tar.into_inner()?.flush()
    }
}

fn hash_file(file: RegularFile, buffer: &mut [u8], hasher: &mut Sha256) -> io::Result<u64> {
    let mut file = file.into_file();
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const SECRET: &str = "hunter2";

    /// A context with a Dockerfile and a page, and a secret beside it.
    fn directory() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let context = directory.path().join("context");
        fs::create_dir_all(context.join("docker")).unwrap();
        fs::write(directory.path().join("secret"), SECRET).unwrap();
        fs::write(context.join("docker/Dockerfile"), "FROM a\n").unwrap();
        fs::write(context.join("page"), "welcome\n").unwrap();
        symlink("docker/Dockerfile", context.join("Dockerfile")).unwrap();
        (directory, context)
    }

    fn tar(context: &Context) -> io::Result<Vec<u8>> {
        let mut tar = Vec::new();
        context.write_tar(&mut tar).map(|()| tar)
    }

    fn holds_secret(bytes: &[u8]) -> bool {
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    }

    #[test]
    fn a_dockerfile_may_be_a_link_within_the_context_and_not_out_of_it() {
        let (_directory, context) = directory();
        assert_eq!(Dockerfile::read(&context, Path::new("Dockerfile")).unwrap().text, b"FROM a\n");
        for target in ["../secret", "/etc/passwd"] {
            fs::remove_file(context.join("Dockerfile")).unwrap();
            symlink(target, context.join("Dockerfile")).unwrap();
            let error = Dockerfile::read(&context, Path::new("Dockerfile")).err().unwrap().to_string();
            assert!(error.ends_with(&format!("Dockerfile: a link leads out of {}", context.display())), "{error}");
        }
        // The stack file may name one elsewhere.
        fs::write(context.join("../other"), "FROM b\n").unwrap();
        assert_eq!(Dockerfile::read(&context, Path::new("../other")).unwrap().text, b"FROM b\n");
    }

    #[test]
    fn an_ignore_file_is_no_link_out_of_the_context_and_no_fifo() {
        let (_directory, context) = directory();
        symlink("../secret", context.join(".dockerignore")).unwrap();
        assert!(matches!(Context::collect(&context, None), Err(ContextError::Unreadable { .. })));
        fs::remove_file(context.join(".dockerignore")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, context.join(".dockerignore"), 0o600.into()).unwrap();
        let error = Context::collect(&context, None).err().unwrap().to_string();
        assert!(error.ends_with(".dockerignore: it is a FIFO, not a regular file"), "{error}");
    }

    #[test]
    fn a_link_is_sent_as_a_link_wherever_it_leads() {
        let (_directory, context) = directory();
        symlink("../secret", context.join("link")).unwrap();
        assert!(!holds_secret(&tar(&Context::collect(&context, None).unwrap()).unwrap()));
    }

    #[test]
    fn a_file_or_directory_that_becomes_a_link_or_a_fifo_after_it_was_listed_is_not_read() {
        let swaps: [fn(&Path); 3] = [
            |context| symlink("../secret", context.join("page")).unwrap(),
            |context| rustix::fs::mkfifoat(rustix::fs::CWD, context.join("page"), 0o600.into()).unwrap(),
            |context| {
                fs::write(context.join("page"), "").unwrap();
                fs::write(context.join("../Dockerfile"), SECRET).unwrap();
                fs::remove_dir_all(context.join("docker")).unwrap();
                symlink("..", context.join("docker")).unwrap();
            },
        ];
        for swap in swaps {
            let (_directory, path) = directory();
            let context = Context::collect(&path, None).unwrap();
            fs::remove_file(path.join("page")).unwrap();
            swap(&path);
            assert!(context.hash(&mut Sha256::new()).is_err());
            assert!(tar(&context).is_err());
        }
    }
}
