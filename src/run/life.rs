//! Follows a running container: relays its output and health, and waits for its end or stops it.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use tokio::time::timeout;

use super::end::{End, conclude, ended, never_ready};
use super::error::{HookError, HookKind, StartError};
use super::handover::Handover;
use super::health::{HealthWatch, status_line};
use super::hooks::Hooks;
use super::output::{self, Origin, Progress, Relay};
use super::process::Process;
use super::throttle::{self, Throttle};
use super::{message, stop::StopRequest};
use crate::backoff::Backoff;
use crate::engine::{Container, Engine, EngineError};
use crate::spec::models::ExecConfig;
use crate::spec::{FollowedPart, FollowedSpec, exit, pre_stop_limit};
use crate::systemd::journal::Journal;
use crate::systemd::{own_unit, service};

/// How long the last lines of output may take to arrive after the container has ended.
const LAST_LINES: Duration = Duration::from_secs(10);

/// The output of a container ends a moment before the engine reports the container's end.
const END_DELAY: Duration = Duration::from_secs(2);

/// Less than what a unit has for its stop beyond the grace period.
const STILL_STORING: Duration = Duration::from_secs(10);

/// What asks a container to stop, if nothing else does.
const DEFAULT_SIGNAL: &str = "SIGTERM";

/// 128 and SIGKILL.
const KILLED: i64 = 137;

/// Follows the container of a spec to its end; the exit status for systemd.
pub async fn follow_container(spec: FollowedSpec) -> ExitCode {
    let prepared = Handover::received().and_then(|handover| {
        let stop = StopRequest::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let engine = Engine::with_version(handover.api_version).map_err(|error| error.to_string())?;
        let life = Life { engine, spec, handover };
        let journal = life.journal().map_err(|error| format!("cannot write to the journal: {error}"))?;
        Ok((life, journal, stop))
    });
    match prepared {
        Ok((life, journal, stop)) => {
            let end = Box::pin(life.until_end(journal, &stop)).await;
            conclude(end, &life.engine, &life.handover, &life.spec.wharf.project).await
        }
        Err(reason) => {
            message::error(&reason);
            ExitCode::from(exit::TRY_AGAIN)
        }
    }
}

/// A running container.
struct Life {
    engine: Engine,
    spec: FollowedSpec,
    handover: Handover,
}

impl Life {
    fn id(&self) -> &str {
        &self.handover.id
    }

    fn journal(&self) -> std::io::Result<Journal> {
        let mut fields = self.journal_fields();
        fields.push((output::CONTAINER, self.id()));
        Journal::new(&fields)
    }

    /// The journal fields of the container's hooks. Its own two streams have one more, by which the relay finds their lines.
    fn journal_fields(&self) -> Vec<(&'static str, &str)> {
        let FollowedPart { name, project, service, .. } = &self.spec.wharf;
        Origin { id: self.id(), name, image: &self.spec.container.image, project, service }.fields()
    }

    /// Relays the output, follows the health and waits for the end, concurrently.
    async fn until_end(&self, journal: Journal, stop: &StopRequest) -> End {
        let Handover { attached, adopted, pid, .. } = self.handover;
        let tty = self.spec.container.tty;
        let held = attached.then(throttle::handed_over).and_then(Result::ok);
        let following = Following {
            process: Process::open(pid, self.id()),
            throttle: Throttle::new(held, tty, adopted),
            progress: Progress::default(),
        };
        let source = output::Source { engine: &self.engine, id: self.id(), tty, levels: &self.spec.wharf.output };
        let relay = Relay::new(source, journal, &following.throttle, &following.progress, adopted);
        let mut health = HealthWatch::new(&self.engine, &self.handover);
        let mut ending = std::pin::pin!(self.end(&following, relay));
        let mut hooks_done = !self.handover.post_start;
        let reason = tokio::select! {
            end = &mut ending => {
                return match (hooks_done, health.is_awaited()) {
                    (true, false) => end,
                    (true, true) => never_ready(end, "it was healthy"),
                    (false, _) => never_ready(end, "its post_start hooks had run"),
                };
            }
            error = self.become_ready(&mut hooks_done, &mut health) => End::NeverReady(error),
            name = self.owner_ended() => End::OwnerEnded(name),
            () = stop.wait() => End::Stopped,
        };
        service::stopping("Stopping");
        let with_hooks = hooks_done && matches!(reason, End::Stopped);
        tokio::select! {
            _ended = &mut ending => (),
            () = following.overdue(LAST_LINES + END_DELAY) => message::warning("the container has ended, but the engine does not report it"),
            () = self.stop(with_hooks, &following) => message::warning("the engine does not report that the container has ended"),
            () = following.keep_stopping() => (),
        }
        reason
    }

