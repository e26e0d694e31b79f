//! The files → one tree.
//!
//! In: paths. Out: one tree without `include` and `extends`, put together by the stack room's `composition`, which does the same
//! for TOML. Source: Compose Specification, Merge and override, Include, extends.
//! Invariant: variables stay as they are written, but for those in the names of files and services that are put together here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::judge::Remark;
use super::problem::{Assembly, Lost, Report};
use super::request::Request;
use super::yaml::{self, Comments};
use crate::diagnostic::SourceFile;
use crate::name::ProjectName;
use crate::stack::composition::{self, Composer, Language, merge};
use crate::stack::examine::project_name_of_directory;
use crate::stack::load::read_dotenv;
use crate::stack::text::node::{Node, Table, Value};
use crate::stack::text::surroundings::{Scope, Surroundings};
use crate::stack::text::variables;

/// The top-level keys that hold named things.
const MAPPINGS: [&str; 5] = ["services", "networks", "volumes", "secrets", "configs"];

/// All files as one, and what paths and variables mean in it.
pub struct Assembled<'a> {
    pub root: Node,
    pub surroundings: Surroundings<'a>,
    /// What they mean in the first file.
    pub main: Arc<Scope<'a>>,
    /// What could not even be said in the tree.
    pub lost: Vec<Remark>,
}

/// Reads the files, at least one, and lays the later ones over the earlier ones.
pub fn assemble<'a>(
    files: &[PathBuf],
    request: &Request<'a>,
    comments: &mut Comments,
    report: &Report,
) -> Option<Assembled<'a>> {
    let mut language = Yaml { comments };
    let main = Scope::new(files.first()?.parent().unwrap_or(Path::new("")), request.environment);
    let main = main.with(read_dotenv(&main, report));
    let mut parsed = Vec::new();
    for path in files {
        parsed.push(composition::read(path, None, &mut language, report)?);
    }
    let written = parsed.iter().rev().find_map(|file| name(&file.root));
    parsed.iter().for_each(|file| mappings(&file.root, report));
    let asked =
        request.project_name.clone().or_else(|| main.lookup("COMPOSE_PROJECT_NAME")).filter(|name| !name.is_empty());
    let of_directory = || project_name_of_directory(&main.directory);
    let project = asked.or(written).or_else(of_directory).unwrap_or_else(|| "stack".to_owned());
    let main = Arc::new(main.with([("COMPOSE_PROJECT_NAME".to_owned(), project.clone())]));
    let mut composer = Composer::new(&main, &mut language, report);
    let root = composer.compose(parsed, &main, &[])?;
    let scopes = composer.scopes;
    if matches!(&root.value, Value::Table(table) if table.entries.is_empty()) {
        report.add_without_place(Assembly::NothingInside { path: files.first()?.clone() });
    }
    Some(Assembled { root, surroundings: Surroundings { project, scopes }, main, lost: Vec::new() })
}

/// As Compose takes it: in lower case, without the characters that no project name has.
fn name(root: &Node) -> Option<String> {
    let Value::Table(table) = &root.value else { return None };
    let name = table.get("name").and_then(|entry| entry.node.scalar()).filter(|name| !name.is_empty())?;
    if name.contains('$') {
        return Some(name);
    }
    Some(ProjectName::normalise(&name)).filter(|name| !name.is_empty())
}

/// That what must be mappings are some.
fn mappings(root: &Node, report: &Report) {
    let Value::Table(table) = &root.value else { return };
    for entry in table.entries.iter().filter(|entry| MAPPINGS.contains(&entry.key.as_str())) {
        let node = match &entry.node.value {
            Value::Override(node) => node,
            _ => &entry.node,
        };
        if !matches!(node.value, Value::Table(_) | Value::Null | Value::Reset) {
            report.add(&node.place, Assembly::NotAMapping { key: entry.key.clone(), found: node.kind() });
        }
    }
}

/// The language of compose files.
struct Yaml<'a> {
    comments: &'a mut Comments,
}

impl Language for Yaml<'_> {
    fn takes(&self, _path: &Path) -> bool {
        true
    }

    /// Of several documents in one file, the later ones are laid over the earlier ones, as Compose does.
    fn parse(&mut self, file: &Arc<SourceFile>, report: &Report) -> Option<Node> {
        let documents = yaml::read(file, self.comments, report)?;
        let nothing = || Node { value: Value::Table(Table::default()), place: yaml::end_of(file) };
        Some(documents.into_iter().reduce(|base, over| merge::files(base, over, report)).unwrap_or_else(nothing))
    }

    fn fill_in_file(&self, root: &mut Node, scope: &Scope<'_>, report: &Report) {
        let Value::Table(root) = &mut root.value else { return };
        for entry in &mut root.entries {
            match (entry.key.as_str(), &mut entry.node.value) {
                ("include", _) => variables::interpolate_node(&mut entry.node, scope, report),
                ("services", Value::Table(services)) => {
                    services
                        .entries
                        .iter_mut()
                        .for_each(|service| self.fill_in_service(&mut service.node, scope, report));
                }
                _ => {}
            }
        }
    }

    fn fill_in_service(&self, service: &mut Node, scope: &Scope<'_>, report: &Report) {
        let Value::Table(service) = &mut service.value else { return };
        let extends = service.entries.iter_mut().filter(|entry| entry.key == "extends");
        extends.for_each(|entry| variables::interpolate_node(&mut entry.node, scope, report));
    }
}

impl Assembled<'_> {
    /// Reports each string of an included file whose variables the stack file will not know: its own `.env` has them.
    pub fn foreign_variables(&self, report: &Report) {
        self.foreign_variables_of(&self.root, report);
    }

    fn foreign_variables_of(&self, node: &Node, report: &Report) {
        match &node.value {
            Value::Array(items) => items.iter().for_each(|item| self.foreign_variables_of(item, report)),
            Value::Table(table) => {
                let read = table.entries.iter().filter(|entry| !entry.key.starts_with("x-"));
                read.for_each(|entry| self.foreign_variables_of(&entry.node, report));
            }
            Value::String(text) if text.contains('$') => {
                let scope = self.surroundings.at(&node.place);
                let filled_in = |scope: &Scope<'_>| scope.interpolate(text).text;
                let (here, there) = (filled_in(&self.main), filled_in(scope));
                if here != there {
                    let directory = scope.shown_directory.clone();
                    report.add(&node.place, Lost::VariableOfInclude { text: text.clone(), directory });
                }
            }
            _ => {}
        }
    }
}
