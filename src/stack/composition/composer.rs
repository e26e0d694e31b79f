//! What is known while a stack is put together, and the reading of its files.
//!
//! Invariant: hostile input ends: files, their text and inherited values are counted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::language::Language;
use crate::diagnostic::Place;
use crate::path::absolute;
use crate::stack::problem::{FileProblem, InclusionFault, Report};
use crate::stack::text::files::{is_of_wharfd, read_stack};
use crate::stack::text::node::{Node, Table};
use crate::stack::text::surroundings::{Scope, Scopes};

/// How many files one stack may be made of; a file that is included twice counts twice.
const MOST_FILES: usize = 500;

/// How many bytes those may have together.
const MOST_TEXT: usize = 16 << 20;

/// How many levels of files may include one another.
pub(super) const DEEPEST_INCLUDE: usize = 32;

/// How many values the services may inherit from others, all together.
pub(super) const MOST_INHERITED: usize = 250_000;

/// The services of a file as they stand there, before their variables are replaced.
pub struct Library<'a> {
    pub(super) shown: PathBuf,
    pub(super) services: Table,
    pub(super) scope: Arc<Scope<'a>>,
}

/// Where a file is named that another one needs, and under which key.
#[derive(Clone, Copy)]
pub struct Named<'p> {
    pub place: &'p Place,
    pub key: &'static str,
}

/// Puts a stack together.
pub struct Composer<'a, 'r> {
    pub scopes: Scopes<'a>,
    /// Something is missing, and that is reported: what refers to it is not to be called wrong.
    pub incomplete: bool,
    pub(super) language: &'r mut dyn Language,
    /// One value may stand in several services, or one file in several includes.
    pub repeats: bool,
    pub(super) report: &'r Report,
    /// The absolute paths of the files that others name.
    pub sources: BTreeSet<PathBuf>,
    /// How many of them have been read so far, and how many bytes.
    pub(super) files: usize,
    pub(super) text: usize,
    pub(super) inherited: usize,
    /// Files that services extend, by path and by the scope of the file that names them.
    pub(super) libraries: BTreeMap<(PathBuf, usize), Option<Arc<Library<'a>>>>,
    /// Circles of `extends` that have been reported, and whether too long a chain has.
    pub(super) circles: BTreeSet<Vec<String>>,
    pub(super) too_long: bool,
}

/// A parsed file.
pub struct Parsed {
    pub root: Node,
    /// The path as the user wrote it.
    pub shown: PathBuf,
}

impl<'a, 'r> Composer<'a, 'r> {
    pub fn new(main: &Arc<Scope<'a>>, language: &'r mut dyn Language, report: &'r Report) -> Self {
        Self {
            scopes: Scopes::new(Arc::clone(main)),
            incomplete: false,
            repeats: false,
            language,
            report,
            sources: BTreeSet::new(),
            files: 0,
            text: 0,
            inherited: 0,
            libraries: BTreeMap::new(),
            circles: BTreeSet::new(),
            too_long: false,
        }
    }

    /// Reads and parses a file that another one names; `None` after reporting why not.
    pub(super) fn read(&mut self, path: &Path, named: Named<'_>, scope: &Arc<Scope<'a>>) -> Option<Parsed> {
        self.files += 1;
        self.repeats = true;
        let parsed = if self.files > MOST_FILES || self.text > MOST_TEXT {
            None
        } else {
            read(path, Some(named), self.language, self.report)
        };
        self.incomplete |= parsed.is_none();
        let parsed = parsed?;
        let file = &parsed.root.place.file;
        self.text += file.text.len();
        self.scopes.insert(file, scope);
        self.sources.insert(absolute(path));
        // Said once: it is the same mistake for every further file.
        if self.files == MOST_FILES {
            self.report.add(named.place, InclusionFault::TooManyFiles { limit: MOST_FILES });
        } else if self.text > MOST_TEXT {
            self.report.add(named.place, InclusionFault::TooMuchText { mebibytes: MOST_TEXT >> 20 });
        }
        Some(parsed)
    }

    /// Whether a path is one of this host, or else reports it.
    pub(super) fn is_local(&mut self, path: &str, named: Named<'_>) -> bool {
        let remote = path.contains("://") || path.starts_with("git@") || path.starts_with("oci:");
        if remote {
            self.report.add(named.place, InclusionFault::Remote { key: named.key, path: path.to_owned() });
            self.incomplete = true;
        }
        !remote
    }
}

/// Reads and parses a file; `named` is where another file names it. `None` after reporting why not.
pub fn read(path: &Path, named: Option<Named<'_>>, language: &mut dyn Language, report: &Report) -> Option<Parsed> {
    let add = |problem: InclusionFault, report: &Report| match named {
        Some(named) => report.add(named.place, problem),
        None => report.add_without_place(problem),
    };
    if is_of_wharfd(path) {
        add(InclusionFault::OfWharfd { path: path.to_owned() }, report);
        return None;
    }
    let error = match read_stack(path) {
        Ok(_) if !language.takes(path) => {
            add(InclusionFault::Yaml { path: path.to_owned() }, report);
            return None;
        }
        Ok(file) => {
            let root = language.parse(&file, report)?;
            return Some(Parsed { root, shown: path.to_owned() });
        }
        Err(error) => error,
    };
    let (path, reason) = (path.to_owned(), error.to_string());
    match named {
        Some(Named { place, key }) if error.kind() == ErrorKind::NotFound => {
            report.add(place, InclusionFault::FileMissing { key, path });
        }
        Some(named) => report.add(named.place, FileProblem::Unreadable { path, reason }),
        None => report.add_without_place(FileProblem::StackUnreadable { path, reason }),
    }
    None
}

/// What tells files apart, however they are named.
pub(super) fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| absolute(path))
}
