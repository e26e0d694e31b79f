//! `wharf update` and `wharf rollback`: what runs is changed from one revision to another, and back if that fails.
//!
//! Invariant: nothing is stopped before everything that is needed is there; from the first change of a file until the end, the store
//! says what to go back to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::audit::Audit;
use super::digests::{self, Update};
use super::error::UpdateError;
use super::failure::Failure;
use super::lock_file;
use super::outcome::{Changed, NewImage, Outcome};
use super::revision::{Change, Revision, now};
use super::rollout::{RolledOut, Rollout, active};
use super::steps::{Step, containers, hooks, in_order, is_triggered, steps};
use super::store::{self, Store, StoreError};
use super::updater::Updater;
use crate::install::{Agenda, Destination, Progress, WantedImage, prepare, provide};
use crate::name::{UnitKind, UnitName};
use crate::plan::Plan;
use crate::spec::UpdateHook;
use crate::stack::lock::{LockSource, lock_of};
use crate::stack::{self, Request, UpdateConfig};
use crate::systemd::Job;
use crate::updates::{LastUpdate, Updates, is_unfinished};

/// How the containers of units are replaced, by unit: in an update, and on the way back.
pub(super) type Configs = BTreeMap<UnitName, (UpdateConfig, UpdateConfig)>;

/// What is to run.
pub(super) struct Target {
    pub plan: Plan,
    /// The text of the lock that belongs to it.
    pub lock: Option<String>,
    pub command: String,
    /// The jobs that run before anything is stopped.
    pub before: UpdateHook,
}

/// A change for which everything is there.
pub(super) struct ReadyChange {
    from: Revision,
    to: Target,
    /// What runs.
    active: BTreeSet<UnitName>,
    steps: Vec<Step>,
    /// Units that run and that the new revision does not have.
    stopped: Vec<UnitName>,
    /// How long what is put back is monitored.
    monitor: Duration,
}

