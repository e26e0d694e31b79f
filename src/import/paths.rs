//! Relative paths of the host, made right for the directory of the stack file.
//!
//! In: the tree, and for each place the directory from which Compose resolves what stands there. Out: the same tree, in which a
//! relative path means the same file from the stack file's directory. Source: Compose Specification, wherever a path is a key's
//! value; Include; services, extends.
//! Invariant: a path that already means the same stays as it was written.

use std::path::{Path, PathBuf};

use super::problem::{Lost, Report};
use crate::diagnostic::Place;
use crate::path::absolute;
use crate::stack::text::node::{Entry, Node, Table, Value};

/// Where paths start, and where they are to start.
pub struct Move<'a> {
    /// The absolute directory for what is written at a place.
    pub from: &'a dyn Fn(&Place) -> PathBuf,
    /// The absolute directory of the stack file.
    pub to: PathBuf,
    pub report: &'a Report,
}

impl Move<'_> {
    /// Makes all paths of a stack right.
    pub fn stack(&mut self, root: &mut Table) {
        for (key, table) in tables(root) {
            for (_, member) in tables(table) {
                match key.as_str() {
                    "services" => self.service(member),
                    "secrets" | "configs" => self.keys(member, &["file"]),
                    "volumes" => self.device(member),
                    _ => {}
                }
            }
        }
    }

    fn service(&mut self, service: &mut Table) {
        for Entry { key, node, .. } in &mut service.entries {
            match key.as_str() {
                "volumes" => items(node).for_each(|item| self.mount(item)),
                "env_file" | "label_file" => self.files(node),
                "build" => self.build(node),
                _ => {}
            }
        }
    }

    /// A path, `{ path = … }`, or a list of them.
    fn files(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.files(item)),
            Value::Table(table) => self.keys(table, &["path"]),
            _ => self.path(node),
        }
    }

    /// `SOURCE:TARGET[:MODE]`, where only a source that begins with a dot is a relative path; or the long form.
    fn mount(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::String(text) => {
                let (source, rest) = split_source(text);
                let moved = match source.as_bytes().first() {
                    Some(b'.') if !rest.is_empty() => self.moved(source, &node.place),
                    Some(b'$') if !rest.is_empty() => {
                        self.variable(source, &node.place);
                        None
                    }
                    _ => None,
                };
                if let Some(moved) = moved {
                    *text = format!("{moved}{rest}");
                }
            }
            Value::Table(table) => {
                let is_bind =
                    table.get("type").and_then(|entry| entry.node.scalar()).is_some_and(|kind| kind == "bind");
                if is_bind {
                    self.keys(table, &["source"]);
                }
            }
            _ => {}
        }
    }

    fn build(&mut self, node: &mut Node) {
        let Value::Table(table) = &mut node.value else { return self.context(node) };
        for Entry { key, node, .. } in &mut table.entries {
            match (key.as_str(), &mut node.value) {
                ("context", _) => self.context(node),
                ("additional_contexts", Value::Table(contexts)) => {
                    contexts.entries.iter_mut().for_each(|entry| self.context(&mut entry.node));
                }
                ("additional_contexts", Value::Array(contexts)) => {
                    contexts.iter_mut().for_each(|context| self.assignment(context));
                }
                _ => {}
            }
        }
    }

    /// `NAME=CONTEXT`
    fn assignment(&mut self, node: &mut Node) {
        let Value::String(text) = &mut node.value else { return };
        let Some((name, context)) = text.split_once('=').filter(|(_, context)| is_directory(context)) else { return };
        if let Some(moved) = self.moved(context, &node.place) {
            *text = format!("{name}={moved}");
        }
    }

    /// A directory, unless it is a remote repository, an image or a service.
    fn context(&mut self, node: &mut Node) {
        if matches!(&node.value, Value::String(text) if is_directory(text)) {
            self.path(node);
        }
    }

    /// A volume that is a bind mount: the engine resolves nothing, so that Compose makes the path absolute, and so must this.
    fn device(&mut self, volume: &mut Table) {
        let is_local = volume.get("driver").is_some_and(|entry| entry.node.scalar().as_deref() == Some("local"));
        let Some(Value::Table(options)) = value(volume, "driver_opts").filter(|_| is_local) else { return };
        if options.get("o").is_none_or(|entry| entry.node.scalar().as_deref() != Some("bind")) {
            return;
        }
        let Some(device) = options.entries.iter_mut().find(|entry| entry.key == "device") else { return };
        if let Value::String(text) = &mut device.node.value
            && (is_relative(text) || text.is_empty())
        {
            let path = absolute(&(self.from)(&device.node.place).join(&*text));
            *text = path.to_string_lossy().into_owned();
        }
    }

    fn keys(&mut self, table: &mut Table, keys: &[&str]) {
        let entries = table.entries.iter_mut().filter(|entry| keys.contains(&entry.key.as_str()));
        entries.for_each(|entry| self.path(&mut entry.node));
    }

    fn path(&mut self, node: &mut Node) {
        let Value::String(text) = &mut node.value else { return };
        if let Some(moved) = self.moved(text, &node.place) {
            *text = moved;
        }
    }

    /// The path as it is to be written; `None` if it may stay.
    fn moved(&mut self, text: &str, place: &Place) -> Option<String> {
        let from = (self.from)(place);
        if from == self.to {
            return None;
        }
        if text.starts_with('$') {
            self.variable(text, place);
            return None;
        }
        if !is_relative(text) {
            return None;
        }
        let path = absolute(&from.join(text));
        Some(match path.strip_prefix(&self.to) {
            Ok(inside) => Path::new(".").join(inside).to_string_lossy().into_owned(),
            Err(_) => path.to_string_lossy().into_owned(),
        })
    }

    /// A variable may hold a relative path, which nobody knows now.
    fn variable(&mut self, text: &str, place: &Place) {
        let from = (self.from)(place);
        if from != self.to {
            self.report.add(place, Lost::PathInVariable { path: text.to_owned(), directory: from });
        }
    }
}

fn tables(table: &mut Table) -> impl Iterator<Item = (&String, &mut Table)> {
    table.entries.iter_mut().filter_map(|entry| match &mut entry.node.value {
        Value::Table(table) => Some((&entry.key, table)),
        _ => None,
    })
}

fn value<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    table.entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node.value)
}

fn items(node: &mut Node) -> impl Iterator<Item = &mut Node> {
    match &mut node.value {
        Value::Array(items) => items.as_mut_slice(),
        _ => &mut [],
    }
    .iter_mut()
}

fn is_relative(path: &str) -> bool {
    !path.is_empty() && !path.starts_with(['/', '~', '$'])
}

fn is_directory(context: &str) -> bool {
    let is_remote = context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/");
    !is_remote && !context.starts_with("service:")
}

/// At the first colon outside `${…}`; the rest keeps it.
fn split_source(text: &str) -> (&str, &str) {
    let mut depth = 0usize;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => return text.split_at(offset),
            _ => {}
        }
    }
    (text, "")
}
