//! Commands that are run inside a container.

use std::pin::Pin;
use std::time::Duration;

use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::{Stream, StreamExt, stream};

use super::{Engine, EngineError, LogOutput};

/// A command that runs in a container.
pub struct Exec {
    id: String,
    /// What it prints, to its end.
    pub output: Pin<Box<dyn Stream<Item = Result<LogOutput, EngineError>>>>,
}

impl Engine {
    /// Runs a command in a running container; `config` asks for the output.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if there is no such container, [`EngineError::Conflict`] if it does not run.
    pub async fn exec(&self, container: &str, config: &ExecConfig) -> Result<Exec, EngineError> {
        let id = self.docker.create_exec(container, config.clone()).await?.id;
        let output: Pin<Box<dyn Stream<Item = _>>> = match self.streams.start_exec(&id, None).await? {
            StartExecResults::Attached { output, .. } => Box::pin(output.map(|item| item.map_err(EngineError::from))),
            StartExecResults::Detached => Box::pin(stream::empty()),
        };
        Ok(Exec { id, output })
    }

    /// The exit status of a command whose output has ended.
    pub async fn exec_status(&self, exec: &Exec) -> Result<i64, EngineError> {
        /// The output may end a moment before the engine has noted the end of the command.
        const AGAIN: Duration = Duration::from_millis(20);
        loop {
            let state = self.docker.inspect_exec(&exec.id).await?;
            if let (Some(false), Some(status)) = (state.running, state.exit_code) {
                return Ok(status);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
