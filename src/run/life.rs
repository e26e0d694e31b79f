//! The main process of a container unit: start, ready, watch, stop, exit as the container did.

use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::health::{HealthWatch, is_awaited, status_line};
use super::output::{Pause, Phase, Relay};
use super::start::{StartError, Started, connect, patiently, start};
use super::{message, stop::StopRequest};
use crate::engine::{Container, Engine, Health, HealthReport};
use crate::spec::{ContainerSpec, Ready, exit};
use crate::systemd::journal::Journal;
use crate::systemd::{own_unit, service};

/// How long the last lines of output may take to arrive after the container has ended.
const LAST_LINES: Duration = Duration::from_secs(10);

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
pub async fn run_container(spec: &ContainerSpec) -> ExitCode {
    let mut stop = match StopRequest::listen() {
        Ok(stop) => stop,
        Err(error) => {
            message::error(&format!("cannot listen for signals: {error}"));
            return ExitCode::from(exit::TRY_AGAIN);
        }
    };
    let started = async {
        let engine = connect().await?;
        let started = patiently("Starting", start(&engine, spec)).await?;
        Ok((engine, started))
    };
    let outcome = tokio::select! {
        outcome = started => outcome,
        // Told to stop while starting: ExecStopPost= removes what there is.
        () = stop.wait() => return ExitCode::SUCCESS,
    };
    match outcome {
        Ok((engine, started)) => Life { engine: &engine, spec, started: &started }.run(&mut stop).await,
        Err(error) => start_failed(&error),
    }
}

fn start_failed(error: &StartError) -> ExitCode {
    message::error(&error.to_string());
    service::status(&error.to_string());
    ExitCode::from(error.exit_status())
}

struct Life<'a> {
    engine: &'a Engine,
    spec: &'a ContainerSpec,
    started: &'a Started,
}

impl Life<'_> {
    async fn run(&self, stop: &mut StopRequest) -> ExitCode {
        if self.spec.wharf.ready == Ready::Started {
            let running = HealthReport { status: Health::NONE, output: String::new() };
            service::ready(&status_line(&running, &self.started.id));
        }
        let end = match self.journal() {
            Ok(journal) => self.watch(journal, stop).await,
            Err(error) => {
                message::error(&format!("cannot write to the journal: {error}"));
                return ExitCode::from(exit::TRY_AGAIN);
            }
        };
        self.conclude(end).await
    }

    fn journal(&self) -> std::io::Result<Journal> {
        let part = &self.spec.wharf;
        Journal::new(&[
            ("SYSLOG_IDENTIFIER", &part.name),
            ("CONTAINER_ID", message::short(&self.started.id)),
            ("CONTAINER_ID_FULL", &self.started.id),
            ("CONTAINER_NAME", &part.name),
            ("IMAGE", self.spec.container.image.as_deref().unwrap_or_default()),
            ("WHARF_PROJECT", &part.project),
            ("WHARF_SERVICE", &part.service),
        ])
    }

    /// Relays, follows health and waits for the end, all at once.
    async fn watch(&self, journal: Journal, stop: &mut StopRequest) -> End {
        let (phase, seen) = watch::channel(Phase::Running);
        let tty = self.spec.container.tty.unwrap_or(false);
        let mut relay = Relay::new(self.engine, &self.started.id, tty, journal, self.started.adopted);
        let mut relay = std::pin::pin!(relay.run(seen));
        let end = {
            let ending = self.until_end(stop);
            tokio::select! {
                end = ending => end,
                () = &mut relay => unreachable!("the relay ends after the container"),
            }
        };
        let (end, unseen) = end;
        phase.send_replace(if unseen { Phase::EndedUnseen } else { Phase::Ended });
        if tokio::time::timeout(LAST_LINES, relay).await.is_err() {
            message::warning("the engine did not give the container's last lines of output");
        }
        end
    }

    /// The end of the container, and whether it came while the engine was away.
    async fn until_end(&self, stop: &mut StopRequest) -> (End, bool) {
        let id = &self.started.id;
        let awaited = is_awaited(self.spec.wharf.ready);
        let mut health = HealthWatch { engine: self.engine, id, awaited, last: None };
        let mut never_ready = None;
        let mut exited = std::pin::pin!(self.exited());
        tokio::select! {
            (end, unseen) = &mut exited => {
                if !health.awaited {
                    return (end, unseen);
                }
                let why = match &end {
                    End::Exited(container) => format!("the container {} before it was healthy", ended(container)),
                    _ => "the container was removed before it was healthy".to_owned(),
                };
                return (self.never_ready(end, why), unseen);
            }
            error = health.run() => never_ready = Some(error),
            () = stop.wait() => (),
        }
        service::stopping("Stopping");
        let unseen = tokio::select! {
            (_, unseen) = &mut exited => unseen,
            () = self.stop() => unreachable!("the stop goes on until the container has ended"),
        };
        (never_ready.map_or(End::Stopped, End::NeverReady), unseen)
    }

    /// With a policy that does not restart, the container's own status is the better answer.
    fn never_ready(&self, end: End, why: String) -> End {
        match end {
            End::Exited(container) => match StartError::NeverReady(why.clone()).exit_status() {
                exit::CANNOT_START if own_unit::start_history().is_some_and(|history| history.restarts > 0) => {
                    End::NeverReady(StartError::NeverReady(why))
                }
                _ => End::Exited(container),
            },
            other => other,
        }
    }

    /// Waits for the end of the container, over any absence of the engine.
    async fn exited(&self) -> (End, bool) {
        let id = &self.started.id;
        let mut pause = Pause::new();
        let mut away = false;
        loop {
            let waited = self.engine.wait_container(id).await;
            let looked = match waited {
                Ok(_) => self.engine.container(id).await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(Some(container)) if container.running => (),
                Ok(Some(container)) if away && !self.survives_engine().await => {
                    message::warning(&format!(
                        "the engine went away, and the container with it: it {}",
                        ended(&container)
                    ));
                    return (End::EngineWentDown, away);
                }
                Ok(Some(container)) => return (End::Exited(container), away),
                Ok(None) => return (End::Gone, away),
                Err(error) => {
                    if !away {
                        message::warning(&format!("{error}; the container is left alone, waiting for the engine"));
                        service::status("The engine is away; the container is left alone");
                    }
                    away = true;
                    pause.wait().await;
                }
            }
        }
    }

    async fn survives_engine(&self) -> bool {
        self.engine.live_restore().await.unwrap_or(false)
    }

    /// The stop signal, the grace period, SIGKILL. Does not return; the container's end is waited for elsewhere.
    async fn stop(&self) {
        let grace = Duration::try_from_secs_f64(self.spec.wharf.stop_grace_period).unwrap_or(Duration::from_secs(10));
        let deadline = Instant::now() + grace;
        self.signal_until_heard(&self.stop_signal().await).await;
        sleep_until(deadline).await;
        message::warning(&format!("the container did not stop within {} s: killing it", grace.as_secs_f64()));
        self.signal_until_heard("SIGKILL").await;
        std::future::pending().await
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
