//! A container that runs: its output and health are told, its end is waited for or brought about, and passed on to systemd.

use std::process::ExitCode;
use std::time::Duration;

use bollard::models::ExecConfig;
use futures_util::FutureExt;
use futures_util::future::select_all;
use nix::sys::signal::Signal;
use tokio::time::{sleep, timeout};

use super::failure::{StartError, start_failed};
use super::handover::Handover;
use super::health::{HealthWatch, status_line};
use super::hooks::{self, FailedHook, When};
use super::output::{self, Relay};
use super::process::Process;
use super::{message, stop::StopRequest};
use crate::backoff::Backoff;
use crate::engine::{Container, Engine, EngineError};
use crate::spec::{FollowedSpec, exit, pre_stop_limit};
use crate::systemd::journal::Journal;
use crate::systemd::{own_unit, service};

/// How long the last lines of output may take to arrive after the container has ended.
const LAST_LINES: Duration = Duration::from_secs(10);

/// The output of a container ends a moment before the engine says that the container has ended.
const A_MOMENT: Duration = Duration::from_secs(2);

/// 128 and SIGKILL.
const KILLED: i64 = 137;

/// How a container's life under this wharf-run went.
enum End {
    /// The container ended.
    Exited(Container),
    /// The container of this name, in whose namespace it lived, ended: what is left of the namespace leads nowhere.
    OwnerEnded(String),
    /// It was removed behind our back.
    Gone,
    /// The engine took it down with itself, and does not keep containers alive (no live-restore).
    EngineWentDown,
    /// It was told to stop, and did.
    Stopped,
    /// It ran, but was given up before it was ready.
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
        Err(why) => {
            message::error(&why);
            ExitCode::from(exit::TRY_AGAIN)
        }
    }
}

