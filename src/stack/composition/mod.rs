//! Several files and services → one tree: override files, `include`, `extends`.
//!
//! In: the stack's files in the order of their merging. Out: one [`Node`] tree without `include` and `extends`, in which every
//! value has the place where it was written, and the [`Scopes`] that say what paths and variables mean at each place.
//! Invariant: hostile input ends: files, chains and inherited values are counted. Nothing here knows what a service's key means,
//! but for the rules of merging (`rules`).
//!
//! Source: Compose Specification, Merge and override, Include, services, extends. As in the reference implementation, a file's
//! variables are replaced first, then what it includes is added, then its services are extended, then the next file is merged over.

mod extends;
mod include;
mod language;
pub mod merge;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::environment::read_file;
use super::load::is_of_wharfd;
use super::node::Node;
use super::problem::{Composition, FileProblem, Report};
use super::surroundings::{Scope, Scopes};
use crate::diagnostic::Place;
use crate::path::absolute;

pub use language::{Language, Toml};

/// How many files one stack may be made of; a file that is included twice counts twice.
const MOST_FILES: usize = 500;

/// How many bytes those may have together.
const MOST_TEXT: usize = 16 << 20;

/// How many levels of files may include one another.
const DEEPEST_INCLUDE: usize = 32;

/// How many values the services may inherit from others, all together.
const MOST_INHERITED: usize = 250_000;

/// Puts a stack together.
pub struct Composer<'a, 'r> {
    pub scopes: Scopes<'a>,
    /// Something is missing, and that is reported: what refers to it is not to be called wrong.
    pub incomplete: bool,
    language: &'r mut dyn Language,
    /// One value may stand in several services, or one file in several includes.
    pub repeats: bool,
    report: &'r mut Report,
    /// The absolute paths of the files that others name.
    pub sources: BTreeSet<PathBuf>,
    /// How many of them have been read so far, and how many bytes.
    files: usize,
    text: usize,
    inherited: usize,
    /// Files that services extend, by path and by the scope of the file that names them.
    libraries: BTreeMap<(PathBuf, usize), Option<Rc<extends::Library<'a>>>>,
    /// Circles of `extends` that have been reported, and whether too long a chain has.
    circles: BTreeSet<Vec<String>>,
    too_long: bool,
}

/// A parsed file.
pub struct Parsed {
    pub root: Node,
    /// The path as the user wrote it.
    pub shown: PathBuf,
}

impl<'a, 'r> Composer<'a, 'r> {
    pub fn new(main: &Rc<Scope<'a>>, language: &'r mut dyn Language, report: &'r mut Report) -> Self {
        Self {
            scopes: Scopes::new(Rc::clone(main)),
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

    /// One tree of all files of a project, or of one include.
    ///
    /// `trail` are the files that include these.
    pub fn compose(&mut self, files: Vec<Parsed>, scope: &Rc<Scope<'a>>, trail: &[PathBuf]) -> Option<Node> {
        let mut composed: Option<Node> = None;
        for file in files {
            let tree = self.one(file, scope, trail);
            composed = Some(match composed {
                Some(earlier) => merge::files(earlier, tree, self.report),
                None => tree,
            });
        }
        let mut composed = composed?;
        merge::untag(&mut composed);
        Some(composed)
    }

    fn one(&mut self, file: Parsed, scope: &Rc<Scope<'a>>, trail: &[PathBuf]) -> Node {
        let mut root = file.root;
        self.language.fill_in_file(&mut root, &|name| scope.lookup(name), self.report);
        let trail: Vec<PathBuf> = trail.iter().cloned().chain([file.shown]).collect();
        self.include(&mut root, scope, &trail);
        self.extend_services(&mut root, scope);
        root
    }

    /// Reads and parses a file that another one names at this place, under this key; `None` after reporting why not.
    fn read(&mut self, path: &Path, place: &Place, key: &'static str, scope: &Rc<Scope<'a>>) -> Option<Parsed> {
        self.files += 1;
        self.repeats = true;
        let parsed = if self.files > MOST_FILES || self.text > MOST_TEXT {
            None
        } else {
            read(path, Some((place, key)), self.language, self.report)
        };
        self.incomplete |= parsed.is_none();
        let parsed = parsed?;
        let file = &parsed.root.place.file;
        self.text += file.text.len();
        self.scopes.insert(file, scope);
        self.sources.insert(absolute(path));
        // Said once: it is the same mistake for every further file.
        if self.files == MOST_FILES {
            self.report.add(place, Composition::TooManyFiles { limit: MOST_FILES });
        } else if self.text > MOST_TEXT {
            self.report.add(place, Composition::TooMuchText { mebibytes: MOST_TEXT >> 20 });
        }
        Some(parsed)
    }

    /// Whether a path is one of this host, or else reports it.
    fn is_local(&mut self, path: &str, place: &Place, key: &'static str) -> bool {
        let remote = path.contains("://") || path.starts_with("git@") || path.starts_with("oci:");
        if remote {
            self.report.add(place, Composition::Remote { key, path: path.to_owned() });
            self.incomplete = true;
        }
        !remote
    }
}

/// Reads and parses a file; `named` is where another file names it, and the key. `None` after reporting why not.
pub fn read(
    path: &Path,
    named: Option<(&Place, &'static str)>,
    language: &mut dyn Language,
    report: &mut Report,
) -> Option<Parsed> {
    let add = |problem: Composition, report: &mut Report| match named {
        Some((place, _)) => report.add(place, problem),
        None => report.add_without_place(problem),
    };
    if is_of_wharfd(path) {
        add(Composition::OfWharfd { path: path.to_owned() }, report);
        return None;
    }
    let error = match read_file(path) {
        Ok(_) if !language.takes(path) => {
            add(Composition::Yaml { path: path.to_owned() }, report);
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
        Some((place, key)) if error.kind() == ErrorKind::NotFound => {
            report.add(place, Composition::FileMissing { key, path });
        }
        Some((place, _)) => report.add(place, FileProblem::Unreadable { path, reason }),
        None => report.add_without_place(FileProblem::StackUnreadable { path, reason }),
    }
    None
}

/// What tells files apart, however they are named.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| absolute(path))
}