    /// Runs the hooks of `post_start` if they have not run yet, then follows the health. Returns only if the container can no
    /// longer become ready.
    async fn become_ready(&self, hooks_done: &mut bool, health: &mut HealthWatch<'_>) -> StartError {
        if !*hooks_done {
            if let Err(error) = self.run_hooks(HookKind::PostStart, &self.spec.wharf.post_start).await {
                return StartError::Hook(error);
            }
            *hooks_done = true;
            if !health.is_awaited() {
                service::ready(&status_line(self.handover.health, self.id()));
            }
            if let Some(error) = health.catch_up().await {
                return error;
            }
        }
        health.run().await
    }

    async fn run_hooks(&self, kind: HookKind, hooks: &[ExecConfig]) -> Result<(), HookError> {
        let runner = Hooks { engine: &self.engine, container: self.id(), fields: self.journal_fields() };
        runner.run(kind, hooks).await
    }

    /// Runs the hooks of `pre_stop`. If one fails, the container is stopped nevertheless.
    async fn run_pre_stop(&self, grace: Duration) {
        let hooks = &self.spec.wharf.pre_stop;
        if hooks.is_empty() {
            return;
        }
        let limit = pre_stop_limit(grace);
        match timeout(limit, self.run_hooks(HookKind::PreStop, hooks)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => message::warning(&format!("{error}; stopping the container nevertheless")),
            Err(_) => message::warning(&format!(
                "the pre_stop hooks did not end within {} s; stopping the container nevertheless",
                limit.as_secs_f64()
            )),
        }
        service::busy("Stopping");
    }

    /// Waits for the container's end: the engine closes its output, or the kernel reports the end of its process.
    async fn end(&self, following: &Following, mut relay: Relay<'_>) -> End {
        let mut overdue = std::pin::pin!(following.overdue(LAST_LINES).fuse());
        let mut released = std::pin::pin!(following.release().fuse());
        let mut pause = Backoff::default();
        loop {
            let followed = tokio::select! {
                followed = relay.follow() => followed,
                () = &mut released => continue,
                () = &mut overdue => {
                    message::warning("the engine did not send the container's last lines of output");
                    Ok(())
                }
            };
            let inspected = match followed {
                Ok(()) => self.inspect_end().await,
                Err(error) => Err(error),
            };
            match inspected {
                Ok(Some(container)) if container.running => pause.wait().await,
                Ok(Some(container)) => return End::Exited(self.with_memory_kill(container)),
                Ok(None) | Err(EngineError::NotFound(_)) => return End::Gone,
                Err(error) => match self.engine_back(&error).await {
                    Some(container) if container.running => (),
                    Some(container) => {
                        tokio::select! {
                            _last_lines = relay.follow() => (),
                            () = following.progress.none_for(LAST_LINES) => (),
                        }
                        return self.ended_unseen(container).await;
                    }
                    None => return End::Gone,
                },
            }
        }
    }

    /// Waits until the engine is back; the container as it is then, if it exists.
    async fn engine_back(&self, error: &EngineError) -> Option<Container> {
        message::warning(&format!("{error}; waiting for the engine, the container is not touched"));
        service::status("Waiting for the engine; the container is not touched");
        let mut pause = Backoff::default();
        loop {
            pause.wait().await;
            if let Ok(found) = self.engine.container(self.id()).await {
                if let Some(container) = found.iter().find(|container| container.running) {
                    message::info("the engine is back");
                    service::status(&status_line(container.health.status, self.id()));
                }
                return found;
            }
        }
    }

