//! `include`: what other stack files declare, added to this one.
//!
//! Source: Compose Specification, Include. Invariant: an included file never changes what this one declares.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::composer::{Composer, DEEPEST_INCLUDE, Named, Parsed, identity};
use super::merge;
use crate::diagnostic::Place;
use crate::stack::fields::{Item, Text};
use crate::stack::keys;
use crate::stack::problem::{Expected, FileProblem, InclusionFault, MergeConflict};
use crate::stack::text::env_file;
use crate::stack::text::node::{Entry, Node, Table, Value};
use crate::stack::text::surroundings::Scope;

/// A top-level table whose entries are copied.
struct Resources {
    key: &'static str,
    /// What messages call one entry.
    what: &'static str,
    /// Whether an entry may hold relative paths, and so mean something else in another directory.
    has_paths: bool,
}

const RESOURCES: [Resources; 6] = [
    Resources { key: "services", what: "service", has_paths: true },
    Resources { key: "networks", what: "network", has_paths: false },
    Resources { key: "volumes", what: "volume", has_paths: false },
    Resources { key: "secrets", what: "secret", has_paths: true },
    Resources { key: "configs", what: "config", has_paths: true },
    Resources { key: "models", what: "model", has_paths: false },
];

/// A file with variables for the interpolation of an included file.
struct EnvFile<'p> {
    path: PathBuf,
    /// Where the file is named, or what it belongs to.
    place: &'p Place,
    required: bool,
}

/// One entry of `include`.
struct Include<'n> {
    /// Merged in this order.
    paths: Vec<Text<'n>>,
    project_directory: Option<Text<'n>>,
    env_files: Option<Vec<Text<'n>>>,
}

fn named<'p>(path: &Text<'p>) -> Named<'p> {
    Named { place: path.item.place(), key: "include" }
}

