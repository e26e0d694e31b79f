//! Quadlet files, as Podman's systemd generator reads them → one tree of a stack file.
//!
//! In: the paths of `.container`, `.volume`, `.network`, `.build` and `.image` files. Out: a tree in which a container is a service, and
//! a list of the lines that have no equivalent. Source: podman-systemd.unit(5).
//! Invariant: each line of a file is in the tree or in the list, unless it says what is so anyway.

mod attachments;
mod build;
mod container;
mod network;
mod rules;
mod storage;
mod systemd;
mod unit;
mod volume;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assemble::Assembled;
use super::judge::Remark;
use super::problem::{QuadletFault, Report};
use super::request::Request;
use crate::diagnostic::{Place, SourceFile};
use crate::name::ProjectName;
use crate::stack::problem::FileProblem;
use crate::stack::text::files::read_stack;
use crate::stack::text::node::{Entry, Node, Table, Value};
use crate::stack::text::surroundings::{Scope, Scopes, Surroundings};
use rules::Translation;
use unit::{Kind, Unit};

/// Whether a file is one of Quadlet's, by its name.
pub fn is_quadlet(path: &Path) -> bool {
    Kind::of(path).is_some()
}

/// All files, which are read together: they name each other.
pub struct Quadlet {
    /// The stack that comes out.
    pub project: String,
    pub units: Vec<Unit>,
}

impl Quadlet {
    /// The unit of a file that another one names, as in `Network=front.network`.
    pub fn unit(&self, file_name: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.file_name == file_name)
    }

    /// The unit behind the name of a service that Quadlet would generate, or behind a file's name.
    pub fn by_unit_name(&self, name: &str) -> Option<&Unit> {
        self.unit(name).or_else(|| self.units.iter().find(|unit| unit.service_name() == name))
    }
}

/// Reads the files and translates them.
pub fn assemble<'a>(files: &[PathBuf], request: &Request<'a>, report: &Report) -> Option<Assembled<'a>> {
    let first = files.first()?;
    let main = Arc::new(Scope::new(first.parent().unwrap_or(Path::new("")), request.environment));
    let mut scopes = Scopes::new(Arc::clone(&main));
    let mut units = Vec::new();
    for path in files {
        let Some(kind) = Kind::of(path) else {
            report.add_without_place(QuadletFault::NotQuadlet { path: path.clone() });
            continue;
        };
        let sources = sources(path, report);
        let scope = Arc::new(main.moved(path.parent().unwrap_or(Path::new(""))));
        sources.iter().for_each(|file| scopes.insert(file, &scope));
        units.push(Unit::read(kind, path, &sources, report));
    }
    if report.error_count() > 0 {
        return None;
    }
    let quadlet = Quadlet { project: project(request, first), units };
    let (root, lost) = translate(&quadlet)?;
    Some(Assembled { root, surroundings: Surroundings { project: quadlet.project, scopes }, main, lost })
}

/// As the administrator asks, else after the stack file, else after the first file.
fn project(request: &Request<'_>, first: &Path) -> String {
    let stem = |path: &Path| ProjectName::normalise(&path.file_stem().unwrap_or_default().to_string_lossy());
    let asked = request.project_name.clone().filter(|name| !name.is_empty());
    asked.unwrap_or_else(|| {
        let of_output = request.output.as_deref().map(stem).filter(|name| !name.is_empty());
        of_output.unwrap_or_else(|| stem(first))
    })
}

/// The file, and its drop-ins: `web.container.d/*.conf`.
fn sources(path: &Path, report: &Report) -> Vec<Arc<SourceFile>> {
    let mut directory = path.as_os_str().to_owned();
    directory.push(".d");
    let entries = std::fs::read_dir(&directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut drop_ins: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "conf")).collect();
    drop_ins.sort();
    let read = |path: PathBuf| match read_stack(&path) {
        Ok(file) => Some(file),
        Err(error) => {
            report.add_without_place(FileProblem::Unreadable { path, reason: error.to_string() });
            None
        }
    };
    std::iter::once(path.to_owned()).chain(drop_ins).filter_map(read).collect()
}

fn translate(quadlet: &Quadlet) -> Option<(Node, Vec<Remark>)> {
    let mut top: BTreeMap<&str, Table> = BTreeMap::new();
    let mut lost = Vec::new();
    for unit in &quadlet.units {
        let mut translation = Translation::new(quadlet, unit);
        let table = match unit.kind {
            _ if unit.is_template() => {
                translation.lose_template();
                lost.append(&mut translation.lost);
                continue;
            }
            Kind::Container => "services",
            Kind::Volume => "volumes",
            Kind::Network => "networks",
            // They are read where a container names them.
            Kind::Build | Kind::Image => {
                continue;
            }
            Kind::Other => {
                translation.lose_file();
                lost.append(&mut translation.lost);
                continue;
            }
        };
        match unit.kind {
            Kind::Container => container::translate(&mut translation),
            Kind::Volume => volume::translate(&mut translation),
            _ => network::translate(&mut translation),
        }
        systemd::translate(&mut translation);
        lost.append(&mut translation.lost);
        for (declared, name, node) in std::mem::take(&mut translation.declared) {
            let table = top.entry(declared).or_default();
            if table.get(&name).is_none() {
                table.entries.push(Entry { key: name, key_place: node.place.clone(), node });
            }
        }
        let (place, result) = (unit.place(), translation.table);
        let node = Node { value: Value::Table(result), place: place.clone() };
        let members = top.entry(table).or_default();
        members.entries.retain(|entry| entry.key != unit.name);
        members.entries.push(Entry { key: unit.name.clone(), key_place: place, node });
    }
    let place = quadlet.units.first()?.place();
    let order = ["services", "networks", "volumes", "secrets"];
    let tables = order.into_iter().filter_map(|key| Some((key, top.remove(key)?)));
    let entries = tables.map(|(key, table)| entry(key, Value::Table(table), &place)).collect();
    Some((Node { value: Value::Table(Table { entries }), place }, lost))
}

fn entry(key: &str, value: Value, place: &Place) -> Entry {
    Entry { key: key.to_owned(), key_place: place.clone(), node: Node { value, place: place.clone() } }
}
