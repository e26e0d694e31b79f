//! Replaces containers through systemd, and judges each: by the ends of jobs, the count of restarts, and the health of the container.
//!
//! Invariant: a unit that systemd restarts by itself has failed, although it never is `failed` for long.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep;

use crate::engine::{Engine, EngineError};
use crate::install::Destination;
use crate::mark::Mark;
use crate::name::{UnitKind, UnitName};
use crate::plan::Plan;
use crate::printable::one_line;
use crate::report::history::{self, Event, Period, Reason, history};
use crate::report::status::last_outputs;
use crate::spec::models::HealthStatusEnum;
use crate::spec::{ContainerSpec, exit, from_json};
use crate::stack::{FailureAction, UpdateConfig};
use crate::systemd::{ActiveState, Job, Manager, ManagerError, UnitState};

use super::error::UpdateError;

/// How often a unit is looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// Only the journal knows more.
const RESTARTED: &str = "it was restarted";

/// How often the journal is asked why a unit was restarted.
const ATTEMPTS: usize = 8;

/// The longest text of a probe that is shown, in characters.
const LONGEST: usize = 160;

/// Units that are replaced concurrently.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub units: Vec<UnitName>,
    /// Units that are restarted after them: they share a namespace of theirs, or `depends_on` says so (`restart = true`).
    pub followers: Vec<UnitName>,
    pub config: UpdateConfig,
    /// Of the service: its first group of replicas is not paused for, and its failures are counted together.
    pub group: String,
    /// The replicas of the service.
    pub replicas: usize,
}

/// A unit that did not start, or did not stay as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub unit: UnitName,
    pub reason: String,
    /// The last line that the container printed.
    pub output: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.unit, self.reason)?;
        match &self.output {
            Some(line) => write!(f, "; last output: {line}"),
            None => Ok(()),
        }
    }
}

/// The steps from one plan to another, in the order of their dependencies. Only what runs is replaced.
pub(super) fn steps(
    from: &Plan,
    to: &Plan,
    active: &BTreeSet<UnitName>,
    config: &dyn Fn(&UnitName) -> UpdateConfig,
) -> Vec<Step> {
    let before: BTreeMap<&str, &str> = from.files.iter().map(|file| (file.name.as_str(), &*file.contents)).collect();
    let is_changed = |name: &str, contents: &str| before.get(name) != Some(&contents);
    let mut changed: Vec<&UnitName> = Vec::new();
    for file in to.files.iter().filter(|file| is_changed(&file.name, &file.contents)) {
        changed.extend(file.restarts.as_ref().filter(|unit| !changed.contains(unit)));
    }
    // In the order of the plan, whichever of a unit's files comes first.
    let place = |unit: &UnitName| to.files.iter().position(|file| file.name == unit.as_str());
    changed.sort_by_key(|unit| place(unit));
    let mut steps = Vec::new();
    for unit in changed.into_iter().filter(|unit| !has_timer(to, unit)) {
        let instances = to.instances.get(unit).cloned().unwrap_or_else(|| vec![unit.clone()]);
        let running: Vec<UnitName> = instances.iter().filter(|unit| active.contains(*unit)).cloned().collect();
        let config = config(unit);
        let at_once = if config.parallelism == 0 { instances.len() } else { config.parallelism as usize };
        for units in running.chunks(at_once.max(1)) {
            let followers = followers(to, units).into_iter().filter(|unit| active.contains(unit)).collect();
            let (group, replicas) = (unit.to_string(), running.len());
            steps.push(Step { units: units.to_vec(), followers, config, group, replicas });
        }
    }
    steps
}

/// Whether a timer starts the unit: what runs of it now is not interrupted, and its next run is of the new image.
pub(super) fn has_timer(plan: &Plan, unit: &UnitName) -> bool {
    let timer = UnitName::new(unit.stem(), UnitKind::Timer);
    plan.files.iter().any(|file| file.name == timer.as_str())
}

/// The containers whose image the unit builds.
fn built_by<'a>(plan: &'a Plan, unit: &'a UnitName) -> impl Iterator<Item = &'a UnitName> {
    let is_built = move |other: &&UnitName| {
        spec_of(plan, other).is_some_and(|spec| spec.wharf.built_by.as_deref() == Some(unit.as_str()))
    };
    plan.wants.iter().filter(is_built)
}

