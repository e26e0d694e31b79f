//! The main process of a container unit: start, ready, watch, stop, exit as the container did.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use super::health::{HealthWatch, is_awaited, status_line};
use super::output::{Pause, Relay};
use super::process::Process;
use super::start::{StartError, Started, connect, patiently, start};
use super::{message, stop::StopRequest};
use crate::engine::{Container, Engine, EngineError, Health, HealthReport};
use crate::spec::{ContainerPart, ContainerSpec, Ready, exit};
use crate::systemd::journal::Journal;
use crate::systemd::{own_unit, service};

/// How long the last lines of output may take to arrive after the container has ended.
const LAST_LINES: Duration = Duration::from_secs(10);

/// The output of a container ends a moment before the engine says that the container has ended.
const A_MOMENT: Duration = Duration::from_secs(2);

/// How a container's life under this wharf-run went.
enum End {
    /// The container ended.
    Exited(Container),
    /// It was removed behind our back.
    Gone,
    /// The engine took it down with itself, and does not keep containers alive (no live-restore).
    EngineWentDown,
    /// It was told to stop, and did.
    Stopped,
    /// It ran, but was given up before it was ready.
    NeverReady(StartError),
}

/// Runs the container of a spec to its end; the exit status for systemd.
pub async fn run_container(spec: ContainerSpec) -> ExitCode {
    let stop = match StopRequest::listen() {
        Ok(stop) => stop,
        Err(error) => {
            message::error(&format!("cannot listen for signals: {error}"));
            return ExitCode::from(exit::TRY_AGAIN);
        }
    };
    let outcome = tokio::select! {
        outcome = Box::pin(bring_up(&spec)) => outcome,
        // Told to stop while starting: ExecStopPost= removes what there is.
        () = stop.wait() => return ExitCode::SUCCESS,
    };
    match outcome {
        Ok((engine, started)) => Box::pin(Life::new(engine, spec, started).run(&stop)).await,
        Err(error) => start_failed(&error),
    }
}

async fn bring_up(spec: &ContainerSpec) -> Result<(Engine, Started), StartError> {
    let engine = connect().await?;
    let started = patiently("Starting", start(&engine, spec)).await?;
    Ok((engine, started))
}

fn start_failed(error: &StartError) -> ExitCode {
    message::error(&error.to_string());
    service::status(&error.to_string());
    ExitCode::from(error.exit_status())
}

/// A container that runs, and what is known of it. Of the spec it keeps little: it lives as long as the container.
struct Life {
    engine: Engine,
    started: Started,
    part: ContainerPart,
    image: String,
    tty: bool,
}

impl Life {
    fn new(engine: Engine, spec: ContainerSpec, started: Started) -> Self {
        let image = spec.container.image.unwrap_or_default();
        Self { engine, started, part: spec.wharf, image, tty: spec.container.tty.unwrap_or(false) }
    }

    async fn run(self, stop: &StopRequest) -> ExitCode {
        if self.part.ready == Ready::Started {
            let running = HealthReport { status: Health::NONE, output: String::new() };
            service::ready(&status_line(&running, &self.started.id));
        }
        let end = match self.journal() {
            Ok(journal) => self.until_end(journal, stop).await,
            Err(error) => {
                message::error(&format!("cannot write to the journal: {error}"));
                return ExitCode::from(exit::TRY_AGAIN);
            }
        };
        self.conclude(end).await
    }

    fn journal(&self) -> std::io::Result<Journal> {
        Journal::new(&[
            ("SYSLOG_IDENTIFIER", &self.part.name),
            ("CONTAINER_ID", message::short(&self.started.id)),
            ("CONTAINER_ID_FULL", &self.started.id),
            ("CONTAINER_NAME", &self.part.name),
            ("IMAGE", &self.image),
            ("WHARF_PROJECT", &self.part.project),
            ("WHARF_SERVICE", &self.part.service),
        ])
    }

    /// Relays the output, follows the health and waits for the end, all at once.
    async fn until_end(&self, journal: Journal, stop: &StopRequest) -> End {
        let relay = Relay::new(&self.engine, &self.started.id, self.tty, journal, self.started.adopted);
        let mut health = HealthWatch::new(&self.engine, &self.started.id, is_awaited(self.part.ready));
        let mut ending = std::pin::pin!(self.end(relay));
        let never_ready = tokio::select! {
            end = &mut ending => {
                return if health.is_awaited() { never_ready(end) } else { end };
            }
            error = health.run() => Some(error),
            () = stop.wait() => None,
        };
        service::stopping("Stopping");
        tokio::select! {
            _ended = &mut ending => (),
            () = self.stop() => message::warning("the engine does not say that the container has ended"),
        }
        never_ready.map_or(End::Stopped, End::NeverReady)
    }