    /// The container ended while the engine was away: by itself if the engine has live-restore, else with the engine.
    async fn ended_unseen(&self, container: Container) -> End {
        if self.engine.live_restore().await.unwrap_or(false) {
            return End::Exited(self.with_memory_kill(container));
        }
        message::warning(&format!("the engine went down, and the container with it: it {}", ended(&container)));
        End::EngineWentDown
    }

    /// Sets `oom_killed` if SIGKILL ended the container and the kernel counted an out-of-memory kill. The engine's own flag is not
    /// enough: its event may be late, and it also stays set if only a child was killed and the container went on.
    fn with_memory_kill(&self, mut container: Container) -> Container {
        let counted = self.handover.oom_kills.zip(own_unit::oom_kills()).is_some_and(|(before, now)| now > before);
        container.oom_killed = container.exit_code == KILLED && (container.oom_killed || counted);
        container
    }

    /// Waits until a container ends whose namespace this one shares; its name. Never returns if there is none.
    async fn owner_ended(&self) -> String {
        let watched = self.handover.owners.iter().map(|owner| {
            Box::pin(async move {
                Process::open(owner.pid, &owner.id).ended().await;
                owner.name.clone()
            })
        });
        let watched: Vec<_> = watched.collect();
        if watched.is_empty() {
            return std::future::pending().await;
        }
        select_all(watched).await.0
    }

    async fn inspect_end(&self) -> Result<Option<Container>, EngineError> {
        if let Ok(waited) = timeout(END_DELAY, self.engine.wait_container(self.id())).await {
            waited?;
        }
        self.engine.container(self.id()).await
    }

    /// The hooks, the stop signal, the grace period, SIGKILL. Normally the container ends first, which [`Self::end`] sees.
    async fn stop(&self, with_hooks: bool, following: &Following) {
        let grace = Duration::try_from_secs_f64(self.spec.wharf.stop_grace_period).unwrap_or(Duration::from_secs(10));
        if with_hooks {
            self.run_pre_stop(grace).await;
        }
        // The grace period passes also while the engine takes no request. The container's end, others see.
        let asked = async {
            self.signal_until_sent(&self.handover.stop_signal).await;
            std::future::pending::<()>().await;
        };
        let _passed = timeout(grace, asked).await;
        message::warning(&format!("the container did not stop within {} s; killing it", grace.as_secs_f64()));
        self.signal_until_sent("SIGKILL").await;
        following.progress.none_for(LAST_LINES + END_DELAY).await;
    }

    /// An image may name a signal that the engine refuses; then SIGTERM is sent, as the engine itself would.
    async fn signal_until_sent(&self, signal: &str) {
        let mut signal = signal;
        let mut pause = Backoff::default();
        while let Err(error) = self.engine.signal_container(self.id(), signal).await {
            message::warning(&format!("cannot send {signal} to the container: {error}"));
            if matches!(error, EngineError::Refused(_)) && signal != DEFAULT_SIGNAL {
                signal = DEFAULT_SIGNAL;
            } else {
                pause.wait().await;
            }
        }
    }
}

/// What tells how far the container and its output are.
struct Following {
    process: Process,
    throttle: Throttle,
    progress: Progress,
}

impl Following {
    /// Returns when the kernel has reported the end of the container and the engine has sent nothing for so long since.
    async fn overdue(&self, pause: Duration) {
        self.process.ended().await;
        self.progress.none_for(pause).await;
    }

    /// Once the container has ended, the engine waits for nobody to store the rest of its output. Never returns.
    async fn release(&self) {
        self.process.ended().await;
        self.throttle.release().await;
        std::future::pending().await
    }

    /// While the last lines of a container come that was asked to stop, the stop timeout starts over. Never returns.
    async fn keep_stopping(&self) {
        self.process.ended().await;
        loop {
            self.progress.some_within(STILL_STORING).await;
            service::busy("Stopping: storing the last lines of output");
        }
    }
}