/// The units that have to be restarted when these are replaced.
fn followers(plan: &Plan, units: &[UnitName]) -> Vec<UnitName> {
    let mut followers: Vec<UnitName> = units.iter().flat_map(|unit| built_by(plan, unit)).cloned().collect();
    for unit in units {
        let file = unit.template().unwrap_or_else(|| unit.clone());
        let text = plan.files.iter().find(|planned| planned.name == file.as_str()).map(|planned| &*planned.contents);
        followers.extend(text.and_then(Mark::of_unit).map(|mark| mark.restarts_with).unwrap_or_default());
        let Some(name) = spec_of(plan, unit).map(|spec| spec.wharf.name) else { continue };
        let sharing = plan
            .wants
            .iter()
            .filter(|other| spec_of(plan, other).is_some_and(|spec| spec.wharf.shares.contains(&name)));
        followers.extend(sharing.cloned());
    }
    followers.sort_unstable();
    followers.dedup();
    followers.retain(|follower| !units.contains(follower));
    followers
}

/// The definition of a unit's container; `None`: the unit is no container's.
pub(super) fn spec_of(plan: &Plan, unit: &UnitName) -> Option<ContainerSpec> {
    let name = ContainerSpec::file_of(unit);
    let file = plan.files.iter().find(|file| file.name == name).filter(|_| unit.is(UnitKind::Service))?;
    let spec: ContainerSpec = from_json(&file.contents).ok()?;
    Some(match unit.instance() {
        Some(instance) => spec.of_instance(instance),
        None => spec,
    })
}

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

/// How a unit does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It has not got there yet.
    Starting,
    Good,
    Bad(String),
}

/// Judges a unit: `health` is that of its container.
fn judge(state: &UnitState, before: Option<[u8; 16]>, since: Option<[u8; 16]>, health: &Health) -> Verdict {
    let is_new = state.invocation != before;
    let engine_is_away = state.exec_main_status == i32::from(exit::UNAVAILABLE);
    if let Some(since) = since
        && state.invocation.is_some_and(|now| now != since)
        && state.active.is_running()
    {
        return Verdict::Bad(RESTARTED.to_owned());
    }
    if is_new && !engine_is_away && (state.sub.is_auto_restart() || (state.restarts > 0 && since.is_none())) {
        return Verdict::Bad(ended(state));
    }
    match (&state.active, health) {
        (ActiveState::Failed, _) => Verdict::Bad(ended(state)),
        (ActiveState::Inactive, _) if since.is_some() && state.result.is_failure() => Verdict::Bad(ended(state)),
        (ActiveState::Inactive, _) if since.is_some() => Verdict::Good,
        (ActiveState::Active | ActiveState::Reloading | ActiveState::Refreshing, Health::Unhealthy(output)) => {
            Verdict::Bad(if output.is_empty() { "unhealthy".to_owned() } else { format!("unhealthy: {output}") })
        }
        (_, Health::Starting) => Verdict::Starting,
        (ActiveState::Active | ActiveState::Reloading | ActiveState::Refreshing, _) => Verdict::Good,
        _ => Verdict::Starting,
    }
}

fn ended(state: &UnitState) -> String {
    let status = state.exec_main_status;
    let how = match (status, state.result.is_failure()) {
        (0, false) => RESTARTED.to_owned(),
        (0, true) => format!("it failed: {}", state.result),
        (status, _) => format!("it ended with exit status {status}"),
    };
    if state.status_text.is_empty() { how } else { format!("{how}: {}", one_line(&state.status_text, LONGEST)) }
}

/// The health of a container, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Health {
    /// It is healthy, or nothing checks it.
    Fine,
    Starting,
    /// With what the last probe printed.
    Unhealthy(String),
}

/// Replaces units, and watches them.
pub(super) struct Rollout<'a> {
    pub manager: &'a Manager,
    pub engine: &'a Engine,
    /// The plan that is rolled out.
    pub plan: &'a Plan,
    pub say: &'a dyn Fn(&str),
}

