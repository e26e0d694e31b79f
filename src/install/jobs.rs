//! Failed jobs, as an administrator needs them: which unit, why, and which other unit was the cause.

use std::collections::BTreeSet;
use std::fmt;

use crate::systemd::{
    ActiveState, Job, JobOutcome, JobResult, LoadState, Manager, ManagerError, SubState, UnitResult, UnitState,
};

/// A unit that did not get where it should, and what systemd knows about why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJob {
    pub result: JobResult,
    pub state: UnitState,
    /// Units it requires that failed themselves; only for [`JobResult::Dependency`].
    pub causes: Vec<UnitState>,
}

impl FailedJob {
    pub fn unit(&self) -> &str {
        &self.state.name
    }
}

impl fmt::Display for FailedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.state.name, self.result)?;
        if self.result != JobResult::Dependency {
            f.write_str(&why(&self.state))?;
        }
        for cause in &self.causes {
            write!(f, ": {} failed{}", cause.name, why(cause))?;
        }
        let look_at = self.causes.first().unwrap_or(&self.state);
        write!(f, " (journalctl -u {})", look_at.name)
    }
}

fn why(state: &UnitState) -> String {
    let status = match (&state.result, state.exec_main_status) {
        (UnitResult::Unset | UnitResult::Success, _) => String::new(),
        (UnitResult::ExitCode, status) => format!(": exit status {status}"),
        (UnitResult::Signal | UnitResult::CoreDump, signal) => format!(": killed by signal {signal}"),
        (result, _) => format!(": {result}"),
    };
    if state.status_text.is_empty() { status } else { format!("{status}: {}", state.status_text) }
}

/// How a set of jobs ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ran {
    /// Units that had a job which succeeded.
    pub done: Vec<String>,
    pub failed: Vec<FailedJob>,
}

/// Runs jobs to their end; `units` are those of the project, of which the ends are looked at too.
pub(super) async fn run(
    manager: &Manager,
    jobs: &[(Job, &str)],
    units: &BTreeSet<String>,
) -> Result<Ran, ManagerError> {
    let mut ran = Ran::default();
    for outcome in manager.run(jobs, units).await? {
        if outcome.result.is_success() {
            ran.done.push(outcome.unit);
        } else {
            ran.failed.push(explain(manager, &outcome).await?);
        }
    }
    Ok(ran)
}

async fn explain(manager: &Manager, outcome: &JobOutcome) -> Result<FailedJob, ManagerError> {
    let state = manager.unit(&outcome.unit).await?;
    let mut causes = Vec::new();
    if outcome.result == JobResult::Dependency {
        for required in &state.requires {
            let state = manager.unit(required).await?;
            if failed(&state) {
                causes.push(state);
            }
        }
    }
    Ok(FailedJob { result: outcome.result.clone(), state, causes })
}

/// A unit between two attempts counts: it is why its dependent did not start.
fn failed(state: &UnitState) -> bool {
    state.active == ActiveState::Failed
        || state.load == LoadState::NotFound
        || state.sub == SubState::AutoRestart
        || has_bad_result(state)
}

fn has_bad_result(state: &UnitState) -> bool {
    state.active != ActiveState::Active && state.result.is_failure()
}
