//! Replaces containers through systemd, and watches each until it is good for long enough, or fails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep;

use crate::engine::{Engine, EngineError};
use crate::install::Destination;
use crate::name::UnitName;
use crate::plan::Plan;
use crate::printable::one_line;
use crate::report::history::{self, Event, Period, Reason, history, last_error};
use crate::report::status::last_outputs;
use crate::spec::ContainerSpec;
use crate::spec::models::HealthStatusEnum;
use crate::systemd::{Job, Manager, ManagerError};

use super::error::UpdateError;
use super::failure::Failure;
use super::judge::{Health, LONGEST, RESTARTED, Verdict, ended, judge};
use super::steps::{Step, containers, job_of};

/// How often a unit is looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// How often the journal is asked why a unit was restarted.
const ATTEMPTS: usize = 8;

/// What is known of a unit that is judged.
struct Watched {
    unit: UnitName,
    /// Its container at the engine; `None`: it has none.
    container: Option<String>,
    /// Its last start before it was replaced.
    before: Option<[u8; 16]>,
    /// Its start since then.
    since: Option<[u8; 16]>,
    /// When it was replaced.
    begun: SystemTime,
}

/// Replaces units, and watches them.
pub(super) struct Rollout<'a> {
    manager: &'a Manager,
    engine: &'a Engine,
    project: &'a str,
    /// Those of the plan that is rolled out.
    containers: BTreeMap<UnitName, ContainerSpec>,
    say: &'a dyn Fn(&str),
}

/// How the steps ended.
#[derive(Debug, Default)]
pub(super) struct RolledOut {
    pub failures: Vec<Failure>,
    /// There were more failures of a service than it may have.
    pub is_failed: bool,
}

impl RolledOut {
    /// Adds what failed after the steps, each of which is too much.
    pub fn fail_by(&mut self, failures: Vec<Failure>) {
        self.is_failed |= !failures.is_empty();
        self.failures.extend(failures);
    }
}

impl<'a> Rollout<'a> {
    pub fn of(plan: &'a Plan, manager: &'a Manager, engine: &'a Engine, say: &'a dyn Fn(&str)) -> Self {
        Self { manager, engine, project: &plan.project, containers: containers(plan), say }
    }

    /// Takes the steps, until a service fails. `touched`: the units that were replaced.
    pub async fn run(&self, steps: &[Step], touched: &mut BTreeSet<UnitName>) -> Result<RolledOut, UpdateError> {
        let mut done = RolledOut::default();
        let mut of_service: Option<(&UnitName, usize)> = None;
        for step in steps {
            let mut failures = 0;
            if let Some((_, before)) = of_service.filter(|(service, _)| **service == step.service) {
                failures = before;
                sleep(step.config.delay).await;
            }
            let failed = self.take(step, touched).await?;
            failures += failed.len();
            of_service = Some((&step.service, failures));
            done.failures.extend(failed);
            if step.is_failed(failures) {
                done.is_failed = true;
                break;
            }
        }
        Ok(done)
    }

    async fn take(&self, step: &Step, touched: &mut BTreeSet<UnitName>) -> Result<Vec<Failure>, UpdateError> {
        for (units, job) in [(&step.units, step.job), (&step.followers, Job::RestartAlone)] {
            if units.is_empty() {
                continue;
            }
            touched.extend(units.iter().cloned());
            let failures = self.replace(units, job, step.config.monitor).await?;
            if !failures.is_empty() {
                return Ok(failures);
            }
        }
        Ok(Vec::new())
    }

    /// Replaces one unit as fits it.
    pub async fn replace_one(&self, unit: &UnitName, monitor: Duration) -> Result<Vec<Failure>, UpdateError> {
        self.replace(std::slice::from_ref(unit), job_of(unit, &self.containers), monitor).await
    }

    /// Runs a job to its end. Why it failed, if it did.
    pub async fn run_job(&self, unit: &UnitName) -> Result<Option<Failure>, UpdateError> {
        let it = Watched { unit: unit.clone(), container: None, before: None, since: None, begun: SystemTime::now() };
        (self.say)(&format!("running {unit}"));
        let outcomes = self.manager.run(&[(Job::Start, unit.as_str())], &BTreeSet::new()).await?;
        let Some(failed) = outcomes.into_iter().find(|outcome| !outcome.result.is_success()) else { return Ok(None) };
        let state = self.manager.unit(unit).await?;
        let reason = if state.result.is_failure() { ended(&state, "failed") } else { failed.result.to_string() };
        Ok(Some(self.failure(&it, reason).await))
    }