impl Rollout<'_> {
    /// Takes all steps. The failures; the first one of a service that may not fail ends it.
    pub async fn run(&self, steps: &[Step], touched: &mut BTreeSet<UnitName>) -> Result<Vec<Failure>, UpdateError> {
        let mut failures: Vec<Failure> = Vec::new();
        let mut of_group: (&str, usize) = ("", 0);
        for step in steps {
            if of_group.0 == step.group {
                sleep(step.config.delay).await;
            } else {
                of_group = (&step.group, 0);
            }
            let failed = self.take(step, touched).await?;
            of_group.1 += failed.len();
            let share = of_group.1 as f64 / step.replicas.max(1) as f64;
            let is_over = of_group.1 > 0 && share > step.config.max_failure_ratio;
            failures.extend(failed);
            if is_over && step.config.failure_action == FailureAction::Rollback {
                break;
            }
        }
        Ok(failures)
    }

    async fn take(&self, step: &Step, touched: &mut BTreeSet<UnitName>) -> Result<Vec<Failure>, UpdateError> {
        for units in [&step.units, &step.followers] {
            if units.is_empty() {
                continue;
            }
            touched.extend(units.iter().cloned());
            let failures = self.replace(units, step.config.monitor).await?;
            if !failures.is_empty() {
                return Ok(failures);
            }
        }
        Ok(Vec::new())
    }

    /// Restarts units, and watches them until they have been good for so long.
    pub async fn replace(&self, units: &[UnitName], monitor: Duration) -> Result<Vec<Failure>, UpdateError> {
        let mut watched = Vec::new();
        for unit in units {
            let spec = spec_of(self.plan, unit);
            let before = self.manager.unit(unit).await?.invocation;
            let (container, begun) = (spec.map(|spec| spec.wharf.name), SystemTime::now());
            watched.push(Watched { unit: unit.clone(), container, before, since: None, begun });
        }
        (self.say)(&format!("restarting {}", units.join(", ")));
        // What requires a network goes down with it; what runs as well without, stays.
        let is_alone = |it: &Watched| it.container.is_some() || built_by(self.plan, &it.unit).next().is_some();
        let job = |it: &Watched| if is_alone(it) { Job::RestartAlone } else { Job::Restart };
        let jobs: Vec<(Job, &str)> = watched.iter().map(|it| (job(it), it.unit.as_str())).collect();
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
                failures.push(self.failure(it, ended(&state)).await);
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
        let directories = Destination::system().documented_load_path();
        let is_restart = |event: &&Event| {
            event.unit.as_ref() == Some(&it.unit) && matches!(event.reason, Some(Reason::Crashed | Reason::Unhealthy))
        };
        // The journal may be a little behind.
        for _attempt in 0..ATTEMPTS {
            let events = history(std::slice::from_ref(&self.plan.project), period, &directories).ok()?.events;
            if let Some(event) = events.iter().find(is_restart) {
                return Some(history::reason(event));
            }
            sleep(PAUSE).await;
        }
        None
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemd::{SubState, UnitResult};

    const BEFORE: Option<[u8; 16]> = Some([1; 16]);
    const NOW: Option<[u8; 16]> = Some([2; 16]);
    const LATER: Option<[u8; 16]> = Some([3; 16]);

    fn state(active: ActiveState, sub: SubState, invocation: Option<[u8; 16]>) -> UnitState {
        UnitState { active, sub, invocation, ..UnitState::default() }
    }

    fn bad(reason: &str) -> Verdict {
        Verdict::Bad(reason.to_owned())
    }

    #[test]
    fn a_unit_is_good_while_it_runs_as_it_was_started_and_is_not_unhealthy() {
        let runs = || state(ActiveState::Active, SubState::Running, NOW);
        assert_eq!(judge(&runs(), BEFORE, NOW, &Health::Fine), Verdict::Good);
        assert_eq!(judge(&runs(), BEFORE, NOW, &Health::Starting), Verdict::Starting);
        assert_eq!(judge(&runs(), BEFORE, NOW, &Health::Unhealthy("no".to_owned())), bad("unhealthy: no"));
        let again = state(ActiveState::Active, SubState::Running, LATER);
        assert_eq!(judge(&again, BEFORE, NOW, &Health::Fine), bad(RESTARTED));
        // A service that has done its work.
        let done = state(ActiveState::Inactive, SubState::Dead, NOW);
        assert_eq!(judge(&done, BEFORE, NOW, &Health::Fine), Verdict::Good);
        let failed = UnitState { result: UnitResult::ExitCode, exec_main_status: 3, ..done };
        assert_eq!(judge(&failed, BEFORE, NOW, &Health::Fine), bad("it ended with exit status 3"));
    }

    #[test]
    fn a_unit_that_systemd_tries_again_has_failed_unless_the_engine_is_away() {
        let stopping = UnitState { restarts: 4, ..state(ActiveState::Deactivating, SubState::Running, BEFORE) };
        assert_eq!(judge(&stopping, BEFORE, None, &Health::Fine), Verdict::Starting);
        let starting = state(ActiveState::Activating, SubState::Start, NOW);
        assert_eq!(judge(&starting, BEFORE, None, &Health::Fine), Verdict::Starting);
        let waits = UnitState { exec_main_status: 7, ..state(ActiveState::Activating, SubState::AutoRestart, NOW) };
        assert_eq!(judge(&waits, BEFORE, None, &Health::Fine), bad("it ended with exit status 7"));
        let again = UnitState { restarts: 1, ..state(ActiveState::Activating, SubState::Start, LATER) };
        assert_eq!(judge(&again, BEFORE, None, &Health::Fine), bad(RESTARTED));
        let away = UnitState { exec_main_status: i32::from(exit::UNAVAILABLE), ..waits };
        assert_eq!(judge(&away, BEFORE, None, &Health::Fine), Verdict::Starting);
    }
}