impl<'a> Composer<'a, '_> {
    /// One tree of all files of a project, or of one include.
    ///
    /// `trail` are the files that include these.
    pub fn compose(&mut self, files: Vec<Parsed>, scope: &Arc<Scope<'a>>, trail: &[PathBuf]) -> Option<Node> {
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

    fn one(&mut self, file: Parsed, scope: &Arc<Scope<'a>>, trail: &[PathBuf]) -> Node {
        let mut root = file.root;
        self.language.fill_in_file(&mut root, scope, self.report);
        let trail: Vec<PathBuf> = trail.iter().cloned().chain([file.shown]).collect();
        self.include(&mut root, scope, &trail);
        self.extend_services(&mut root, scope);
        root
    }

    /// Takes `include` out of a file and adds what it names; the last of `trail` is the file itself.
    pub(super) fn include(&mut self, root: &mut Node, scope: &Arc<Scope<'a>>, trail: &[PathBuf]) {
        let Value::Table(table) = &mut root.value else { return };
        let Some(entry) = table.take("include") else { return };
        let item = Item::of(&entry, self.report);
        if entry.node.value == Value::Null {
            return;
        }
        let Some(items) = item.list(Expected::Includes) else {
            self.incomplete = true;
            return;
        };
        for item in items {
            let Some(include) = self.decode_include(item) else {
                self.incomplete = true;
                continue;
            };
            if let Some(included) = self.load_include(&include, scope, trail) {
                self.import(table, included);
            }
        }
    }

    /// A path, or `{ path, project_directory, env_file }`.
    fn decode_include<'n>(&mut self, item: Item<'n>) -> Option<Include<'n>> {
        if !matches!(item.node.value, Value::Table(_)) {
            let Value::String(text) = &item.node.value else {
                item.wrong_type(Expected::StringOrTable);
                return None;
            };
            let paths = vec![Text { text, item }];
            return Some(Include { paths, project_directory: None, env_files: None });
        }
        let mut fields = item.fields(&keys::INCLUDE, "an entry of `include`".to_owned())?;
        let path = fields.get("path");
        let paths = path.and_then(|item| item.strings());
        let directory = fields.get("project_directory");
        let project_directory = directory.and_then(|item| Some(Text { text: item.str()?, item }));
        let env_files = fields.get("env_file").and_then(|item| item.strings());
        let has_path = path.is_some() && !paths.as_ref().is_some_and(Vec::is_empty);
        if !has_path {
            fields.missing("path", "path = \"other/stack.toml\"");
        }
        fields.finish();
        if !has_path {
            return None;
        }
        Some(Include { paths: paths?, project_directory, env_files })
    }

    fn load_include(&mut self, include: &Include<'_>, scope: &Arc<Scope<'a>>, trail: &[PathBuf]) -> Option<Node> {
        let first = include.paths.first()?;
        for path in &include.paths {
            if !self.is_local(path.text, named(path))
                || self.cannot_nest(&scope.shown(path.text), path.item.place(), trail)
            {
                return None;
            }
        }
        let shown = scope.shown(first.text);
        let directory = match &include.project_directory {
            Some(directory) => scope.shown(directory.text),
            None => shown.parent().unwrap_or(Path::new("")).to_owned(),
        };
        let own = Arc::new(self.included_scope(include, scope, &directory));
        let mut files: Vec<Parsed> = Vec::new();
        for path in &include.paths {
            files.push(self.read(&scope.shown(path.text), named(path), &own)?);
        }
        self.compose(files, &own, trail)
    }

    /// Whether a file includes itself by this path, or the files nest too deep; that is reported.
    fn cannot_nest(&mut self, path: &Path, place: &Place, trail: &[PathBuf]) -> bool {
        if trail.len() > DEEPEST_INCLUDE {
            self.report.add(place, InclusionFault::IncludesTooDeep { limit: DEEPEST_INCLUDE });
            self.incomplete = true;
            return true;
        }
        let wanted = identity(path);
        let Some(start) = trail.iter().position(|file| identity(file) == wanted) else { return false };
        let files = trail[start..].iter().cloned().chain([trail[start].clone()]).collect();
        self.report.add(place, InclusionFault::IncludeCycle { files });
        self.incomplete = true;
        true
    }

    /// The variables of the files that `env_file` names, else of `.env` in the project directory, behind those of the stack.
    fn included_scope(&mut self, include: &Include<'_>, scope: &Arc<Scope<'a>>, directory: &Path) -> Scope<'a> {
        let mut variables: HashMap<String, String> = HashMap::new();
        for file in include.env_files.iter().flatten() {
            let above = scope.with(variables.clone());
            let file = EnvFile { path: scope.shown(file.text), place: file.item.place(), required: true };
            variables.extend(self.read_variables(file, &above));
        }
        if let (None, Some(first)) = (&include.env_files, include.paths.first()) {
            let file = EnvFile { path: directory.join(".env"), place: first.item.place(), required: false };
            variables.extend(self.read_variables(file, scope));
        }
        scope.moved(directory).with(variables)
    }

    fn read_variables(&mut self, file: EnvFile<'_>, scope: &Scope<'_>) -> env_file::Variables {
        let EnvFile { path, place, required } = file;
        let error = match scope.inputs.read(&path) {
            Ok(file) => return env_file::parse(&file, &|name| scope.lookup(name), &scope.inputs, self.report),
            Err(error) => error,
        };
        let missing = error.kind() == ErrorKind::NotFound;
        if missing && required {
            self.report.add(place, InclusionFault::FileMissing { key: "env_file", path });
        } else if !missing {
            self.report.add(place, FileProblem::Unreadable { path, reason: error.to_string() });
        }
        Vec::new()
    }

    /// Copies the resources of an included file into the one that includes it.
    fn import(&mut self, root: &mut Table, included: Node) {
        let Value::Table(included) = included.value else { return };
        for entry in included.entries {
            match entry.key.as_str() {
                // It names the project that the file is by itself.
                "name" => {}
                key if key.starts_with("x-") => {}
                "autostart" | "compose_labels" | "profiles" | "systemd" => {
                    self.report.add(&entry.key_place, MergeConflict::OnlyOfTheStack { key: entry.key.clone() });
                }
                key => match RESOURCES.iter().find(|resources| resources.key == key) {
                    Some(resources) => self.import_resources(root, entry, resources),
                    // Unknown or obsolete: reported when the whole tree is decoded.
                    None if root.get(key).is_none() => root.entries.push(entry),
                    None => {}
                },
            }
        }
    }

    fn import_resources(&mut self, root: &mut Table, entry: Entry, resources: &Resources) {
        let Value::Table(included) = entry.node.value else {
            Item::of(&entry, self.report).wrong_type(Expected::Table);
            return;
        };
        let Some(own) = root.entries.iter_mut().find(|own| own.key == entry.key) else {
            root.entries.push(Entry { node: Node { value: Value::Table(included), ..entry.node }, ..entry });
            return;
        };
        if own.node.value == Value::Null {
            own.node.value = Value::Table(Table::default());
        }
        // Another type is reported when the tree is decoded.
        let Value::Table(own) = &mut own.node.value else { return };
        let index: HashMap<String, usize> =
            own.entries.iter().enumerate().map(|(number, entry)| (entry.key.clone(), number)).collect();
        for resource in included.entries {
            match index.get(&resource.key).and_then(|number| own.entries.get(*number)) {
                None => own.entries.push(resource),
                Some(first) if self.is_same(first, &resource, resources.has_paths) => {}
                Some(first) => {
                    let (what, name) = (resources.what, resource.key.clone());
                    let first = first.key_place.to_string();
                    self.report.add(&resource.key_place, MergeConflict::Conflict { what, name, first });
                }
            }
        }
    }

    /// The same words, which mean the same only where relative paths start at the same directory.
    fn is_same(&self, first: &Entry, second: &Entry, has_paths: bool) -> bool {
        let directory = |entry: &Entry| self.scopes.at(&entry.key_place).directory.clone();
        first.node.is_equivalent(&second.node) && (!has_paths || directory(first) == directory(second))
    }
}