    /// Restarts units, and watches them until they have been good for so long.
    async fn replace(&self, units: &[UnitName], job: Job, monitor: Duration) -> Result<Vec<Failure>, UpdateError> {
        let mut watched = Vec::new();
        for unit in units {
            let container = self.containers.get(unit).map(|spec| spec.wharf.name.clone());
            let (before, begun) = (self.manager.unit(unit).await?.invocation, SystemTime::now());
            watched.push(Watched { unit: unit.clone(), container, before, since: None, begun });
        }
        (self.say)(&format!("restarting {}", units.join(", ")));
        let jobs: Vec<(Job, &str)> = watched.iter().map(|it| (job, it.unit.as_str())).collect();
        let failed = {
            let no_others = BTreeSet::new();
            let mut running = std::pin::pin!(self.manager.run(&jobs, &no_others));
            loop {
                tokio::select! {
                    outcomes = &mut running => {
                        let failed = outcomes?.into_iter().filter(|outcome| !outcome.result.is_success());
                        break failed.map(|outcome| (outcome.unit, outcome.result.to_string())).collect::<Vec<_>>();
                    }
                    () = sleep(PAUSE) => {
                        let failures = self.look(&watched).await?.failures;
                        if !failures.is_empty() {
                            return Ok(failures);
                        }
                    }
                }
            }
        };
        if !failed.is_empty() {
            let mut failures = Vec::new();
            for it in watched.iter().filter(|it| failed.iter().any(|(unit, _)| it.unit == unit.as_str())) {
                let state = self.manager.unit(&it.unit).await?;
                failures.push(self.failure(it, ended(&state, "crashed")).await);
            }
            return Ok(failures);
        }
        for it in &mut watched {
            it.since = self.manager.unit(&it.unit).await?.invocation;
        }
        let failures = self.settle(&watched).await?;
        if failures.is_empty() { self.monitor(&watched, monitor).await } else { Ok(failures) }
    }

    /// Waits until all are healthy, or one fails.
    async fn settle(&self, watched: &[Watched]) -> Result<Vec<Failure>, UpdateError> {
        loop {
            let Looked { failures, starting } = self.look(watched).await?;
            if !failures.is_empty() || !starting {
                return Ok(failures);
            }
            sleep(PAUSE).await;
        }
    }

    /// Watches units that are good for so long.
    async fn monitor(&self, watched: &[Watched], monitor: Duration) -> Result<Vec<Failure>, UpdateError> {
        let begun = Instant::now();
        loop {
            let failures = self.look(watched).await?.failures;
            if !failures.is_empty() || begun.elapsed() >= monitor {
                return Ok(failures);
            }
            sleep(PAUSE.min(monitor.saturating_sub(begun.elapsed()))).await;
        }
    }

    async fn look(&self, watched: &[Watched]) -> Result<Looked, UpdateError> {
        let mut looked = Looked::default();
        for it in watched {
            let Watched { unit, container, before, since, .. } = it;
            let state = self.manager.unit(unit).await?;
            let health = match container {
                Some(name) if state.is_active() => self.health(name).await?,
                _ => Health::Fine,
            };
            match judge(&state, *before, *since, &health) {
                Verdict::Good => {}
                Verdict::Starting => looked.starting = true,
                Verdict::Bad(reason) => looked.failures.push(self.failure(it, reason).await),
            }
        }
        Ok(looked)
    }

    /// With what the journal says of it, and the last line that its container printed.
    async fn failure(&self, it: &Watched, reason: String) -> Failure {
        let output = last_outputs(&BTreeMap::from([(it.unit.to_string(), it.begun)])).into_values().next();
        let reason = match reason.as_str() {
            RESTARTED => self.reason_of_restart(it).await.unwrap_or(reason),
            _ => reason,
        };
        Failure { unit: it.unit.clone(), reason, output }
    }

    /// Why systemd or wharfd restarted the unit since it was replaced.
    async fn reason_of_restart(&self, it: &Watched) -> Option<String> {
        let since = it.begun.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let period = Period { since: Some(&format!("@{since}")), until: None };
        let project = self.project.to_owned();
        let directories = Destination::system().documented_load_path();
        let is_restart = |event: &&Event| {
            event.unit.as_ref() == Some(&it.unit) && matches!(event.reason, Some(Reason::Crashed | Reason::Unhealthy))
        };
        // The journal may be a little behind.
        for _attempt in 0..ATTEMPTS {
            let events = history(std::slice::from_ref(&project), period, &directories).ok()?.events;
            if let Some(event) = events.iter().find(is_restart) {
                return Some(history::reason(event));
            }
            sleep(PAUSE).await;
        }
        // It has not even started.
        last_error(&it.unit, it.begun).map(|error| one_line(&error, LONGEST))
    }

    async fn health(&self, container: &str) -> Result<Health, EngineError> {
        // The engine calls a container unhealthy that has ended: how it ended, systemd knows.
        let running = self.engine.container(container).await?.filter(|container| container.running);
        Ok(match running.map(|container| container.health) {
            Some(health) if health.status == HealthStatusEnum::STARTING => Health::Starting,
            Some(health) if health.status == HealthStatusEnum::UNHEALTHY => {
                Health::Unhealthy(one_line(&health.output, LONGEST))
            }
            _ => Health::Fine,
        })
    }
}

#[derive(Default)]
struct Looked {
    failures: Vec<Failure>,
    /// One is not where it should be yet.
    starting: bool,
}

/// Which of these units run now.
///
/// # Errors
/// systemd does not answer.
pub(super) async fn active(
    manager: &Manager,
    units: impl Iterator<Item = UnitName>,
) -> Result<BTreeSet<UnitName>, ManagerError> {
    let patterns: Vec<String> = units.map(|unit| unit.pattern()).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    Ok(manager.active_units(&patterns).await?.into_iter().collect())
}
