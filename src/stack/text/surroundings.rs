//! What decoding needs to know besides the tree: whose stack it is, and what paths and variables mean in each file of it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Place, SourceFile};
use crate::path::absolute;
use crate::stack::grammar::interpolate::{Interpolated, Lookup};
use crate::stack::problem::Report;
use crate::stack::text::files::Inputs;

/// What a relative path and a variable mean in one file.
#[derive(Clone)]
pub struct Scope<'a> {
    /// Absolute: relative paths start here.
    pub directory: PathBuf,
    /// The same directory as the user wrote it, to read files from and for messages.
    pub shown_directory: PathBuf,
    environment: Lookup<'a>,
    /// From `.env` and what stands for it; the environment wins.
    defaults: Arc<BTreeMap<String, String>>,
    /// The files that the stack names, in whichever of its files.
    pub inputs: Arc<Inputs>,
}

impl<'a> Scope<'a> {
    /// The scope of files of this directory, in which only the environment has variables.
    pub fn new(shown_directory: &Path, environment: Lookup<'a>) -> Self {
        Self {
            // An empty path means the working directory.
            directory: absolute(&shown_directory.join(".")),
            shown_directory: shown_directory.to_owned(),
            environment,
            defaults: Arc::default(),
            inputs: Arc::default(),
        }
    }

    /// The same variables for files of another directory.
    pub fn moved(&self, shown_directory: &Path) -> Self {
        let (defaults, inputs) = (Arc::clone(&self.defaults), Arc::clone(&self.inputs));
        Self { defaults, inputs, ..Self::new(shown_directory, self.environment) }
    }

    /// With more variables, where they are not set yet.
    pub fn with(&self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut defaults: BTreeMap<String, String> = variables.into_iter().collect();
        defaults.extend((*self.defaults).clone());
        Self { defaults: Arc::new(defaults), ..self.clone() }
    }

    /// A variable's value; `None` is unset, which differs from empty.
    pub fn lookup(&self, name: &str) -> Option<String> {
        (self.environment)(name).or_else(|| self.defaults.get(name).cloned())
    }

    /// Replaces the variables of a text.
    pub fn interpolate(&self, text: &str) -> Interpolated {
        self.inputs.interpolate(text, &|name| self.lookup(name))
    }

    /// A variable's value, which is to stand by itself; one that is too long is reported at the place, and not taken.
    pub fn value(&self, name: &str, place: &Place, report: &Report) -> Option<String> {
        report.accept(place, self.inputs.value(name, &|name| self.lookup(name))).flatten()
    }

    /// A path of the file as the user would write it from where he is.
    pub fn shown(&self, path: &str) -> PathBuf {
        let mut tidy = PathBuf::new();
        for component in self.shown_directory.join(path).components() {
            match component {
                Component::CurDir => {}
                // As the absolute path is made: not looking at the disk.
                Component::ParentDir if tidy.file_name().is_some() => {
                    tidy.pop();
                }
                other => tidy.push(other),
            }
        }
        tidy
    }
}

/// Which scope each file has that was read.
pub struct Scopes<'a> {
    main: Arc<Scope<'a>>,
    /// By the address of the file; a file that is read twice is two files here, as its scopes may differ.
    files: BTreeMap<usize, (Arc<SourceFile>, Arc<Scope<'a>>)>,
}

impl<'a> Scopes<'a> {
    /// `main` is the scope of the stack file.
    pub fn new(main: Arc<Scope<'a>>) -> Self {
        Self { main, files: BTreeMap::new() }
    }

    pub fn insert(&mut self, file: &Arc<SourceFile>, scope: &Arc<Scope<'a>>) {
        self.files.insert(address(file), (Arc::clone(file), Arc::clone(scope)));
    }

    /// The scope of the file that a place lies in.
    pub fn at(&self, place: &Place) -> &Scope<'a> {
        self.files.get(&address(&place.file)).map_or(&self.main, |(_, scope)| scope)
    }
}

/// Does not change as long as the file is held.
fn address(file: &Arc<SourceFile>) -> usize {
    Arc::as_ptr(file).addr()
}

/// Whose stack it is, and what its files mean.
pub struct Surroundings<'a> {
    /// The project's name.
    pub project: String,
    pub scopes: Scopes<'a>,
}

impl<'a> Surroundings<'a> {
    /// What paths and variables mean at this place: resolve each value by the place of the value itself.
    pub fn at(&self, place: &Place) -> &Scope<'a> {
        self.scopes.at(place)
    }

    /// What they mean in the stack file itself.
    pub fn main(&self) -> &Scope<'a> {
        &self.scopes.main
    }
}

#[cfg(test)]
impl<'a> Scope<'a> {
    pub fn for_test(directory: &str, environment: Lookup<'a>) -> Self {
        Self::new(Path::new(directory), environment)
    }
}
