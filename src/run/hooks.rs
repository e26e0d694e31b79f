//! The hooks of a container: commands that are run in it, one after the other, with their output in the journal.

use futures_util::StreamExt;

use super::error::{Hook, HookError, HookFault, HookKind};
use super::output::STREAM;
use super::patience::patiently;
use crate::engine::{Engine, LogOutput};
use crate::spec::models::ExecConfig;
use crate::systemd::journal::{Journal, Priority};
use crate::systemd::service;

/// A longer line is split.
const LONGEST_LINE: usize = 1 << 16;

/// Runs commands in one container.
pub struct Hooks<'a> {
    pub engine: &'a Engine,
    pub container: &'a str,
    /// The journal fields of their output.
    pub fields: Vec<(&'static str, &'a str)>,
}

impl Hooks<'_> {
    /// Runs hooks in order.
    ///
    /// # Errors
    /// A hook failed; those after it have not been run.
    pub async fn run(&self, kind: HookKind, hooks: &[ExecConfig]) -> Result<(), HookError> {
        for (index, command) in hooks.iter().enumerate() {
            let number = index + 1;
            let status = format!("Running {kind} hook {number} of {}", hooks.len());
            service::busy(&status);
            let exited = patiently(&status, self.run_one(command)).await;
            success(exited).map_err(|fault| HookError { hook: hook(kind, number, command), fault })?;
        }
        Ok(())
    }

    /// Runs the command of a reload. It sends no status: systemd accepts that of the main process only.
    ///
    /// # Errors
    /// The command failed.
    pub async fn reload(&self, command: &ExecConfig) -> Result<(), HookError> {
        let exited = self.run_one(command).await;
        success(exited).map_err(|fault| HookError { hook: hook(HookKind::Reload, 1, command), fault })
    }

    /// The command's exit status.
    async fn run_one(&self, command: &ExecConfig) -> Result<i64, HookFault> {
        let journal = &mut Journal::new(&self.fields).map_err(|error| HookFault::Journal(error.to_string()))?;
        let mut exec = self.engine.exec(self.container, command).await?;
        let mut stdout = Lines::new("stdout", Priority::INFO);
        let mut stderr = Lines::new("stderr", Priority::NOTICE);
        while let Some(item) = exec.output.next().await {
            match item? {
                LogOutput::StdErr { message } => stderr.accept(&message, journal).await,
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    stdout.accept(&message, journal).await
                }
                LogOutput::StdIn { .. } => (),
            }
        }
        stdout.finish(journal).await;
        stderr.finish(journal).await;
        Ok(self.engine.exec_status(&exec).await?)
    }
}

fn success(exited: Result<i64, HookFault>) -> Result<(), HookFault> {
    match exited? {
        0 => Ok(()),
        status => Err(HookFault::Status(status)),
    }
}

fn hook(kind: HookKind, number: usize, command: &ExecConfig) -> Hook {
    Hook { kind, number, program: command.cmd.iter().flatten().next().cloned().unwrap_or_default() }
}

/// One of a command's two streams, cut into lines.
struct Lines {
    stream: &'static str,
    priority: Priority,
    part: Vec<u8>,
}

impl Lines {
    fn new(stream: &'static str, priority: Priority) -> Self {
        Self { stream, priority, part: Vec::new() }
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
            let mut is_sent = false;
            while !is_sent {
                journal.add(self.priority, line, &[(STREAM, self.stream)]);
                is_sent = journal.send().await.is_ok();
            }
        }
        self.part.clear();
    }
}