    /// The end of the container: the engine closes its output, or the kernel says that its process is gone.
    async fn end(&self, mut relay: Relay<'_>) -> End {
        let process = match self.engine.container(&self.started.id).await {
            Ok(Some(container)) => Process::of(&container),
            _ => Process::unknown(),
        };
        let overdue = async {
            process.ended().await;
            sleep(LAST_LINES).await;
        };
        let mut pause = Pause::new();
        let mut away = false;
        let mut overdue = std::pin::pin!(overdue.fuse());
        loop {
            let followed = tokio::select! {
                followed = relay.follow() => followed,
                () = &mut overdue => {
                    message::warning("the engine did not give the container's last lines of output");
                    Ok(())
                }
            };
            let looked = match followed {
                Ok(()) => self.look_for_end().await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(Some(container)) if container.running => pause.wait().await,
                Ok(Some(container)) if away && !self.survives_engine().await => {
                    message::warning(&format!(
                        "the engine went down, and the container with it: it {}",
                        ended(&container)
                    ));
                    return End::EngineWentDown;
                }
                Ok(Some(container)) => return End::Exited(container),
                Ok(None) | Err(EngineError::NotFound(_)) => return End::Gone,
                Err(error) => {
                    if !away {
                        message::warning(&format!("{error}; the container is left alone until the engine is back"));
                        service::status("The engine is away; the container is left alone");
                    }
                    away = true;
                    pause.wait().await;
                }
            }
        }
    }

    async fn look_for_end(&self) -> Result<Option<Container>, EngineError> {
        if let Ok(waited) = timeout(A_MOMENT, self.engine.wait_container(&self.started.id)).await {
            waited?;
        }
        self.engine.container(&self.started.id).await
    }

    async fn survives_engine(&self) -> bool {
        self.engine.live_restore().await.unwrap_or(false)
    }

    /// The stop signal, the grace period, SIGKILL. Normally the container's end, seen elsewhere, comes first.
    async fn stop(&self) {
        let grace = Duration::try_from_secs_f64(self.part.stop_grace_period).unwrap_or(Duration::from_secs(10));
        let overdue = sleep(grace);
        self.signal_until_heard(&self.stop_signal().await).await;
        overdue.await;
        message::warning(&format!("the container did not stop within {} s: killing it", grace.as_secs_f64()));
        self.signal_until_heard("SIGKILL").await;
        sleep(LAST_LINES + A_MOMENT).await;
    }

    async fn stop_signal(&self) -> String {
        let inspected = self.engine.container(&self.started.id).await.ok().flatten();
        inspected.and_then(|container| container.stop_signal).unwrap_or_else(|| "SIGTERM".to_owned())
    }

    async fn signal_until_heard(&self, signal: &str) {
        let mut pause = Pause::new();
        while let Err(error) = self.engine.signal_container(&self.started.id, signal).await {
            message::warning(&format!("cannot send {signal} to the container: {error}"));
            pause.wait().await;
        }
    }

    /// Leaves nothing behind, and tells how it ended.
    async fn conclude(&self, end: End) -> ExitCode {
        if let Err(error) = self.engine.remove_container(&self.started.id).await {
            message::warning(&format!("cannot remove the container, the next start will: {error}"));
        }
        match end {
            End::Stopped => ExitCode::SUCCESS,
            End::NeverReady(error) => start_failed(&error),
            End::EngineWentDown => ExitCode::from(exit::UNAVAILABLE),
            End::Gone => {
                message::error("the container was removed behind the unit's back");
                service::status("The container was removed behind the unit's back");
                ExitCode::from(exit::TRY_AGAIN)
            }
            End::Exited(container) => exited(&container),
        }
    }
}

/// The container ended before it was ready. Its own exit status is the better answer, unless systemd shall stop trying.
fn never_ready(end: End) -> End {
    let why = match &end {
        End::Exited(container) => format!("the container {} before it was healthy", ended(container)),
        End::Gone => "the container was removed before it was healthy".to_owned(),
        _ => return end,
    };
    let error = StartError::NeverReady(why);
    let gives_up =
        error.exit_status() == exit::CANNOT_START && own_unit::start_history().is_some_and(|h| h.restarts > 0);
    if gives_up || matches!(end, End::Gone) { End::NeverReady(error) } else { end }
}

fn exited(container: &Container) -> ExitCode {
    let line = format!("Container {}", ended(container));
    if container.exit_code == 0 {
        message::info(&line)
    } else {
        message::error(&line)
    }
    service::status(&line);
    if container.oom_killed {
        own_unit::mark_oom_kill();
    }
    ExitCode::from(u8::try_from(container.exit_code).unwrap_or(u8::MAX))
}

/// `exited with status 3`, `was ended by signal 9 (KILL)`, `was killed: out of memory`
fn ended(container: &Container) -> String {
    match container.exit_code {
        _ if container.oom_killed => format!("was killed for want of memory, status {}", container.exit_code),
        code @ 129..=192 => {
            let number = i32::try_from(code - 128).unwrap_or_default();
            let name = rustix::process::Signal::from_named_raw(number).map(|signal| format!("{signal:?}"));
            format!("was ended by signal {number} ({}), status {code}", name.unwrap_or_else(|| "real-time".to_owned()))
        }
        code => format!("exited with status {code}"),
    }
}
