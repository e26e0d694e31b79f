//! Follows a running container: relays its output and health, waits for its end or stops it, and reports the end to systemd.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use nix::sys::signal::Signal;
use tokio::time::timeout;

use super::error::{HookError, HookKind, StartError};
use super::exit::{exit_status, failed, start_failed};
use super::handover::Handover;
use super::health::{HealthWatch, status_line};
use super::hooks::Hooks;
use super::output::{self, Origin, Progress, Relay};
use super::process::Process;
use super::throttle::{self, Throttle};
use super::{leftover, message, stop::StopRequest};
use crate::backoff::Backoff;
use crate::engine::{Container, Engine, EngineError};
use crate::spec::models::ExecConfig;
use crate::spec::{FollowedPart, FollowedSpec, exit, pre_stop_limit};
use crate::systemd::journal::Journal;
use crate::systemd::{any_runs, ask_state, own_unit, service};

/// How long the last lines of output may take to arrive after the container has ended.
const LAST_LINES: Duration = Duration::from_secs(10);

/// The output of a container ends a moment before the engine reports the container's end.
const END_DELAY: Duration = Duration::from_secs(2);

/// Less than what a unit has for its stop beyond the grace period.
const STILL_STORING: Duration = Duration::from_secs(10);

/// How long those may take to end that ended with the engine.
const PREDECESSORS: Duration = Duration::from_secs(15);

/// The unit of the engine.
const ENGINE: &str = "docker.service";

/// What asks a container to stop, if nothing else does.
const DEFAULT_SIGNAL: &str = "SIGTERM";

/// 128 and SIGKILL.
const KILLED: i64 = 137;

/// Why this wharf-run follows the container no longer.
enum End {
    /// The container ended.
    Exited(Container),
    /// The container of this name, whose namespace it shares, ended; the namespace is of no use without it.
    OwnerEnded(String),
    /// Somebody else removed it.
    Gone,
    /// The engine went down and took the container with it (no live-restore).
    EngineWentDown,
    /// systemd asked for the stop.
    Stopped,
    /// It did not become ready.
    NeverReady(StartError),
}

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
            life.conclude(end).await
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
        let source = output::Source { engine: &self.engine, id: self.id(), tty };
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

    /// All containers have ended with the engine, and systemd is about to start each again. It keeps to the order of those for which
    /// it has a job by then: so what this unit starts after ends first.
    async fn predecessors_ended(&self) {
        let predecessors = own_unit::predecessors(&format!("{}-", self.spec.wharf.project));
        let mut pause = Backoff::default();
        while any_runs(&predecessors) {
            pause.wait().await;
        }
    }

    /// Removes the container and reports how it ended.
    async fn conclude(&self, mut end: End) -> ExitCode {
        // When the engine is stopped, it stops its containers. It may be another one by now.
        let engine = match &end {
            End::Exited(container) if is_of_a_stop(container.exit_code) => Some(ask_state(ENGINE)),
            _ => None,
        };
        match timeout(LAST_LINES, self.engine.remove_container(self.id())).await {
            Ok(Ok(())) if self.handover.attached => throttle::close(),
            Ok(Ok(())) => (),
            Ok(Err(error)) => leave(&error),
            Err(_) => leave(&EngineError::Hangs),
        }
        if let End::Exited(container) = &end
            && engine.is_some_and(|engine| engine.was_changing_at(container.finished))
            && !self.engine.live_restore().await.unwrap_or(false)
        {
            message::warning(&format!("{ENGINE} was stopped, and the container with it: it {}", ended(container)));
            end = End::EngineWentDown;
        }
        match end {
            End::Stopped => ExitCode::SUCCESS,
            End::NeverReady(error) => start_failed(&error),
            End::EngineWentDown => {
                let _out_of_order = timeout(PREDECESSORS, self.predecessors_ended()).await;
                own_unit::forget_starts();
                ExitCode::from(exit::UNAVAILABLE)
            }
            End::OwnerEnded(name) => {
                message::info(&format!(
                    "container {name} has ended; restarting to join the namespace of its successor"
                ));
                ExitCode::from(exit::UNAVAILABLE)
            }
            End::Gone => failed("the container was removed, but not by its unit", exit::TRY_AGAIN),
            End::Exited(container) => exited(&container),
        }
    }
}

/// The next start removes the container, also if it runs.
fn leave(error: &EngineError) {
    if let Some(unit) = own_unit::name() {
        leftover::note(&unit);
    }
    message::warning(&format!("cannot remove the container, the next start will: {error}"));
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

/// The container ended before it was ready. Its own exit status says more, unless systemd must stop retrying.
fn never_ready(end: End, before: &str) -> End {
    let reason = match &end {
        End::Exited(container) => format!("the container {} before {before}", ended(container)),
        End::Gone => format!("the container was removed before {before}"),
        _ => return end,
    };
    let error = StartError::NeverReady(reason);
    let history = own_unit::start_history();
    let is_last_attempt =
        exit_status(&error, history) == exit::CANNOT_START && history.is_some_and(|history| history.restarts > 0);
    if is_last_attempt || matches!(end, End::Gone) {
        return End::NeverReady(error);
    }
    message::warning(&error.to_string());
    end
}

fn exited(container: &Container) -> ExitCode {
    let line = format!("Container {}", ended(container));
    if container.exit_code == 0 {
        message::info(&line);
    } else {
        message::error(&line);
    }
    service::status(&line);
    if container.oom_killed {
        own_unit::mark_oom_kill();
    }
    let status = u8::try_from(container.exit_code).unwrap_or(u8::MAX);
    let means_something = [exit::UNAVAILABLE, exit::TRY_AGAIN, exit::CANNOT_START, exit::CREDENTIALS].contains(&status);
    ExitCode::from(if means_something { exit::FAILED } else { status })
}

/// With success, or by a signal: as a container ends that is asked to.
fn is_of_a_stop(exit_code: i64) -> bool {
    exit_code == 0 || exit_code > 128
}

/// `exited with status 3`, `was ended by signal 9 (SIGKILL)`, `was killed: out of memory, status 137`
fn ended(container: &Container) -> String {
    match container.exit_code {
        _ if container.oom_killed => format!("was killed: out of memory, status {}", container.exit_code),
        code @ 129..=192 => {
            let number = i32::try_from(code - 128).unwrap_or_default();
            let name = Signal::try_from(number).map_or("a real-time signal", Signal::as_str);
            format!("was ended by signal {number} ({name}), status {code}")
        }
        code => format!("exited with status {code}"),
    }
}
