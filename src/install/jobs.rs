//! Failed jobs, as an administrator needs them: which unit, why, and which other unit was the cause.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use crate::name::UnitName;
use crate::report::missing_credential::missing_credential;
use crate::systemd::{
    ActiveState, Job, JobOutcome, JobResult, LoadState, LoadedUnit, Manager, ManagerError, SubState, UnitResult,
    UnitState,
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

/// Who runs jobs, and who is told which of them take long.
pub(super) struct Jobs<'a> {
    pub manager: &'a Manager,
    pub wait: &'a dyn Fn(&str),
}

impl Jobs<'_> {
    /// Runs jobs to their end; `units` are those of the project, of which the ends are looked at too.
    pub async fn run(&self, jobs: &[(Job, &str)], units: &BTreeSet<String>) -> Result<Ran, ManagerError> {
        let asked = jobs.iter().map(|(_, unit)| *unit).chain(units.iter().map(String::as_str));
        let outcomes = tokio::select! {
            outcomes = self.manager.run(jobs, units) => outcomes?,
            never = self.tell(asked) => match never {},
        };
        let mut ran = Ran::default();
        for outcome in outcomes {
            if outcome.result.is_success() {
                ran.done.push(outcome.unit);
            } else {
                ran.failed.push(explain(self.manager, &outcome).await?);
            }
        }
        Ok(ran)
    }

    /// Says what each unit is doing that is still starting or stopping.
    async fn tell(&self, units: impl Iterator<Item = &str>) -> Infallible {
        let units = units.filter_map(|unit| UnitName::parse(unit).ok());
        let patterns: BTreeSet<String> = units.map(|unit| unit.pattern()).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let mut pause = PATIENCE;
        let mut told = BTreeSet::new();
        loop {
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(MOST_PATIENCE);
            // The jobs themselves report what is wrong with systemd.
            let loaded = self.manager.loaded_units(&patterns).await.unwrap_or_default();
            for unit in loaded.iter().filter(|unit| is_busy(unit)).take(MOST_UNITS) {
                let Ok(state) = self.manager.unit(&unit.name).await else { continue };
                let doing = if state.status_text.is_empty() { unit.sub.to_string() } else { state.status_text };
                let line = format!("waiting for {}: {doing}", unit.name);
                if told.insert(line.clone()) {
                    (self.wait)(&line);
                }
            }
        }
    }
}

/// The first time after so long, each further time after twice as long.
const PATIENCE: Duration = Duration::from_secs(3);
const MOST_PATIENCE: Duration = Duration::from_secs(60);

/// Of more units at once, the others would not be read.
const MOST_UNITS: usize = 8;

/// A unit that waits for another one has not begun.
fn is_busy(unit: &LoadedUnit) -> bool {
    unit.job != 0 && matches!(unit.active, ActiveState::Activating | ActiveState::Deactivating)
}

async fn explain(manager: &Manager, outcome: &JobOutcome) -> Result<FailedJob, ManagerError> {
    let state = explained(manager.unit(&outcome.unit).await?);
    let mut causes = Vec::new();
    if outcome.result == JobResult::Dependency {
        for required in &state.requires {
            let state = manager.unit(required).await?;
            if failed(&state) {
                causes.push(explained(state));
            }
        }
    }
    Ok(FailedJob { result: outcome.result.clone(), state, causes })
}

/// The unit itself says nothing where its main process could not be executed.
fn explained(state: UnitState) -> UnitState {
    match missing_credential(&state) {
        Some(status_text) => UnitState { status_text, ..state },
        None => state,
    }
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
