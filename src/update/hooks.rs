//! The jobs of a stack that an update or a rollback runs at its steps.

use super::error::UpdateError;
use super::failure::Failure;
use super::rollout::Rollout;
use super::steps::hooks;
use super::updater::Updater;
use crate::plan::Plan;
use crate::spec::UpdateHook;
use crate::systemd::Job;

impl Updater<'_> {
    /// Runs the jobs of a step one after the other, until one fails.
    pub(super) async fn run_hooks(&self, plan: &Plan, hook: UpdateHook) -> Result<Vec<Failure>, UpdateError> {
        let rollout = Rollout::of(plan, &self.manager, &self.engine, self.say);
        for unit in hooks(plan, hook) {
            if let Some(failure) = rollout.run_job(&unit).await? {
                return Ok(vec![failure]);
            }
        }
        Ok(Vec::new())
    }

    /// Runs those that come before anything is changed.
    ///
    /// # Errors
    /// One failed, or somebody interrupted it; then it does not go on.
    pub(super) async fn run_hooks_first(&self, plan: &Plan, hook: UpdateHook) -> Result<(), UpdateError> {
        tokio::select! {
            failures = self.run_hooks(plan, hook) => match failures?.pop() {
                Some(failure) => Err(UpdateError::Hook { hook: hook.as_str(), failure }),
                None => Ok(()),
            },
            () = self.interrupted() => {
                self.run(Job::Stop, &hooks(plan, hook)).await?;
                Err(UpdateError::Interrupted)
            }
        }
    }
}
