//! What the source says of its own structure: its tokens, its modules, and the paths by which a file names another.
//!
//! In: paths and texts of Rust files. Out: the code that is compiled into the programs (no comments, nothing under
//! `#[cfg(test)]`), and its arrows from file to file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

/// One token, with its line. A `::` is one token, and so is each bracket.
pub struct Token {
    pub text: String,
    pub line: usize,
    /// What a string or character literal contains.
    pub literal: Option<String>,
}

/// A name that a `use` brings into a file.
struct Import {
    path: Vec<String>,
    /// `None` for a glob.
    name: Option<String>,
    line: usize,
    /// Whether the file only passes the name on (`pub use`).
    passed_on: bool,
}

pub struct File {
    /// From the root of the repository: `src/run/mod.rs`.
    pub path: String,
    pub text: String,
    pub tokens: Vec<Token>,
    /// The tokens of its `use` declarations, which are not among `tokens`.
    pub uses: Vec<Token>,
    imports: Vec<Import>,
    children: BTreeSet<String>,
    /// The crate that the file belongs to, then its modules: `["src", "run", "life"]`.
    module: Vec<String>,
}

/// One file names something of another. A file that names something of a module above it, to which it belongs, makes none.
pub struct Arrow {
    pub from: String,
    pub line: usize,
    pub to: String,
    /// As it is written: `crate::plan::Plan`.
    pub written: String,
}

pub struct Source {
    pub files: Vec<File>,
    modules: BTreeMap<Vec<String>, usize>,
    /// All modules, also those whose own file was not given.
    folders: BTreeSet<Vec<String>>,
}

impl Source {
    /// The files below `src` of this repository.
    pub fn of_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        collect(&root.join("src"), &mut files);
        files.sort();
        Self::new(files.iter().map(|file| {
            let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            (file.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text)
        }))
    }

    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut files: Vec<(File, BTreeSet<String>)> = files.into_iter().map(|(path, text)| read(path, text)).collect();
        let tests: BTreeSet<Vec<String>> =
            (files.iter()).flat_map(|(file, tests)| tests.iter().map(|name| joined(&file.module, name))).collect();
        files.retain(|(file, _)| !tests.iter().any(|test| file.module.starts_with(test)));
        let files: Vec<File> = files.into_iter().map(|(file, _)| file).collect();
        let modules = files.iter().enumerate().map(|(index, file)| (file.module.clone(), index)).collect();
        let folders =
            files.iter().flat_map(|file| (1..=file.module.len()).map(|end| file.module[..end].to_vec())).collect();
        Self { files, modules, folders }
    }

    /// Every arrow from one file to another.
    pub fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for file in &self.files {
            let named: BTreeSet<&str> = file.tokens.iter().map(|token| token.text.as_str()).collect();
            // A name that is only passed on is no use of it.
            let imports = file.imports.iter().filter(|import| {
                !import.passed_on || import.name.as_ref().is_some_and(|name| named.contains(name.as_str()))
            });
            let imports = imports.map(|import| (import.path.clone(), import.line));
            for (path, line) in imports.chain(paths(&file.tokens)) {
                let Some(target) = self.resolve(file, &path, 0) else { continue };
                let to = &self.files[target].path;
                let belongs = file.module.starts_with(&self.files[target].module);
                if !belongs {
                    arrows.push(Arrow { from: file.path.clone(), line, to: to.clone(), written: path.join("::") });
                }
            }
        }
        arrows
    }

    /// The file that holds what a path names; `None` for what other crates hold, and for names of the file's own.
    fn resolve(&self, file: &File, path: &[String], depth: usize) -> Option<usize> {
        if depth > 16 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => file.module[..1].to_vec(),
            "wharf" => vec!["src".to_owned()],
            "self" => file.module.clone(),
            "super" => file.module[..file.module.len() - 1].to_vec(),
            child if file.children.contains(child) => joined(&file.module, child),
            name => {
                let import = file.imports.iter().find(|import| import.name.as_deref() == Some(name))?;
                if import.path == path || import.path.first() == Some(first) {
                    return None;
                }
                return self.resolve(file, &[&import.path, rest].concat(), depth + 1);
            }
        };
        let mut module = start;
        for (index, segment) in rest.iter().enumerate() {
            if segment == "super" {
                module.pop();
                continue;
            }
            let inner = joined(&module, segment);
            if self.folders.contains(&inner) {
                module = inner;
                continue;
            }
            let holder = *self.modules.get(&module)?;
            let import = self.files[holder].imports.iter().find(|import| import.name.as_deref() == Some(segment));
            let passed_on = import.and_then(|import| {
                let onward = [&import.path, &rest[index + 1..]].concat();
                self.resolve(&self.files[holder], &onward, depth + 1)
            });
            return passed_on.or(Some(holder));
        }
        self.modules.get(&module).copied()
    }
}