/// A container that runs, and what is known of it.
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

    /// Of all that comes out of the container; what its own two streams print has one more, by which the relay finds it again.
    fn journal_fields(&self) -> Vec<(&str, &str)> {
        let part = &self.spec.wharf;
        output::fields(self.id(), &part.name, &self.spec.container.image, &part.project, &part.service)
    }

    /// Relays the output, follows the health and waits for the end, all at once.
    async fn until_end(&self, journal: Journal, stop: &StopRequest) -> End {
        let relay = Relay::new(&self.engine, self.id(), self.spec.container.tty, journal, self.handover.adopted);
        let mut health = HealthWatch::new(&self.engine, &self.handover);
        let process = Process::open(self.handover.pid, self.id());
        let mut ending = std::pin::pin!(self.end(&process, relay));
        let mut hooks_done = !self.handover.post_start;
        let given_up = tokio::select! {
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
        let with_hooks = hooks_done && matches!(given_up, End::Stopped);
        tokio::select! {
            _ended = &mut ending => (),
            () = self.ended_without_engine(&process) => message::warning("the container has ended, and the engine does not say so"),
            () = self.stop(with_hooks) => message::warning("the engine does not say that the container has ended"),
        }
        given_up
    }

    /// Runs the hooks of `post_start` where they are to be run, and follows the health then. Returns only when the container
    /// cannot become ready any more.
    async fn become_ready(&self, hooks_done: &mut bool, health: &mut HealthWatch<'_>) -> StartError {
        if !*hooks_done {
            if let Err(failed) = self.run_hooks(When::PostStart, &self.spec.wharf.post_start).await {
                return StartError::Hook(failed);
            }
            *hooks_done = true;
            if !health.is_awaited() {
                service::ready(&status_line(self.handover.health, self.id()));
            }
            if let Some(verdict) = health.catch_up().await {
                return verdict;
            }
        }
        health.run().await
    }

    async fn run_hooks(&self, when: When, hooks: &[ExecConfig]) -> Result<(), FailedHook> {
        hooks::run(&self.engine, self.id(), when, hooks, &self.journal_fields()).await
    }

    /// What was asked for before the stop signal; whatever becomes of it, the container stops.
    async fn run_pre_stop(&self, grace: Duration) {
        let hooks = &self.spec.wharf.pre_stop;
        if hooks.is_empty() {
            return;
        }
        let limit = pre_stop_limit(grace);
        match timeout(limit, self.run_hooks(When::PreStop, hooks)).await {
            Ok(Ok(())) => (),
            Ok(Err(failed)) => message::warning(&format!("{failed}; the container is stopped all the same")),
            Err(_) => message::warning(&format!(
                "the pre_stop hooks did not end within {} s; the container is stopped all the same",
                limit.as_secs_f64()
            )),
        }
        service::busy("Stopping");
    }

    /// The end of the container: the engine closes its output, or the kernel says that its process is gone.
    async fn end(&self, process: &Process, mut relay: Relay<'_>) -> End {
        let overdue = async {
            process.ended().await;
            sleep(LAST_LINES).await;
        };
        let mut overdue = std::pin::pin!(overdue.fuse());
        let mut pause = Backoff::default();
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
                Ok(Some(container)) => return End::Exited(self.with_memory_kill(container)),
                Ok(None) | Err(EngineError::NotFound(_)) => return End::Gone,
                Err(error) => match self.engine_back(&error).await {
                    Some(container) if container.running => (),
                    Some(container) => {
                        let _last_lines = timeout(LAST_LINES, relay.follow()).await;
                        return self.ended_unseen(container).await;
                    }
                    None => return End::Gone,
                },
            }
        }
    }

    /// Waits until the engine is back; the container as it then is, if it is there.
    async fn engine_back(&self, error: &EngineError) -> Option<Container> {
        message::warning(&format!("{error}; the container is left alone until the engine is back"));
        service::status("The engine is away; the container is left alone");
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

    /// The container ended while the engine was away: by itself, if the engine keeps containers alive, else with the engine.
    async fn ended_unseen(&self, container: Container) -> End {
        if self.engine.live_restore().await.unwrap_or(false) {
            return End::Exited(self.with_memory_kill(container));
        }
        message::warning(&format!("the engine went down, and the container with it: it {}", ended(&container)));
        End::EngineWentDown
    }

    /// A container ended for want of memory if SIGKILL ended it and the kernel has killed for that. The engine's own flag alone
    /// says less: it comes by an event that may be late, and stays when only a child was killed and the container went on.
    fn with_memory_kill(&self, mut container: Container) -> Container {
        let counted = self.handover.oom_kills.zip(own_unit::oom_kills()).is_some_and(|(before, now)| now > before);
        container.oom_killed = container.exit_code == KILLED && (container.oom_killed || counted);
        container
    }

    /// The name of the first container to end of those whose namespaces this one lives in; never, if it lives in its own.
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

    async fn look_for_end(&self) -> Result<Option<Container>, EngineError> {
        if let Ok(waited) = timeout(A_MOMENT, self.engine.wait_container(self.id())).await {
            waited?;
        }
        self.engine.container(self.id()).await
    }

    /// The kernel says that the container has ended; the engine had time to say so too.
    async fn ended_without_engine(&self, process: &Process) {
        process.ended().await;
        sleep(LAST_LINES + A_MOMENT).await;
    }

    /// The hooks, the stop signal, the grace period, SIGKILL. Normally the container's end, seen elsewhere, comes first.
    async fn stop(&self, with_hooks: bool) {
        let grace = Duration::try_from_secs_f64(self.spec.wharf.stop_grace_period).unwrap_or(Duration::from_secs(10));
        if with_hooks {
            self.run_pre_stop(grace).await;
        }
        let overdue = sleep(grace);
        self.signal_until_heard(&self.handover.stop_signal).await;
        overdue.await;
        message::warning(&format!("the container did not stop within {} s: killing it", grace.as_secs_f64()));
        self.signal_until_heard("SIGKILL").await;
        sleep(LAST_LINES + A_MOMENT).await;
    }

    async fn signal_until_heard(&self, signal: &str) {
        let mut pause = Backoff::default();
        while let Err(error) = self.engine.signal_container(self.id(), signal).await {
            message::warning(&format!("cannot send {signal} to the container: {error}"));
            pause.wait().await;
        }
    }

    /// Leaves nothing behind, and tells how it ended.
    async fn conclude(&self, end: End) -> ExitCode {
        match timeout(LAST_LINES, self.engine.remove_container(self.id())).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => message::warning(&format!("cannot remove the container, the next start will: {error}")),
            Err(_) => message::warning("cannot remove the container, the next start will: the engine does not answer"),
        }
        match end {
            End::Stopped => ExitCode::SUCCESS,
            End::NeverReady(error) => start_failed(&error),
            End::EngineWentDown => ExitCode::from(exit::UNAVAILABLE),
            End::OwnerEnded(name) => {
                message::info(&format!("container {name} has ended: joining its namespace anew"));
                ExitCode::from(exit::UNAVAILABLE)
            }
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
fn never_ready(end: End, before: &str) -> End {
    let why = match &end {
        End::Exited(container) => format!("the container {} before {before}", ended(container)),
        End::Gone => format!("the container was removed before {before}"),
        _ => return end,
    };
    let error = StartError::NeverReady(why);
    let history = own_unit::start_history();
    let gives_up =
        error.exit_status(history) == exit::CANNOT_START && history.is_some_and(|history| history.restarts > 0);
    if gives_up || matches!(end, End::Gone) {
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
    ExitCode::from(u8::try_from(container.exit_code).unwrap_or(u8::MAX))
}

/// `exited with status 3`, `was ended by signal 9 (SIGKILL)`, `was killed for want of memory, status 137`
fn ended(container: &Container) -> String {
    match container.exit_code {
        _ if container.oom_killed => format!("was killed for want of memory, status {}", container.exit_code),
        code @ 129..=192 => {
            let number = i32::try_from(code - 128).unwrap_or_default();
            let name = Signal::try_from(number).map_or("a real-time signal", Signal::as_str);
            format!("was ended by signal {number} ({name}), status {code}")
        }
        code => format!("exited with status {code}"),
    }
}
