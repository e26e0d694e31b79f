//! The hooks of a container: commands that are run inside it, one after the other, with their output in the journal.

use std::fmt;

use bollard::models::ExecConfig;
use futures_util::StreamExt;

use super::patience::patiently;
use crate::engine::{Engine, EngineError, LogOutput};
use crate::systemd::journal::{Journal, Priority};
use crate::systemd::service;

/// A longer line is split.
const LONGEST_LINE: usize = 1 << 16;

/// Which hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    PostStart,
    PreStop,
    /// Not one of several, and not in the stack file as a hook.
    Reload,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PostStart => "post_start",
            Self::PreStop => "pre_stop",
            Self::Reload => "reload_command",
        })
    }
}

/// A hook that did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedHook {
    when: When,
    /// From 1 on, as they stand in the stack file.
    number: usize,
    program: String,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    Status(i64),
    Engine(EngineError),
    /// There is no socket left to write to the journal.
    Journal(String),
}

impl From<EngineError> for Why {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl fmt::Display for FailedHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Reload => write!(f, "{} ({}) ", self.when, self.program)?,
            _ => write!(f, "{} hook {} ({}) ", self.when, self.number, self.program)?,
        }
        match &self.why {
            Why::Status(status) => write!(f, "exited with status {status}"),
            Why::Engine(error) => write!(f, "could not be run: {error}"),
            Why::Journal(error) => write!(f, "could not be run: cannot write to the journal: {error}"),
        }
    }
}

/// Runs hooks in order; the first that fails is the last. Their output gets these fields in the journal.
pub async fn run(
    engine: &Engine,
    container: &str,
    when: When,
    hooks: &[ExecConfig],
    fields: &[(&str, &str)],
) -> Result<(), FailedHook> {
    for (index, hook) in hooks.iter().enumerate() {
        let number = index + 1;
        let status = format!("Running {when} hook {number} of {}", hooks.len());
        service::busy(&status);
        let ended = patiently(&status, run_one(engine, container, hook, fields)).await;
        success(ended).map_err(|why| FailedHook { when, number, program: program(hook), why })?;
    }
    Ok(())
}

/// Runs the command of a reload. Of how it goes on nobody is told: systemd listens to the main process alone.
pub async fn run_reload(
    engine: &Engine,
    container: &str,
    command: &ExecConfig,
    fields: &[(&str, &str)],
) -> Result<(), FailedHook> {
    let ended = run_one(engine, container, command, fields).await;
    success(ended).map_err(|why| FailedHook { when: When::Reload, number: 1, program: program(command), why })
}

fn success(ended: Result<i64, Why>) -> Result<(), Why> {
    match ended {
        Ok(0) => Ok(()),
        Ok(status) => Err(Why::Status(status)),
        Err(why) => Err(why),
    }
}

fn program(hook: &ExecConfig) -> String {
    hook.cmd.iter().flatten().next().cloned().unwrap_or_default()
}

async fn run_one(engine: &Engine, container: &str, hook: &ExecConfig, fields: &[(&str, &str)]) -> Result<i64, Why> {
    let journal = &mut Journal::new(fields).map_err(|error| Why::Journal(error.to_string()))?;
    let mut exec = engine.exec(container, hook).await?;
    let mut stdout = Lines::new(Priority::Info);
    let mut stderr = Lines::new(Priority::Error);
    while let Some(item) = exec.output.next().await {
        match item? {
            LogOutput::StdErr { message } => stderr.accept(&message, journal).await,
            LogOutput::StdOut { message } | LogOutput::Console { message } => stdout.accept(&message, journal).await,
            LogOutput::StdIn { .. } => (),
        }
    }
    stdout.finish(journal).await;
    stderr.finish(journal).await;
    Ok(engine.exec_status(&exec).await?)
}

/// One of a hook's two streams, cut into lines.
struct Lines {
    priority: Priority,
    part: Vec<u8>,
}

impl Lines {
    fn new(priority: Priority) -> Self {
        Self { priority, part: Vec::new() }
    }

    async fn accept(&mut self, bytes: &[u8], journal: &mut Journal) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.part.extend_from_slice(piece);
            if self.part.ends_with(b"\n") || self.part.len() >= LONGEST_LINE {
                self.finish(journal).await;
            }
        }
    }

    async fn finish(&mut self, journal: &mut Journal) {
        let line = self.part.trim_ascii_end();
        if !line.is_empty() {
            journal.send(self.priority, line, &[]).await;
        }
        self.part.clear();
    }
}