fn joined(module: &[String], name: &str) -> Vec<String> {
    [module, &[name.to_owned()]].concat()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// A file, and the names of its modules that are compiled for tests only.
fn read(path: String, text: String) -> (File, BTreeSet<String>) {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut reading = Reading::default();
    reading.stream(stream);
    let module = module_of(&path);
    let Reading { tokens, uses, imports, children, tests } = reading;
    (File { path, text, tokens, uses, imports, children, module }, tests)
}

/// `src/run/mod.rs` is `src::run`; each program is a crate of its own: `src/bin/wharf/main.rs` is `src/bin/wharf`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts.get(1).is_some_and(|part| part == "bin") {
        let program = parts.drain(..3).collect::<Vec<_>>().join("/");
        parts.insert(0, program);
    }
    if parts.last().is_some_and(|part| matches!(part.as_str(), "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

#[derive(Default)]
struct Reading {
    tokens: Vec<Token>,
    uses: Vec<Token>,
    imports: Vec<Import>,
    children: BTreeSet<String>,
    tests: BTreeSet<String>,
}

impl Reading {
    fn stream(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        // Where the item began that the present token belongs to, to see a `pub` before a `use`.
        let mut public = false;
        while let Some(tree) = trees.get(at) {
            match tree {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let (attribute, next) = attribute(&trees, at);
                    at = next;
                    if attribute.is_some_and(|attribute| attribute == "cfg(test)") {
                        at = self.skip_item(&trees, at);
                    }
                    continue;
                }
                TokenTree::Ident(ident) if ident == "pub" => public = true,
                TokenTree::Ident(ident) if ident == "use" => {
                    let end = end_of(&trees, at, ';');
                    self.imports_of(&trees[at + 1..end], &[], public);
                    let start = self.tokens.len();
                    for index in at..end {
                        self.token(&trees[index], trees.get(index.wrapping_sub(1)));
                    }
                    self.uses.extend(self.tokens.drain(start..));
                    at = end;
                    public = false;
                }
                TokenTree::Ident(ident) if ident == "mod" => {
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Punct(_))) =
                        (trees.get(at + 1), trees.get(at + 2))
                    {
                        self.children.insert(name.to_string());
                    }
                    public = false;
                }
                TokenTree::Ident(_) => public = false,
                _ => {}
            }
            if let Some(tree) = trees.get(at) {
                self.token(tree, trees.get(at.wrapping_sub(1)));
            }
            at += 1;
        }
    }

    fn token(&mut self, tree: &TokenTree, before: Option<&TokenTree>) {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                self.push(open, line);
                self.stream(group.stream());
                self.push(close, group.span_close().start().line);
            }
            TokenTree::Punct(punct) => {
                let pair = punct.as_char() == ':'
                    && matches!(before, Some(TokenTree::Punct(before)) if before.as_char() == ':' && before.spacing() == proc_macro2::Spacing::Joint);
                match self.tokens.last_mut() {
                    Some(last) if pair => last.text = "::".to_owned(),
                    _ => self.push(&punct.as_char().to_string(), line),
                }
            }
            TokenTree::Literal(literal) => {
                self.tokens.push(Token { text: literal.to_string(), line, literal: content(literal) });
            }
            TokenTree::Ident(ident) => self.push(&ident.to_string(), line),
        }
    }

    fn push(&mut self, text: &str, line: usize) {
        self.tokens.push(Token { text: text.to_owned(), line, literal: None });
    }

    /// Past the item, field or arm that an attribute stands before.
    fn skip_item(&mut self, trees: &[TokenTree], mut at: usize) -> usize {
        let mut braces_end = true;
        while let Some(tree) = trees.get(at) {
            match tree {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    at = attribute(trees, at).1;
                    continue;
                }
                TokenTree::Ident(ident)
                    if ident == "use" || ident == "const" || ident == "static" || ident == "type" =>
                {
                    braces_end = false;
                }
                TokenTree::Ident(ident) if ident == "mod" => {
                    if let Some(TokenTree::Ident(name)) = trees.get(at + 1) {
                        self.tests.insert(name.to_string());
                    }
                }
                TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ',') => return at + 1,
                TokenTree::Group(group) if braces_end && group.delimiter() == Delimiter::Brace => return at + 1,
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// The names that `use` brings, for one branch of its tree.
    fn imports_of(&mut self, trees: &[TokenTree], before: &[String], passed_on: bool) {
        let mut path = before.to_vec();
        let mut alias = None;
        let mut line = trees.first().map_or(0, |tree| tree.span().start().line);
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            match tree {
                TokenTree::Ident(ident) if ident == "as" => {
                    alias = trees.get(at + 1).map(ToString::to_string);
                    at += 1;
                }
                TokenTree::Ident(ident) => {
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.imports.push(Import { path, name: None, line, passed_on });
                    return;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
                    for branch in inner.split(is_comma).filter(|branch| !branch.is_empty()) {
                        self.imports_of(branch, &path, passed_on);
                    }
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let name = alias.or_else(|| path.last().cloned());
        self.imports.push(Import { path, name, line, passed_on });
    }
}

/// The text of the attribute at `at`, without blanks, and where the code goes on.
fn attribute(trees: &[TokenTree], at: usize) -> (Option<String>, usize) {
    let inner = matches!(trees.get(at + 1), Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
    match trees.get(at + 1 + usize::from(inner)) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            let text: String = group.stream().to_string().split_whitespace().collect();
            (Some(text), at + 2 + usize::from(inner))
        }
        _ => (None, at + 1),
    }
}

fn end_of(trees: &[TokenTree], from: usize, mark: char) -> usize {
    let ends = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark);
    trees[from..].iter().position(ends).map_or(trees.len(), |offset| from + offset)
}

/// What stands between the quotes, as written.
fn content(literal: &Literal) -> Option<String> {
    let text = literal.to_string();
    let quote = text.find(['"', '\''])?;
    let end = text.rfind(['"', '\''])?;
    (end > quote).then(|| text[quote + 1..end].to_owned())
}

/// The paths of two segments or more, with their lines.
fn paths(tokens: &[Token]) -> Vec<(Vec<String>, usize)> {
    let is_name =
        |token: &Token| token.text.starts_with(|c: char| c.is_alphabetic() || c == '_') && token.literal.is_none();
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = is_name(&tokens[at]) && !(at > 0 && matches!(tokens[at - 1].text.as_str(), "::" | "."));
        let mut path = Vec::new();
        let line = tokens[at].line;
        if begins {
            path.push(tokens[at].text.clone());
            while tokens.get(at + 1).is_some_and(|token| token.text == "::") && tokens.get(at + 2).is_some_and(is_name)
            {
                path.push(tokens[at + 2].text.clone());
                at += 2;
            }
        }
        if path.len() > 1 {
            paths.push((path, line));
        }
        at += 1;
    }
    paths
}
