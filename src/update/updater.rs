//! What updates and rollbacks work with: systemd, the engine, the unit directory, and who is told.

use std::collections::BTreeSet;

use super::error::UpdateError;
use super::failure::Failure;
use crate::engine::Engine;
use crate::install::{Destination, Effect, Enablement, Generate, Silent};
use crate::name::UnitName;
use crate::plan::Plan;
use crate::signals::Signals;
use crate::systemd::{Job, JobOutcome, Manager, Scope};

/// Carries out updates and rollbacks.
pub struct Updater<'a> {
    pub(super) manager: Manager,
    pub(super) engine: Engine,
    pub(super) say: &'a dyn Fn(&str),
    /// What interrupts an update.
    interrupts: Option<Signals>,
}

impl<'a> Updater<'a> {
    /// Connects to systemd and the engine. `say` is called with what is done, and what is waited for; `interrupts` were blocked before
    /// any thread was started.
    ///
    /// # Errors
    /// One of them does not answer.
    pub async fn connect(say: &'a dyn Fn(&str), interrupts: Option<Signals>) -> Result<Self, UpdateError> {
        Ok(Self { manager: Manager::connect(Scope::System).await?, engine: Engine::of_units().await?, say, interrupts })
    }

    pub(super) async fn interrupted(&self) {
        match &self.interrupts {
            Some(signals) => signals.wait().await,
            None => std::future::pending().await,
        }
    }

    /// What is done before anything is changed.
    pub(super) async fn until_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, UpdateError>>,
    ) -> Result<T, UpdateError> {
        tokio::select! {
            done = work => done,
            () = self.interrupted() => Err(UpdateError::Interrupted),
        }
    }

    /// Whether the unit directory has these files.
    pub(super) async fn is_installed(&self, plan: &Plan) -> Result<bool, UpdateError> {
        let shown = generate(Effect::Show).run(std::slice::from_ref(plan), self.say, &|_| Silent).await?;
        Ok(shown.projects.iter().all(|project| project.changes.is_empty()))
    }

    /// Writes the files of a plan, and makes systemd read them.
    pub(super) async fn write(&self, plan: &Plan) -> Result<(), UpdateError> {
        generate(Effect::Write).run(std::slice::from_ref(plan), self.say, &|_| Silent).await?;
        Ok(())
    }

    /// Runs a job for each of these units; those for which it failed.
    pub(super) async fn run(&self, job: Job, units: &[UnitName]) -> Result<Vec<Failure>, UpdateError> {
        let jobs: Vec<(Job, &str)> = units.iter().map(|unit| (job, unit.as_str())).collect();
        let outcomes = self.manager.run(&jobs, &BTreeSet::new()).await?;
        let failure = |JobOutcome { unit, result }: JobOutcome| {
            let unit = UnitName::parse(&unit).ok().filter(|_| !result.is_success())?;
            Some(Failure { unit, reason: result.to_string(), output: None })
        };
        Ok(outcomes.into_iter().filter_map(failure).collect())
    }
}

/// How units are compared and written, without a job for any.
fn generate(effect: Effect) -> Generate {
    Generate {
        destination: Destination::system(),
        effect,
        enablement: Enablement::Keep,
        now: false,
        adopt: false,
        reload: true,
    }
}
