//! An image that is built: only if what it is made of has changed.
//!
//! The hash of all that the builder is given is a label of the image, so that the engine itself knows what it was made of.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::context::{Context, ContextError};
use super::message;
use super::patience::connect;
use crate::engine::{BuildOutput, Engine, EngineError};
use crate::spec::{BuildSpec, exit, label, to_json};
use crate::systemd::service;

/// Bytes of the tar file that travel at once, and how many such pieces wait for the engine.
const PIECE: usize = 1 << 16;
const PIECES: usize = 4;

/// Why there is no image.
#[derive(Debug)]
enum BuildError {
    Context(ContextError),
    Engine { step: &'static str, error: EngineError },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(error) => error.fmt(f),
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
pub async fn build_image(spec: &BuildSpec) -> ExitCode {
    let engine = match connect().await {
        Ok(engine) => engine,
        Err(error) => return failed(&error.to_string(), exit::UNAVAILABLE),
    };
    match make(&engine, spec).await {
        Ok(said) => {
            message::info(&said);
            service::status(&said);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let away = matches!(&error, BuildError::Engine { error, .. } if error.is_unreachable());
            let status = if away { exit::UNAVAILABLE } else { exit::CANNOT_START };
            failed(&format!("cannot build image {}: {error}", spec.build.t), status)
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
    let image = &spec.build.t;
    let at = |step| move |error| BuildError::Engine { step, error };
    let context = match &spec.wharf.context {
        Some(directory) => {
            service::status(&format!("Reading {}", directory.display()));
            Some(context(spec, directory)?)
        }
        None => None,
    };
    let hash = hash(spec, context.as_ref())?;
    // What a remote context holds, only the builder's own cache can tell.
    if !spec.wharf.always && context.is_some() {
        let found = engine.image(image).await.map_err(at("cannot look for it"))?;
        if found.is_some_and(|found| found.labels.get(label::CONFIG_HASH) == Some(&hash)) {
            tag_all(engine, spec).await.map_err(at("cannot tag it"))?;
            return Ok(format!("Image {image} is up to date"));
        }
    }
    build(engine, spec, context, hash).await.map_err(at("the builder failed"))?;
    tag_all(engine, spec).await.map_err(at("cannot tag it"))?;
    Ok(format!("Image {image} is built"))
}

fn context(spec: &BuildSpec, directory: &Path) -> Result<Context, ContextError> {
    let dockerfile = spec.build.dockerfile.as_deref().unwrap_or("Dockerfile");
    let context = Context::collect(directory, dockerfile, spec.wharf.dockerfile_inline.as_deref())?;
    for path in &context.left_out {
        message::warning(&format!("{} is no file, directory or link, and not sent", path.display()));
    }
    Ok(context)
}

/// SHA-256, in hexadecimal, of all that the image is made of.
fn hash(spec: &BuildSpec, context: Option<&Context>) -> Result<String, ContextError> {
    let mut hasher = Sha256::new();
    hasher.update(to_json(&spec.build).unwrap_or_default());
    if let Some(context) = context {
        context.hash(&mut hasher)?;
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn tag_all(engine: &Engine, spec: &BuildSpec) -> Result<(), EngineError> {
    for name in &spec.wharf.tags {
        engine.tag(&spec.build.t, name).await?;
    }
    Ok(())
}

async fn build(engine: &Engine, spec: &BuildSpec, context: Option<Context>, hash: String) -> Result<(), EngineError> {
    let mut parameters = spec.build.clone();
    parameters.labels.insert(label::CONFIG_HASH.to_owned(), hash);
    if let Some(context) = &context {
        parameters.dockerfile = Some(context.dockerfile.clone());
    }
    service::status(&format!("Building {}", spec.build.t));
    let mut screen = Screen { image: &spec.build.t, line: String::new() };
    let mut said = pin!(engine.build(&parameters, tar(context)));
    while let Some(output) = said.next().await {
        match output? {
            BuildOutput::Text(text) => screen.text(&text),
            BuildOutput::Status(status) => service::status(&format!("Building {}: {status}", spec.build.t)),
        }
    }
    screen.end_line();
    Ok(())
}

/// The builder's words: line by line into the journal, and its steps into the status line.
struct Screen<'a> {
    image: &'a str,
    line: String,
}

impl Screen<'_> {
    fn text(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            if piece.ends_with('\n') {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = without_colours(self.line.trim_end());
        if !line.is_empty() {
            message::info(&line);
        }
        if let Some((step, of)) = step(&line) {
            service::status(&format!("Building {}: step {step} of {of}", self.image));
        }
        self.line.clear();
    }
}

/// `Step 3/7 : COPY . /srv`
fn step(line: &str) -> Option<(u32, u32)> {
    let (step, of) = line.strip_prefix("Step ")?.split_once(" : ")?.0.split_once('/')?;
    Some((step.parse().ok()?, of.parse().ok()?))
}

/// The builder colours what a step prints on standard error (ECMA-48, control sequences).
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

/// The tar file, written by a thread of its own while the engine reads.
fn tar(context: Option<Context>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, receiver) = channel(PIECES);
    if let Some(context) = context {
        let sender = Arc::new(sender);
        std::thread::spawn(move || {
            let pipe = Pipe { sender: Arc::clone(&sender), piece: Vec::with_capacity(PIECE) };
            if let Err(error) = context.write_tar(pipe) {
                message::error(&format!("cannot read the context: {error}"));
                // Where the engine does not read on, it says itself why.
                let _nobody_reads = sender.blocking_send(Err(error));
            }
        });
    }
    stream::unfold(receiver, |mut receiver: Receiver<_>| async { Some((receiver.recv().await?, receiver)) })
}

/// What is written to it, a stream reads.
struct Pipe {
    sender: Arc<Sender<io::Result<Bytes>>>,
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
        self.sender.blocking_send(Ok(Bytes::from(piece))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_colours() {
        assert_eq!(step("Step 3/12 : RUN make"), Some((3, 12)));
        assert_eq!(step(" ---> 8d19c52f91c8"), None);
        assert_eq!(without_colours("a\u{1b}[91mred\u{1b}[0m b"), "ared b");
    }
}
