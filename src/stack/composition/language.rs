//! The language that the files of a stack are written in.
//!
//! Invariant: the rest of this room knows trees only; what differs between TOML and YAML is decided here.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::SourceFile;
use crate::stack::problem::Report;
use crate::stack::text::from_toml;
use crate::stack::text::node::Node;
use crate::stack::text::surroundings::Scope;
use crate::stack::text::variables;

/// How files become trees, and when their variables are replaced.
pub trait Language {
    /// Whether a file of this path can be of the language.
    fn takes(&self, path: &Path) -> bool;

    /// The tree of a file; `None` after reporting what is wrong.
    fn parse(&mut self, file: &Arc<SourceFile>, report: &Report) -> Option<Node>;

    /// Replaces the variables of a whole file before it is put together with others.
    fn fill_in_file(&self, root: &mut Node, scope: &Scope<'_>, report: &Report);

    /// The same for one service of a file that others extend.
    fn fill_in_service(&self, service: &mut Node, scope: &Scope<'_>, report: &Report);
}

/// What stack files are written in.
pub struct Toml;

impl Language for Toml {
    fn takes(&self, path: &Path) -> bool {
        path.extension().is_none_or(|end| end != "yaml" && end != "yml")
    }

    fn parse(&mut self, file: &Arc<SourceFile>, report: &Report) -> Option<Node> {
        from_toml::parse(file, report)
    }

    fn fill_in_file(&self, root: &mut Node, scope: &Scope<'_>, report: &Report) {
        variables::interpolate_tree(root, scope, report);
    }

    fn fill_in_service(&self, service: &mut Node, scope: &Scope<'_>, report: &Report) {
        variables::interpolate_node(service, scope, report);
    }
}
