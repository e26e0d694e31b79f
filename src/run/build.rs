//! An image that is built: only if what it is made of has changed.
//!
//! The hash of all that the builder is given is a label of the image, so that the engine itself knows what it was made of.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::context::{Context, ContextError, Dockerfile};
use super::message;
use super::patience::connect;
use super::secrets::{self, FileError};
use crate::engine::{BuildFiles, BuildOrder, BuildProgress, Engine, EngineError};
use crate::spec::{BuildSecret, BuildSpec, exit, label, to_json};
use crate::systemd::service;

/// Bytes of the tar file that travel at once, and how many such pieces wait for the engine.
const PIECE: usize = 1 << 16;
const PIECES: usize = 4;

/// A line that is longer is shown in parts.
const LONGEST_LINE: usize = 1 << 14;

/// Why there is no image.
#[derive(Debug)]
enum BuildError {
    Context(ContextError),
    Secret(FileError),
    /// An image of this stack that the build uses.
    NoImage {
        image: String,
    },
    Engine {
        step: &'static str,
        error: EngineError,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::NoImage { image } => {
                write!(f, "it uses image {image}, which is not there: start the unit that builds it, or pull it")
            }
            Self::Engine { step, error } => write!(f, "{step}: {error}"),
        }
    }
}

impl From<ContextError> for BuildError {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

/// Makes sure that the image is there as its spec and its context say.
pub async fn build_image(spec: BuildSpec) -> ExitCode {
    let engine = match connect().await {
        Ok(engine) => engine,
        Err(error) => return failed(&error.to_string(), exit::UNAVAILABLE),
    };
    match make(&engine, &spec).await {
        Ok(said) => {
            message::info(&said);
            service::status(&said);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let away = matches!(&error, BuildError::Engine { error, .. } if error.is_unreachable());
            let status = if away { exit::UNAVAILABLE } else { exit::CANNOT_START };
            failed(&format!("cannot build image {}: {error}", spec.build.name), status)
        }
    }
}

fn failed(why: &str, status: u8) -> ExitCode {
    message::error(why);
    service::status(why);
    ExitCode::from(status)
}

/// What became of it, in a sentence.
async fn make(engine: &Engine, spec: &BuildSpec) -> Result<String, BuildError> {
    let image = &spec.build.name;
    let at = |step| move |error| BuildError::Engine { step, error };
    let material = Material::collect(spec)?;
    let mut hasher = material.hash(spec)?;
    for used in &spec.wharf.images {
        let found = engine.image(used).await.map_err(at("cannot look for an image that it uses"))?;
        hasher.update(found.ok_or_else(|| BuildError::NoImage { image: used.clone() })?.id);
    }
    let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if !spec.wharf.always {
        let found = engine.image(image).await.map_err(at("cannot look for it"))?;
        if found.is_some_and(|found| found.labels.get(label::CONFIG_HASH) == Some(&hash)) {
            for name in &spec.wharf.tags {
                engine.tag(image, name).await.map_err(at("cannot tag it"))?;
            }
            return Ok(format!("Image {image} is up to date"));
        }
    }
    // A secret that is missing would be missed by the step that wants it, or by nobody.
    for secret in &spec.wharf.secrets {
        secrets::of_build(&secret.contents).map_err(BuildError::Secret)?;
    }
    build(engine, spec, material, &hash).await.map_err(at("the builder failed"))?;
    Ok(format!("Image {image} is built"))
}

/// What the builder is given of this host.
struct Material {
    dockerfile: Option<Dockerfile>,
    contexts: BTreeMap<String, Context>,
}

impl Material {
    fn collect(spec: &BuildSpec) -> Result<Self, ContextError> {
        let mut contexts = BTreeMap::new();
        let mut dockerfile = None;
        if let Some(root) = &spec.wharf.context {
            let read = match &spec.wharf.dockerfile_inline {
                Some(text) => Dockerfile::inline(text),
                None => {
                    let usual = Path::new("Dockerfile");
                    Dockerfile::read(root, spec.wharf.dockerfile.as_deref().unwrap_or(usual))?
                }
            };
            contexts.insert("context".to_owned(), context(root, Some(&read))?);
            dockerfile = Some(read);
        }
        for (name, root) in &spec.wharf.inputs {
            contexts.insert(name.clone(), context(root, None)?);
        }
        Ok(Self { dockerfile, contexts })
    }

