//! A Quadlet file as sections of lines.
//!
//! Source: systemd.syntax(7).

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Place, SourceFile};
use crate::import::problem::{QuadletFault, Report};
use crate::name::UnitName;

/// What a file makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Container,
    Volume,
    Network,
    Build,
    Image,
    /// A pod, a Kubernetes file, an artifact: a stack file has nothing like it.
    Other,
}

impl Kind {
    /// By the end of the file's name.
    pub fn of(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "container" => Self::Container,
            "volume" => Self::Volume,
            "network" => Self::Network,
            "build" => Self::Build,
            "image" => Self::Image,
            "pod" | "kube" | "artifact" => Self::Other,
            _ => return None,
        })
    }

    /// Its own section.
    pub fn section(self) -> &'static str {
        match self {
            Self::Container => "Container",
            Self::Volume => "Volume",
            Self::Network => "Network",
            Self::Build => "Build",
            Self::Image => "Image",
            Self::Other => "",
        }
    }
}

/// One `Key=Value`.
#[derive(Debug, Clone)]
pub struct Line {
    pub section: String,
    pub key: String,
    /// Continued lines are joined.
    pub value: String,
    /// Of the whole line.
    pub place: Place,
}

impl Line {
    /// The value without the quotes around it.
    pub fn unquoted(&self) -> &str {
        let inside =
            |quote: char| self.value.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote));
        inside('"').or_else(|| inside('\'')).unwrap_or(&self.value)
    }
}

/// One file with its drop-ins.
#[derive(Debug)]
pub struct Unit {
    pub kind: Kind,
    /// `web` of `web.container`.
    pub name: String,
    pub file_name: String,
    pub lines: Vec<Line>,
    file: Arc<SourceFile>,
}

impl Unit {
    /// `sources`: the file, then its drop-ins.
    pub fn read(kind: Kind, path: &Path, sources: &[Arc<SourceFile>], report: &Report) -> Self {
        let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        Self {
            kind,
            name: name(path.file_stem()),
            file_name: name(path.file_name()),
            lines: sources.iter().flat_map(|file| lines(file, report)).collect(),
            file: sources.first().map_or_else(|| SourceFile::new(path, ""), Arc::clone),
        }
    }

    /// The name of the service that Quadlet makes of it.
    pub fn service_name(&self) -> String {
        match self.kind {
            Kind::Container => format!("{}.service", self.name),
            kind => format!("{}-{}.service", self.name, kind.section().to_lowercase()),
        }
    }

    /// Whether it makes one unit for each instance, or is one of them.
    pub fn is_template(&self) -> bool {
        UnitName::parse(&format!("{}.service", self.name))
            .is_ok_and(|unit| unit.is_template() || unit.instance().is_some())
    }

    /// Where the file begins.
    pub fn place(&self) -> Place {
        Place::new(&self.file, 0..self.file.text.lines().next().map_or(0, str::len))
    }

    /// The lines of the unit's own section that count: an empty value takes those before it away.
    pub fn own(&self, key: &str) -> Vec<&Line> {
        let mut found: Vec<&Line> = Vec::new();
        for line in self.lines.iter().filter(|line| line.section == self.kind.section() && line.key == key) {
            if line.value.is_empty() {
                found.clear();
            } else {
                found.push(line);
            }
        }
        found
    }
}

fn lines(file: &Arc<SourceFile>, report: &Report) -> Vec<Line> {
    let (mut lines, mut section) = (Vec::new(), String::new());
    for (span, text) in joined(&file.text) {
        let text = text.trim();
        if let Some(name) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let place = Place::new(file, span);
        match text.split_once('=').filter(|_| !section.is_empty()) {
            Some((key, value)) => lines.push(Line {
                section: section.clone(),
                key: key.trim_end().to_owned(),
                value: value.trim_start().to_owned(),
                place,
            }),
            None => report.add(&place, QuadletFault::Syntax),
        }
    }
    lines
}

/// The lines that say something, those that a backslash continues joined by a space, with where each stands.
fn joined(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut joined: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    let (mut offset, mut continues) = (0, false);
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let is_comment = line.trim_start().starts_with(['#', ';']);
        if is_comment || (line.trim().is_empty() && !continues) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let (content, goes_on) = match line.strip_suffix('\\') {
            Some(content) => (content, true),
            None => (line, false),
        };
        match joined.last_mut().filter(|_| continues) {
            Some((span, before)) => {
                span.end = start + line.len();
                before.push(' ');
                before.push_str(content.trim_start());
            }
            None => joined.push((start + indent..start + line.trim_end().len(), content.to_owned())),
        }
        continues = goes_on;
    }
    joined
}
