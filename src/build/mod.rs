//! The build of one image: what `wharf-build` does for a unit.
//!
//! In: a spec, and directories of files that may be somebody else's. Out: an image at the engine, built if its inputs have
//! changed: their hash is a label of the image, so that the engine itself knows what it was built from. Invariant: a context gives
//! nothing but what lies in it, and the status, which everybody reads, has nothing of its text.

mod context;
mod dockerignore;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use context::{Context, ContextError, Dockerfile};

use crate::engine::{BuildFiles, BuildOrder, BuildProgress, Engine, EngineError};
use crate::run::{FileError, build_secret, connect, failed, message};
use crate::spec::{BuildSecret, BuildSpec, exit, label, to_json};
use crate::systemd::service;

/// The tar file is sent in chunks of so many bytes, of which so many wait for the engine.
const CHUNK: usize = 1 << 16;
const CHUNKS: usize = 4;

/// A longer line is split.
const LONGEST_LINE: usize = 1 << 14;

/// Why there is no image.
#[derive(Debug, Error)]
enum BuildError {
    #[error(transparent)]
    Context(#[from] ContextError),
    #[error(transparent)]
    Secret(#[from] FileError),
    /// Another image of the stack, which the build uses.
    #[error("the build uses image {image}, which is not on this host: start the unit that builds it, or pull it")]
    NoImage { image: String },
    #[error("{step}: {error}")]
    Engine { step: &'static str, error: EngineError },
}

/// Makes sure that the image exists as its spec and its context define it.
pub async fn build_image(spec: BuildSpec) -> ExitCode {
    let engine = match connect().await {
        Ok(engine) => engine,
        Err(error) => return failed(&error.to_string(), exit::UNAVAILABLE),
    };
    match ensure(&engine, &spec).await {
        Ok(outcome) => {
            message::info(&outcome);
            service::status(&outcome);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let unreachable = matches!(&error, BuildError::Engine { error, .. } if error.is_unreachable());
            let status = if unreachable { exit::UNAVAILABLE } else { exit::CANNOT_START };
            let reason = format!("cannot build image {}: {error}", spec.build.name);
            message::error(&reason);
            let is_of_builder = !matches!(&error, BuildError::Engine { error: EngineError::NoBuildKit { .. }, .. });
            service::status(&if is_of_builder { without_source(&reason) } else { reason });
            ExitCode::from(status)
        }
    }
}

/// Without what the builder quotes of a Dockerfile: every user reads the status, few may read the Dockerfile, and what is no
/// Dockerfile may be anything. The journal has it whole.
fn without_source(reason: &str) -> String {
    const QUOTES: &str = "dockerfile parse error";
    if let Some(start) = reason.find(QUOTES) {
        let after = start + QUOTES.len();
        let number = [" on line ", " line "].iter().find_map(|words| reason[after..].strip_prefix(words));
        let number = number.map_or("", |number| number.trim_start_matches(|c: char| c.is_ascii_digit()));
        let end = if number.is_empty() { after } else { reason.len() - number.len() };
        return reason[..end].to_owned();
    }
    // A command may have quotation marks of its own.
    match (reason.find('"'), reason.rfind('"')) {
        (Some(begin), Some(end)) if begin < end => format!("{}\"…\"{}", &reason[..begin], &reason[end + 1..]),
        _ => reason.to_owned(),
    }
}

/// `[build 2/5]` of `[build 2/5] RUN make`.
fn number_of(step: &str) -> &str {
    step.find(']').filter(|_| step.starts_with('[')).map_or("", |end| &step[..=end])
}

/// The outcome as a sentence.
async fn ensure(engine: &Engine, spec: &BuildSpec) -> Result<String, BuildError> {
    let image = &spec.build.name;
    let at = |step| move |error| BuildError::Engine { step, error };
    let inputs = Inputs::collect(spec)?;
    let mut hasher = inputs.hash(spec)?;
    for used in &spec.wharf.images {
        let found = engine.image(used).await.map_err(at("cannot look for an image that the build uses"))?;
        hasher.update(found.ok_or_else(|| BuildError::NoImage { image: used.clone() })?.id);
    }
    let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if !spec.wharf.always {
        let found = engine.image(image).await.map_err(at("cannot look for the image"))?;
        if found.is_some_and(|found| found.labels.get(label::CONFIG_HASH) == Some(&hash)) {
            for name in &spec.wharf.tags {
                engine.tag(image, name).await.map_err(at("cannot tag the image"))?;
            }
            return Ok(format!("Image {image} is up to date"));
        }
    }
    // BuildKit reports a missing secret only if a step requires it, and without the reason.
    for secret in &spec.wharf.secrets {
        build_secret(&secret.contents)?;
    }
    build(engine, spec, inputs, &hash).await.map_err(at("the builder failed"))?;
    Ok(format!("Image {image} is built"))
}

/// What the build reads from this host.
struct Inputs {
    dockerfile: Option<Dockerfile>,
    contexts: BTreeMap<String, Context>,
}

impl Inputs {
    fn collect(spec: &BuildSpec) -> Result<Self, ContextError> {
        let mut contexts = BTreeMap::new();
        let mut dockerfile = None;
        if let Some(root) = &spec.wharf.context {
            let read = match &spec.wharf.dockerfile_inline {
                Some(text) => Dockerfile::inline(text),
                None => {
                    let default = Path::new("Dockerfile");
                    Dockerfile::read(root, spec.wharf.dockerfile.as_deref().unwrap_or(default))?
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

    /// SHA-256 of everything that the image is built from.
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
    for path in &context.left_out.first {
        message::warning(&format!(
            "{} is not a file, directory or link; it is not sent to the builder",
            path.display()
        ));
    }
    if context.left_out.more() > 0 {
        message::warning(&format!("{} more are not sent, either", context.left_out.more()));
    }
    Ok(context)
}

async fn build(engine: &Engine, spec: &BuildSpec, inputs: Inputs, hash: &str) -> Result<(), EngineError> {
    let mut parameters = spec.build.clone();
    parameters.frontend_attrs.insert(format!("label:{}", label::CONFIG_HASH), hash.to_owned());
    let order = BuildOrder {
        parameters: &parameters,
        tags: &spec.wharf.tags,
        dockerfile: inputs.dockerfile.map(|dockerfile| (dockerfile.name, dockerfile.text)),
        inputs: inputs.contexts.keys().cloned().collect(),
    };
    let contexts = inputs.contexts.into_iter().map(|(name, context)| (name, Arc::new(context))).collect();
    let files = Arc::new(Files { contexts, secrets: spec.wharf.secrets.clone() });
    service::status(&format!("Building {}", parameters.name));
    let mut shown = Progress { image: &parameters.name, lines: Lines::default() };
    let built = engine.build(order, files, &mut |progress| shown.show(progress)).await;
    shown.end();
    built
}

/// Shows the builder's progress: its output as lines in the journal, its steps in the status line.
struct Progress<'a> {
    image: &'a str,
    lines: Lines,
}

impl Progress<'_> {
    fn show(&mut self, progress: BuildProgress) {
        match progress {
            BuildProgress::Step { name, cached, .. } => self.step(&name, cached),
            BuildProgress::Text { id, text } => self.lines.add(&id, &text).iter().for_each(|line| message::info(line)),
            BuildProgress::Done { id } => self.lines.rest(&id).iter().for_each(|line| message::info(line)),
            BuildProgress::Warning(text) => message::warning(&text),
        }
    }

    /// BuildKit's internal steps are not logged.
    fn step(&self, name: &str, cached: bool) {
        service::status(format!("Building {} {}", self.image, number_of(name)).trim_end());
        if !name.starts_with("[internal]") {
            message::info(&format!("{name}{}", if cached { " (cached)" } else { "" }));
        }
    }

    fn end(&mut self) {
        let open: Vec<String> = self.lines.partial.keys().cloned().collect();
        for id in open {
            self.lines.rest(&id).iter().for_each(|line| message::info(line));
        }
    }
}

/// Steps may run concurrently, and print in chunks of any size.
#[derive(Default)]
struct Lines {
    /// The incomplete last line of each step.
    partial: HashMap<String, String>,
}

impl Lines {
    /// Returns the lines that are complete now.
    fn add(&mut self, step: &str, text: &str) -> Vec<String> {
        let partial = self.partial.entry(step.to_owned()).or_default();
        partial.push_str(text);
        let end =
            partial.rfind('\n').map(|end| end + 1).or_else(|| (partial.len() > LONGEST_LINE).then_some(partial.len()));
        let Some(end) = end else { return Vec::new() };
        let rest = partial.split_off(end);
        let whole = std::mem::replace(partial, rest);
        whole.lines().filter_map(plain).collect()
    }

    fn rest(&mut self, step: &str) -> Option<String> {
        plain(&self.partial.remove(step)?)
    }
}

/// The line as a terminal would show it in the end, without colours; `None` if it is empty.
fn plain(line: &str) -> Option<String> {
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

/// What BuildKit asks for during the build.
struct Files {
    contexts: BTreeMap<String, Arc<Context>>,
    secrets: Vec<BuildSecret>,
}

impl BuildFiles for Files {
    /// A separate thread writes the tar file while the engine reads.
    fn tar(self: Arc<Self>, input: &str) -> Option<Receiver<io::Result<Vec<u8>>>> {
        let context = Arc::clone(self.contexts.get(input)?);
        let (sender, receiver) = channel(CHUNKS);
        let sender = Arc::new(sender);
        std::thread::spawn(move || {
            let pipe = Pipe { sender: Arc::clone(&sender), chunk: Vec::with_capacity(CHUNK) };
            if let Err(error) = context.write_tar(pipe) {
                message::error(&format!("cannot read the build context: {error}"));
                // If the engine stopped reading, it reports the reason itself.
                let _nobody_reads = sender.blocking_send(Err(error));
            }
        });
        Some(receiver)
    }

    fn secret(&self, id: &str) -> Option<Result<Vec<u8>, String>> {
        let secret = self.secrets.iter().find(|secret| secret.id == id)?;
        Some(build_secret(&secret.contents).map_err(|error| error.to_string()))
    }
}

/// Sends what is written to it in chunks.
struct Pipe {
    sender: Arc<Sender<io::Result<Vec<u8>>>>,
    chunk: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        if chunk.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_has_the_line_of_a_parse_error_and_not_its_text() {
        let reason = "the builder failed: dockerfile parse error on line 12: unknown instruction: hunter2";
        assert_eq!(without_source(reason), "the builder failed: dockerfile parse error on line 12");
        let reason = "the builder failed: failed to solve: dockerfile parse error: hunter2";
        assert!(!without_source(reason).contains("hunter"));
        assert_eq!(without_source("exit code: 3"), "exit code: 3");
    }

    #[test]
    fn the_status_has_the_number_of_a_step_and_not_its_text() {
        assert_eq!(number_of("[build 2/5] RUN curl -u admin:[hunter2]"), "[build 2/5]");
        assert_eq!(number_of("[2/5] RUN x"), "[2/5]");
        assert_eq!(number_of("exporting to image"), "");
        let reason =
            r#"failed to solve: process "sh -c echo "hunter2"; exit 3" did not complete successfully: exit code: 3"#;
        let expected = r#"failed to solve: process "…" did not complete successfully: exit code: 3"#;
        assert_eq!(without_source(reason), expected);
    }

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
