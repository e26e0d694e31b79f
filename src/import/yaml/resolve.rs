//! The tree as written → nodes: aliases put in, merge keys merged, tags obeyed.
//!
//! Source: Compose Specification, Fragments and Merge; <https://yaml.org/type/merge.html>. Invariant: a document becomes at most
//! [`MOST_NODES`] nodes, however its aliases multiply.

use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::raw::{Kind, Raw, Scalar};
use super::scalar;
use crate::diagnostic::{Place, SourceFile};
use crate::import::problem::{Report, YamlProblem};
use crate::stack::text::node::{Entry, Node, Table, Value};

/// Compose's own limit is of the same size.
pub const MOST_NODES: usize = 100_000;

const CORE: &str = "tag:yaml.org,2002:";

/// One document; `None` if it says nothing.
pub fn document(file: &Arc<SourceFile>, root: &Raw, report: &Report) -> Option<Node> {
    let root = Resolver { file, left: MOST_NODES, report }.node(root)?;
    match &root.value {
        Value::Null | Value::Reset => None,
        Value::Table(_) => Some(root),
        _ => {
            let kind = root.kind();
            report.add(&root.place, YamlProblem::NoMapping { found: kind });
            None
        }
    }
}

struct Resolver<'a> {
    file: &'a Arc<SourceFile>,
    left: usize,
    report: &'a Report,
}

impl Resolver<'_> {
    /// `None`: there is no such value, or it is wrong, which is reported.
    fn node(&mut self, raw: &Raw) -> Option<Node> {
        let place = self.place(&raw.span);
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if self.left == 0 {
            self.report.add(&place, YamlProblem::TooMany { most: MOST_NODES });
            return None;
        }
        if raw.tag.as_deref() == Some("!reset") {
            return Some(Node { value: Value::Reset, place });
        }
        let value = match &raw.kind {
            Kind::Alias(target) => return self.node(target),
            Kind::Scalar(scalar) => self.scalar(scalar, raw.tag.as_deref(), &place),
            Kind::Sequence(items) => Value::Array(items.iter().filter_map(|item| self.node(item)).collect()),
            Kind::Mapping(pairs) => Value::Table(self.table(pairs)),
        };
        let node = Node { value, place: place.clone() };
        let is_override = raw.tag.as_deref() == Some("!override");
        Some(if is_override { Node { value: Value::Override(Box::new(node)), place } } else { node })
    }

    fn scalar(&mut self, scalar: &Scalar, tag: Option<&str>, place: &Place) -> Value {
        let Scalar { text, plain } = scalar;
        let string = || Value::String(text.clone());
        match tag {
            None | Some("!override") if *plain => scalar::plain(text),
            None | Some("!" | "!override") => string(),
            Some(tag) => {
                let value = tag.strip_prefix(CORE).and_then(|kind| scalar::tagged(kind, text));
                value.unwrap_or_else(|| {
                    self.report.add(place, YamlProblem::Tag { tag: shown(tag), text: text.clone() });
                    string()
                })
            }
        }
    }

    fn table(&mut self, pairs: &[(Rc<Raw>, Rc<Raw>)]) -> Table {
        let keys: Vec<Option<String>> = pairs.iter().map(|(key, _)| self.key(key)).collect();
        let own: HashSet<&String> = keys.iter().flatten().collect();
        let mut mapping = Mapping::default();
        for ((raw_key, raw_value), key) in pairs.iter().zip(&keys) {
            let Some(key) = key else { continue };
            if is_merge(raw_key) {
                self.merge(raw_value, &own, &mut mapping);
                continue;
            }
            let key_place = self.place(&raw_key.span);
            if mapping.keys.contains(key) {
                self.report.add(&key_place, YamlProblem::Twice { key: key.clone() });
            } else if let Some(node) = self.node(raw_value) {
                mapping.push(Entry { key: key.clone(), key_place, node });
            }
        }
        Table { entries: mapping.entries }
    }

    /// A key, which must be text: Compose refuses `1:` and `true:`.
    fn key(&mut self, raw: &Raw) -> Option<String> {
        let is_text = |scalar: &Scalar| !scalar.plain || matches!(scalar::plain(&scalar.text), Value::String(_));
        match &raw.kind {
            Kind::Scalar(scalar) if raw.tag.is_some() || is_text(scalar) => Some(scalar.text.clone()),
            Kind::Alias(target) => self.key(target),
            _ => {
                let place = self.place(&raw.span);
                self.report.add(&place, YamlProblem::KeyNotText);
                None
            }
        }
    }

    /// `<<`: one mapping or a list of them, of which the first wins; a key of the mapping's own wins over all.
    fn merge(&mut self, raw: &Raw, own: &HashSet<&String>, mapping: &mut Mapping) {
        match &raw.kind {
            Kind::Alias(target) => self.merge(target, own, mapping),
            Kind::Mapping(_) => {
                let Some(Node { value: Value::Table(merged), .. }) = self.node(raw) else { return };
                let new = |entry: &Entry| !own.contains(&entry.key);
                for entry in merged.entries.into_iter().filter(new) {
                    if !mapping.keys.contains(&entry.key) {
                        mapping.push(entry);
                    }
                }
            }
            Kind::Sequence(items) => {
                for item in items {
                    match innermost(item).kind {
                        Kind::Mapping(_) => self.merge(item, own, mapping),
                        _ => self.no_merge(&item.span),
                    }
                }
            }
            Kind::Scalar(Scalar { text, plain: true }) if scalar::plain(text) == Value::Null => {}
            Kind::Scalar(_) => self.no_merge(&raw.span),
        }
    }

    fn no_merge(&mut self, span: &Range<usize>) {
        let place = self.place(span);
        self.report.add(&place, YamlProblem::NoMerge);
    }

    /// Of what is longer than a line, the first line.
    fn place(&self, span: &Range<usize>) -> Place {
        let text = self.file.text.get(span.clone()).unwrap_or("");
        let is_flow = text.starts_with(['[', '{', '"', '\'']);
        let length = if is_flow { text.len() } else { text.find(['\n', '\r']).unwrap_or(text.len()) };
        Place::new(self.file, span.start..span.start + text[..length].trim_end().len())
    }
}

/// A table that grows, and what keys it has.
#[derive(Default)]
struct Mapping {
    entries: Vec<Entry>,
    keys: HashSet<String>,
}

impl Mapping {
    fn push(&mut self, entry: Entry) {
        self.keys.insert(entry.key.clone());
        self.entries.push(entry);
    }
}

fn innermost(raw: &Raw) -> &Raw {
    match &raw.kind {
        Kind::Alias(target) => innermost(target),
        _ => raw,
    }
}

fn is_merge(key: &Raw) -> bool {
    matches!(&key.kind, Kind::Scalar(Scalar { text, plain: true }) if text == "<<")
}

/// A tag as people write it.
fn shown(tag: &str) -> String {
    tag.strip_prefix(CORE).map_or_else(|| tag.to_owned(), |kind| format!("!!{kind}"))
}