impl Updater<'_> {
    /// Asks for new digests of a stack's images, changes what runs to them, and goes back if that fails.
    ///
    /// # Errors
    /// It did not begin, and nothing was changed; or it was interrupted, and the next run goes back first.
    pub async fn update<P: Progress>(
        &self,
        request: &Request<'_>,
        update: &Update,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<Changed, UpdateError> {
        let project = planned(request, LockSource::File)?.0.project;
        if update.show && is_unfinished(&project) {
            return Err(UpdateError::Unfinished { project });
        }
        let store = if update.show { None } else { Some(Store::open(&project, self.say)?) };
        if let Some(store) = &store {
            self.recover(store).await?;
        }
        let found = self.until_interrupted(self.find(request, update, store.as_ref(), begin));
        let (mut changed, change) = found.await?;
        if let Some(store) = &store {
            note_found(store, update, &changed)?;
        }
        if let (Some(store), Some(change)) = (&store, change) {
            changed.outcome = self.carry_out(store, &change).await?;
            if let Outcome::RolledBack { failures, .. } = &changed.outcome {
                let mut refused = store::refused(&project)?;
                digests::refuse(&mut refused, &changed.images, failures);
                store.refuse(&refused)?;
            }
        }
        Ok(changed)
    }

    /// Changes what runs to an earlier revision: the newest stable one before the current one, or the one with this number.
    ///
    /// # Errors
    /// As of [`Updater::update`].
    pub async fn rollback<P: Progress>(
        &self,
        request: &Request<'_>,
        number: Option<u32>,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<Changed, UpdateError> {
        let (current, configs) = planned(request, LockSource::File)?;
        let project = current.project.clone();
        let store = Store::open(&project, self.say)?;
        self.recover(&store).await?;
        let installed = self.on_disk(&store, &current).await?;
        let target = earlier(&store, &installed, number)?;
        let (images, refused) = (Vec::<NewImage>::new(), BTreeMap::new());
        let mut changed = Changed { project, images, refused, outcome: Outcome::Current };
        if target.plan.files == installed.plan.files && target.lock == installed.lock {
            return Ok(changed);
        }
        let doubt = if target.record.stable.is_none() { ", which was not seen to work" } else { "" };
        let (from, to) = (installed.record.number, target.record.number);
        (self.say)(&format!("project {}: from revision {from} back to revision {to}{doubt}", changed.project));
        self.restore_tags(&target).await?;
        // The same rules in both directions: those for going back.
        let configs: Configs = configs.into_iter().map(|(unit, (_, back))| (unit, (back, back))).collect();
        let command = format!("rollback to {}", target.record.number);
        let Revision { plan, lock, .. } = target;
        let target = Target { plan, lock, command, before: UpdateHook::PreRollback };
        let ready = self.get_ready(installed, target, configs, begin);
        let change = self.until_interrupted(ready).await?;
        changed.outcome = self.carry_out(&store, &change).await?;
        Ok(changed)
    }

    /// Puts back what an interrupted change has left.
    async fn recover(&self, store: &Store) -> Result<(), UpdateError> {
        let Some(change) = store.change()? else { return Ok(()) };
        let Some(from) = store.get(change.from)? else { return Ok(store.end()?) };
        (self.say)(&format!(
            "an earlier change of {} was interrupted: going back to revision {}",
            from.plan.project, change.from
        ));
        let audit = Audit::begin(&from.plan, "an interrupted change");
        let left = self.go_back(&from, &change, &BTreeSet::new(), Duration::ZERO).await?;
        audit.rolled_back(change.from, &BTreeSet::new(), &left, "it did not end");
        left.iter().for_each(|failure| (self.say)(&format!("not as before: {failure}")));
        Ok(store.end()?)
    }

    /// Gets everything that the new containers need.
    pub(super) async fn get_ready<P: Progress>(
        &self,
        from: Revision,
        target: Target,
        configs: Configs,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<ReadyChange, UpdateError> {
        let to = &target.plan;
        let active = active(&self.manager, units_of(&from.plan)).await?;
        let config = |unit: &UnitName| configs.get(unit).map_or_else(UpdateConfig::default, |(update, _)| *update);
        let steps = steps(&from.plan, to, &active, &config);
        let stopped: Vec<UnitName> = active.iter().filter(|unit| !to.has(unit)).cloned().collect();
        let replaced = steps.iter().flat_map(|step| step.units.iter().chain(&step.followers));
        let jobs = hooks(to, UpdateHook::PostUpdate);
        let agenda = Agenda {
            stopped: stopped.iter().map(UnitName::to_string).collect(),
            outdated: replaced.chain(&jobs).map(UnitName::to_string).collect(),
            idle: Vec::new(),
        };
        let missing = provide(&self.manager, std::slice::from_ref(to), &agenda, begin).await?;
        if !missing.is_empty() {
            return Err(UpdateError::Unready(missing));
        }
        let monitor = configs.values().map(|(_, back)| back.monitor).max().unwrap_or_default();
        Ok(ReadyChange { from, to: target, active, steps, stopped, monitor })
    }

    async fn carry_out(&self, store: &Store, change: &ReadyChange) -> Result<Outcome, UpdateError> {
        let ReadyChange { from, to, active, .. } = change;
        if change.replaces() {
            self.run_hooks_first(&from.plan, to.before).await?;
        }
        let audit = Audit::begin(&to.plan, &to.command);
        let new: Vec<UnitName> = units_of(&to.plan).filter(|unit| !from.plan.has(unit)).collect();
        let begun = Change { from: from.record.number, active: active.iter().cloned().collect(), new };
        store.begin(&begun)?;
        let mut touched = BTreeSet::new();
        let rolled_out = tokio::select! {
            rolled_out = self.roll_out(change, &mut touched) => Some(rolled_out),
            () = self.interrupted() => None,
        };
        let is_interrupted = rolled_out.is_none();
        if is_interrupted {
            self.run(Job::Stop, &hooks(&to.plan, UpdateHook::PostUpdate)).await?;
        }
        let (failures, error) = match rolled_out {
            Some(Ok(RolledOut { failures, is_failed: false })) => {
                let revision = self.accept(store, change, failures.is_empty()).await?;
                audit.updated(revision, &touched, &failures);
                note_end(store, &to.command, true, &failures)?;
                return Ok(Outcome::Done { revision, failures });
            }
            Some(Ok(RolledOut { failures, .. })) => (failures, None),
            Some(Err(error)) => (Vec::new(), Some(error)),
            None => (Vec::new(), None),
        };
        failures.iter().for_each(|failure| (self.say)(&failure.to_string()));
        let revision = from.record.number;
        let why = if is_interrupted { "interrupted: " } else { "" };
        (self.say)(&format!("{why}going back to revision {revision}"));
        let left = self.go_back(from, &begun, &touched, change.monitor).await?;
        store.end()?;
        let why = match (&error, failures.first()) {
            (Some(error), _) => error.to_string(),
            (None, Some(failure)) => failure.to_string(),
            (None, None) => "interrupted".to_owned(),
        };
        audit.rolled_back(revision, &touched, &failures, &why);
        note_end(store, &to.command, false, &failures)?;
        match error {
            Some(error) => Err(error),
            None => Ok(Outcome::RolledBack { revision, is_interrupted, failures, left }),
        }
    }

    /// Writes the new units, and takes all steps.
    async fn roll_out(&self, change: &ReadyChange, touched: &mut BTreeSet<UnitName>) -> Result<RolledOut, UpdateError> {
        let ReadyChange { to: Target { plan, before, .. }, active, steps, stopped, .. } = change;
        self.run(Job::Stop, stopped).await?;
        self.write(plan).await?;
        let mut done = Rollout::of(plan, &self.manager, &self.engine, self.say).run(steps, touched).await?;
        if !done.is_failed && active.contains(&plan.target) {
            // What has no container of its own, as a timer.
            done.fail_by(self.run(Job::Start, std::slice::from_ref(&plan.target)).await?);
        }
        if !done.is_failed && change.replaces() && *before == UpdateHook::PreUpdate {
            done.fail_by(self.run_hooks(plan, UpdateHook::PostUpdate).await?);
        }
        Ok(done)
    }

    /// Makes what runs a revision; its number.
    async fn accept(&self, store: &Store, change: &ReadyChange, is_good: bool) -> Result<u32, UpdateError> {
        let ReadyChange { to: Target { plan, lock, command, .. }, active, .. } = change;
        lock_file::write(&lock_of(&plan.source), lock.as_deref())?;
        let mut revision = store.add(plan, lock.as_deref(), command)?;
        if is_good && !active.is_empty() {
            revision.record.stable = Some(now());
        }
        revision.record.images = self.images_of(&containers(plan)).await?;
        store.update(&revision.record)?;
        store.end()?;
        if let Err(error) = self.keep_images(store, &plan.project).await {
            (self.say)(&format!("images of earlier revisions cannot be kept: {error}"));
        }
        Ok(revision.record.number)
    }

    /// Writes the files of a revision, and restarts what does not run as they say. What is not as it was after that.
    async fn go_back(
        &self,
        revision: &Revision,
        Change { active: was_active, new, .. }: &Change,
        touched: &BTreeSet<UnitName>,
        monitor: Duration,
    ) -> Result<Vec<Failure>, UpdateError> {
        let plan = &revision.plan;
        let mut left = Vec::new();
        let services = was_active.iter().filter(|unit| unit.is(UnitKind::Service) && !is_triggered(plan, unit));
        let services = in_order(plan, services);
        if !touched.is_empty() || self.is_any_outdated(plan, &services).await? {
            // What they do is missing then; what runs now is worse.
            left.extend(self.run_hooks(plan, UpdateHook::PreRollback).await?);
        }
        self.restore_tags(revision).await?;
        lock_file::write(&lock_of(&plan.source), revision.lock.as_deref())?;
        let surplus: Vec<UnitName> = active(&self.manager, new.iter().cloned()).await?.into_iter().collect();
        self.run(Job::Stop, &surplus).await?;
        self.write(plan).await?;
        let rollout = Rollout::of(plan, &self.manager, &self.engine, self.say);
        for unit in services {
            if touched.contains(unit) || self.is_outdated(plan, unit).await? {
                left.extend(rollout.replace_one(unit, monitor).await?);
            }
        }
        // What went down with others; no job that a timer had started.
        let is_started = |unit: &&UnitName| plan.wants.contains(unit) || plan.target == **unit;
        let idle: Vec<UnitName> = was_active.iter().filter(is_started).cloned().collect();
        let failed = self.run(Job::Start, &idle).await?;
        let is_new = |failure: &Failure| !left.iter().any(|known: &Failure| known.unit == failure.unit);
        let failed: Vec<Failure> = failed.into_iter().filter(is_new).collect();
        left.extend(failed);
        Ok(left)
    }
}

/// Notes that an update has looked for new images, and that those which it takes are new no more.
fn note_found(store: &Store, update: &Update, changed: &Changed) -> Result<(), StoreError> {
    let mut updates = store.updates();
    if !update.locked {
        updates.checked = Some(now());
    }
    let looks_at_all = !update.locked && update.units.is_empty();
    let is_taken = |image: &String| changed.images.iter().any(|taken| taken.image == *image);
    updates.available.retain(|image, _| !looks_at_all && !is_taken(image));
    store.note(&updates)
}

/// Notes how a change ended.
fn note_end(store: &Store, command: &str, succeeded: bool, failures: &[Failure]) -> Result<(), StoreError> {
    let failed = failures.iter().map(|failure| failure.unit.clone()).collect();
    let last = LastUpdate { time: now(), command: command.to_owned(), succeeded, failed };
    store.note(&Updates { last: Some(last), ..store.updates() })
}

impl ReadyChange {
    /// Whether it stops or restarts anything.
    fn replaces(&self) -> bool {
        !self.steps.is_empty() || !self.stopped.is_empty()
    }
}

/// The revision to go back to.
fn earlier(store: &Store, installed: &Revision, number: Option<u32>) -> Result<Revision, UpdateError> {
    let project = || installed.plan.project.clone();
    let number = match number {
        Some(number) => number,
        None => {
            let records = store.records()?;
            let others = || records.iter().rev().filter(|record| record.number != installed.record.number);
            let newest = others().find(|record| record.stable.is_some()).or_else(|| others().next());
            newest.ok_or_else(|| UpdateError::NoRevision { project: project() })?.number
        }
    };
    store.get(number)?.ok_or_else(|| UpdateError::UnknownRevision { project: project(), number })
}

pub(super) fn planned(request: &Request<'_>, lock: LockSource) -> Result<(Plan, Configs), UpdateError> {
    let request = Request { lock, ..request.clone() };
    let stack = stack::load(&request)?.stack;
    let plan = prepare(&[request], &Destination::system())?.plans.remove(0);
    let config = |unit: &UnitName| {
        let service = stack.services.get(plan.container(unit)?.wharf.service.as_str())?;
        Some((service.update_config, service.rollback_config))
    };
    let configs = plan.units().filter_map(|unit| Some((unit.clone(), config(&unit)?))).collect();
    Ok((plan, configs))
}

/// All units of a plan; instances instead of their template.
fn units_of(plan: &Plan) -> impl Iterator<Item = UnitName> {
    plan.units().flat_map(|unit| plan.instances_of(&unit))
}