    /// SHA-256 of all that the image is made of.
    fn hash(&self, spec: &BuildSpec) -> Result<Sha256, ContextError> {
        let mut hasher = Sha256::new();
        hasher.update(to_json(&spec.build));
        if let Some(dockerfile) = &self.dockerfile {
            dockerfile.hash(&mut hasher);
        }
        for (name, context) in &self.contexts {
            hasher.update(name);
            context.hash(&mut hasher)?;
        }
        Ok(hasher)
    }
}

fn context(root: &Path, dockerfile: Option<&Dockerfile>) -> Result<Context, ContextError> {
    service::status(&format!("Reading {}", root.display()));
    let context = Context::collect(root, dockerfile)?;
    for path in &context.left_out {
        message::warning(&format!("{} is no file, directory or link, and not sent", path.display()));
    }
    Ok(context)
}

async fn build(engine: &Engine, spec: &BuildSpec, material: Material, hash: &str) -> Result<(), EngineError> {
    let mut parameters = spec.build.clone();
    parameters.frontend_attrs.insert(format!("label:{}", label::CONFIG_HASH), hash.to_owned());
    let order = BuildOrder {
        parameters: &parameters,
        tags: &spec.wharf.tags,
        dockerfile: material.dockerfile.map(|dockerfile| (dockerfile.name, dockerfile.text)),
        inputs: material.contexts.keys().cloned().collect(),
    };
    let contexts = material.contexts.into_iter().map(|(name, context)| (name, Arc::new(context))).collect();
    let files = Arc::new(Files { contexts, secrets: spec.wharf.secrets.clone() });
    service::status(&format!("Building {}", parameters.name));
    let mut screen = Screen { image: &parameters.name, lines: Lines::default() };
    let built = engine.build(order, files, &mut |progress| screen.show(progress)).await;
    screen.end();
    built
}

/// The builder's words: line by line into the journal, and its steps into the status line.
struct Screen<'a> {
    image: &'a str,
    lines: Lines,
}

impl Screen<'_> {
    fn show(&mut self, progress: BuildProgress) {
        match progress {
            BuildProgress::Step { name, cached, .. } => self.step(&name, cached),
            BuildProgress::Text { id, text } => self.lines.add(&id, &text).iter().for_each(|line| message::info(line)),
            BuildProgress::Done { id } => self.lines.rest(&id).iter().for_each(|line| message::info(line)),
            BuildProgress::Warning(text) => message::warning(&text),
        }
    }

    /// What BuildKit does of its own accord goes by.
    fn step(&self, name: &str, cached: bool) {
        service::status(&format!("Building {}: {name}", self.image));
        if !name.starts_with("[internal]") {
            message::info(&format!("{name}{}", if cached { " (as before)" } else { "" }));
        }
    }

    fn end(&mut self) {
        let open: Vec<String> = self.lines.begun.keys().cloned().collect();
        for id in open {
            self.lines.rest(&id).iter().for_each(|line| message::info(line));
        }
    }
}

/// Steps may run side by side, and say what they say in any pieces.
#[derive(Default)]
struct Lines {
    /// The beginning of a step's next line.
    begun: HashMap<String, String>,
}

impl Lines {
    /// The lines that are whole now.
    fn add(&mut self, step: &str, text: &str) -> Vec<String> {
        let begun = self.begun.entry(step.to_owned()).or_default();
        begun.push_str(text);
        let end = begun.rfind('\n').map(|end| end + 1).or_else(|| (begun.len() > LONGEST_LINE).then_some(begun.len()));
        let Some(end) = end else { return Vec::new() };
        let rest = begun.split_off(end);
        let whole = std::mem::replace(begun, rest);
        whole.lines().filter_map(shown).collect()
    }

    fn rest(&mut self, step: &str) -> Option<String> {
        shown(&self.begun.remove(step)?)
    }
}

/// As a terminal would show it in the end, without colours; `None`: nothing.
fn shown(line: &str) -> Option<String> {
    let line = without_colours(line.trim_end());
    let last = line.rsplit('\r').next().unwrap_or_default();
    (!last.is_empty()).then(|| last.to_owned())
}

/// ECMA-48, control sequences.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)).map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

/// What BuildKit asks for while it builds.
struct Files {
    contexts: BTreeMap<String, Arc<Context>>,
    secrets: Vec<BuildSecret>,
}

impl BuildFiles for Files {
    /// Written by a thread of its own while the engine reads.
    fn tar(self: Arc<Self>, input: &str) -> Option<Receiver<io::Result<Vec<u8>>>> {
        let context = Arc::clone(self.contexts.get(input)?);
        let (sender, receiver) = channel(PIECES);
        let sender = Arc::new(sender);
        std::thread::spawn(move || {
            let pipe = Pipe { sender: Arc::clone(&sender), piece: Vec::with_capacity(PIECE) };
            if let Err(error) = context.write_tar(pipe) {
                message::error(&format!("cannot read the context: {error}"));
                // Where the engine does not read on, it says itself why.
                let _nobody_reads = sender.blocking_send(Err(error));
            }
        });
        Some(receiver)
    }

    fn secret(&self, id: &str) -> Option<Result<Vec<u8>, String>> {
        let secret = self.secrets.iter().find(|secret| secret.id == id)?;
        Some(secrets::of_build(&secret.contents).map_err(|error| error.to_string()))
    }
}

/// What is written to it, somebody receives in pieces.
struct Pipe {
    sender: Arc<Sender<io::Result<Vec<u8>>>>,
    piece: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_comes_by_whole_lines_of_each_step() {
        let mut lines = Lines::default();
        assert_eq!(lines.add("a", "one\ntw"), ["one"]);
        assert_eq!(lines.add("b", "other\n"), ["other"]);
        assert_eq!(lines.add("a", "o\r\n\u{1b}[91mred\u{1b}[0m b"), ["two"]);
        assert_eq!(lines.rest("a").as_deref(), Some("red b"));
        assert_eq!(lines.rest("a"), None);
        assert_eq!(lines.add("c", "10%\r20%\n"), ["20%"]);
    }
}
