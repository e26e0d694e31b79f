//! `wharf update` and `wharf rollback`: what runs is changed from one revision to another, and back if that fails.
//!
//! Invariant: nothing is stopped before everything that is needed is there; from the first change of a file until the end, the store
//! says what to go back to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use crate::engine::{Engine, EngineError, PullProgress};
use crate::install::{
    Agenda, Destination, Effect, Enablement, Generate, Prepared, Progress, WantedImage, prepare, provide,
};
use crate::name::{ImageRef, UnitKind, UnitName};
use crate::plan::Plan;
use crate::regular_file::read_text;
use crate::signals::Signals;
use crate::spec::models::HealthStatusEnum;
use crate::spec::{ContainerSpec, label, to_json};
use crate::stack::lock::{LockSource, lock_of, lockable};
use crate::stack::{self, FailureAction, Request, Stack, UpdateConfig};
use crate::systemd::{Job, Manager, Scope};

use super::error::UpdateError;
use super::lock::{LARGEST_LOCK, LockChange, LockError, Locking, replace};
use super::rollout::{Failure, Rollout, Step, active, has_timer, spec_of, steps};
use super::store::{self, Change, Refused, RefusedImage, Revision, RevisionImage, Store};

/// What an update is to do.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Only say what would be done.
    pub show: bool,
    /// Also try digests that an earlier update has gone back from.
    pub retry: bool,
    /// The units whose images are updated; empty: all of the stack.
    pub units: Vec<UnitName>,
}

/// An image whose tag refers to another digest now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImage {
    pub image: String,
    pub before: String,
    pub digest: String,
    /// The units whose containers are made from it.
    pub units: Vec<UnitName>,
}

/// What an update or a rollback did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub project: String,
    pub images: Vec<NewImage>,
    /// Digests that are not tried again, by image.
    pub refused: BTreeMap<String, RefusedImage>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to do.
    Current,
    /// Something would be done.
    Available,
    /// All containers are those of the revision. `failures` were to be passed over.
    Done { revision: u32, failures: Vec<Failure> },
    /// `failures`: why; `left`: what does not run as before all the same.
    RolledBack { revision: u32, failures: Vec<Failure>, left: Vec<Failure> },
}

/// Who does it, and who is told what.
pub struct Means<'a> {
    manager: Manager,
    engine: Engine,
    say: &'a dyn Fn(&str),
    /// What interrupts an update.
    interrupts: Option<Signals>,
}

/// How the containers of units are replaced, by unit.
type Configs = BTreeMap<UnitName, (UpdateConfig, UpdateConfig)>;

impl<'a> Means<'a> {
    /// Connects to systemd and the engine. `say` is called with what is done, and what is waited for; `interrupts` were blocked before
    /// any thread was started.
    ///
    /// # Errors
    /// One of them does not answer.
    pub async fn connect(say: &'a dyn Fn(&str), interrupts: Option<Signals>) -> Result<Self, UpdateError> {
        Ok(Self { manager: Manager::connect(Scope::System).await?, engine: Engine::of_units().await?, say, interrupts })
    }

    async fn interrupted(&self) {
        match &self.interrupts {
            Some(signals) => signals.wait().await,
            None => std::future::pending().await,
        }
    }

    /// What is done before anything is changed.
    async fn until_interrupted<T>(&self, work: impl Future<Output = Result<T, UpdateError>>) -> Result<T, UpdateError> {
        tokio::select! {
            done = work => done,
            () = self.interrupted() => Err(UpdateError::Interrupted),
        }
    }

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
        let (current, _) = planned(request, LockSource::File)?;
        let store = if update.show { None } else { Some(Store::open(&current.project, self.say)?) };
        if let Some(store) = &store {
            self.recover(store).await?;
        }
        let found = self.until_interrupted(self.look(request, update, store.as_ref(), begin)).await?;
        let Found { mut changed, change, refused } = found;
        if let (Some(store), Some(change)) = (&store, change) {
            changed.outcome = self.carry_out(store, &change).await?;
            if let Outcome::RolledBack { failures, .. } = &changed.outcome {
                store.refuse(&remember(refused, &changed.images, failures))?;
            }
        }
        Ok(changed)
    }

    /// Finds new digests, and gets ready for them if there is a store.
    async fn look<P: Progress>(
        &self,
        request: &Request<'_>,
        update: &Update,
        store: Option<&Store>,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<Found, UpdateError> {
        // Once more: what was interrupted may have left another lock.
        let (current, configs) = planned(request, LockSource::File)?;
        self.refuse_other_changes(&current).await?;
        let project = current.project.clone();
        let locking = Locking::of(request, &self.engine).await?;
        let refused = store::refused(&project)?;
        let known = |change: &LockChange| match change {
            LockChange::Moved { image, digest, .. } => {
                refused.images.get(image).filter(|refused| refused.digest == *digest && !update.retry)
            }
            LockChange::Added { .. } | LockChange::Dropped { .. } => None,
        };
        let passed_over = locking.changes.iter();
        let passed_over =
            passed_over.filter_map(|change| Some((change.image().to_owned(), known(change)?.clone()))).collect();
        let (_, stack) = loaded(request, LockSource::None)?;
        let wanted = images_of_units(&stack, &current, &update.units);
        let is_taken = |change: &LockChange| {
            matches!(change, LockChange::Moved { .. }) && known(change).is_none() && wanted.contains(change.image())
        };
        let Some(lock) = locking.with(&is_taken) else { return Err(UpdateError::NoLock { project }) };
        let (new, _) = planned(request, LockSource::Given(lock.clone()))?;
        let images = new_images(&locking.changes, &is_taken, &new);
        let outcome = if images.is_empty() { Outcome::Current } else { Outcome::Available };
        let changed = Changed { project, images, refused: passed_over, outcome };
        let change = match store {
            Some(store) if changed.outcome == Outcome::Available => {
                let installed = self.installed(store, &current).await?;
                let text = Some(lock.to_toml(&file_name(&current.source)));
                Some(self.prepare(installed, new, text, "update".to_owned(), configs, begin).await?)
            }
            _ => None,
        };
        Ok(Found { changed, change, refused })
    }

    /// Changes what runs to an earlier revision: the one before the newest, or the one with this number.
    ///
    /// # Errors
    /// As of [`Means::update`].
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
        let target = match number {
            Some(number) => {
                store.get(number)?.ok_or(UpdateError::UnknownRevision { project: project.clone(), number })?
            }
            None => {
                let records = store.records()?;
                let others = records.iter().rev().filter(|record| record.number != installed.record.number);
                let stable = others.clone().find(|record| record.stable.is_some());
                let record = stable.or_else(|| others.clone().next());
                let record = record.ok_or_else(|| UpdateError::NoRevision { project: project.clone() })?;
                let number = record.number;
                store.get(number)?.ok_or(UpdateError::UnknownRevision { project: project.clone(), number })?
            }
        };
        let mut changed = Changed { project, images: Vec::new(), refused: BTreeMap::new(), outcome: Outcome::Current };
        if target.plan.files == installed.plan.files && target.lock == installed.lock {
            return Ok(changed);
        }
        self.restore_tags(&target).await?;
        // The same rules in both directions: those for going back.
        let configs: Configs = configs.into_iter().map(|(unit, (_, back))| (unit, (back, back))).collect();
        let command = format!("rollback to {}", target.record.number);
        let prepared = self.prepare(installed, target.plan, target.lock, command, configs, begin);
        let change = self.until_interrupted(prepared).await?;
        changed.outcome = self.carry_out(&store, &change).await?;
        Ok(changed)
    }

    /// Notes what runs as a revision, if it is another one than the newest.
    ///
    /// # Errors
    /// The revision cannot be written.
    pub async fn record(&self, store: &Store, plan: &Plan, command: &str) -> Result<(), UpdateError> {
        let mut revision = match self.newest_if_same(store, plan)? {
            Some(revision) => revision,
            None => store.add(plan, lock_text(&plan.source).as_deref(), command, now())?,
        };
        self.observe(store, &mut revision).await?;
        self.keep_images(store, &plan.project).await
    }

    /// Goes back from a change that was interrupted.
    async fn recover(&self, store: &Store) -> Result<(), UpdateError> {
        let Some(change) = store.change()? else { return Ok(()) };
        let Some(from) = store.get(change.from)? else { return Ok(store.end()?) };
        (self.say)(&format!(
            "an earlier change of {} was interrupted: going back to revision {}",
            from.plan.project, change.from
        ));
        let left = self.go_back(&from, &change, &BTreeSet::new(), Duration::ZERO).await?;
        left.iter().for_each(|failure| (self.say)(&format!("not as before: {failure}")));
        Ok(store.end()?)
    }

    /// An update changes digests, and nothing else that the administrator may have begun.
    async fn refuse_other_changes(&self, current: &Plan) -> Result<(), UpdateError> {
        if self.is_installed(current).await? {
            return Ok(());
        }
        let (project, source_file) = (current.project.clone(), current.source.clone());
        Err(UpdateError::NotGenerated { project, source_file })
    }

    /// Whether the unit directory has these files.
    async fn is_installed(&self, plan: &Plan) -> Result<bool, UpdateError> {
        let shown = generate(Effect::Show).run(std::slice::from_ref(plan), self.say, &|_| Silent).await?;
        Ok(shown.projects.iter().all(|project| project.changes.is_empty()))
    }

    /// The revision of the files in the unit directory: after a rollback, they are not what the stack file says.
    async fn on_disk(&self, store: &Store, current: &Plan) -> Result<Revision, UpdateError> {
        if self.is_installed(current).await? {
            return self.installed(store, current).await;
        }
        match store.newest()? {
            Some(newest) if self.is_installed(&newest.plan).await? => Ok(newest),
            _ => {
                let (project, source_file) = (current.project.clone(), current.source.clone());
                Err(UpdateError::UnknownUnits { project, source_file })
            }
        }
    }

    /// Gets everything that the new containers need.
    async fn prepare<P: Progress>(
        &self,
        from: Revision,
        to: Plan,
        lock: Option<String>,
        command: String,
        configs: Configs,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<Prospect, UpdateError> {
        let active = active(&self.manager, units_of(&from.plan)).await?;
        let config = |unit: &UnitName| configs.get(unit).map_or_else(UpdateConfig::default, |(update, _)| *update);
        let steps = steps(&from.plan, &to, &active, &config);
        let stopped: Vec<UnitName> = active.iter().filter(|unit| !belongs(&to, unit)).cloned().collect();
        let outdated = steps.iter().flat_map(|step| step.units.iter().chain(&step.followers)).map(UnitName::to_string);
        let agenda = Agenda {
            stopped: stopped.iter().map(UnitName::to_string).collect(),
            outdated: outdated.collect(),
            idle: Vec::new(),
        };
        let missing = provide(&self.manager, std::slice::from_ref(&to), &agenda, begin).await?;
        if !missing.is_empty() {
            return Err(UpdateError::Unready(missing));
        }
        let monitor = configs.values().map(|(_, back)| back.monitor).max().unwrap_or_default();
        Ok(Prospect { from, to, lock, command, active, steps, stopped, monitor })
    }

    async fn carry_out(&self, store: &Store, change: &Prospect) -> Result<Outcome, UpdateError> {
        let Prospect { from: before, to, lock, command, active, steps, stopped, monitor } = change;
        let new: Vec<UnitName> = units_of(to).filter(|unit| !belongs(&before.plan, unit)).collect();
        let begun = Change { from: before.record.number, active: active.iter().cloned().collect(), new };
        store.begin(&begun)?;
        let stops: Vec<(Job, &str)> = stopped.iter().map(|unit| (Job::Stop, unit.as_str())).collect();
        self.manager.run(&stops, &BTreeSet::new()).await?;
        self.write(to).await?;
        let mut touched = BTreeSet::new();
        let rollout = Rollout { manager: &self.manager, engine: &self.engine, plan: to, say: self.say };
        let rolled_out = tokio::select! {
            failures = rollout.run(steps, &mut touched) => Some(failures?),
            () = self.interrupted() => None,
        };
        let is_interrupted = rolled_out.is_none();
        let mut failures = rolled_out.unwrap_or_default();
        if failures.is_empty() && !is_interrupted && active.contains(&to.target) {
            failures = self.start(to).await?;
        }
        let may_fail = |failure: &Failure| is_passed_over(steps, &failure.unit);
        if !is_interrupted && failures.iter().all(may_fail) {
            write_lock(&to.source, lock.as_deref())?;
            let mut revision = store.add(to, lock.as_deref(), command, now())?;
            if failures.is_empty() && !active.is_empty() {
                revision.record.stable = Some(now());
            }
            revision.record.images = self.images_of(to).await?;
            store.update(&revision.record)?;
            store.end()?;
            if let Err(error) = self.keep_images(store, &to.project).await {
                (self.say)(&format!("images of earlier revisions cannot be kept: {error}"));
            }
            return Ok(Outcome::Done { revision: revision.record.number, failures });
        }
        failures.iter().for_each(|failure| (self.say)(&failure.to_string()));
        let why = if is_interrupted { "interrupted: " } else { "" };
        (self.say)(&format!("{why}going back to revision {}", before.record.number));
        let left = self.go_back(before, &begun, &touched, *monitor).await?;
        store.end()?;
        Ok(Outcome::RolledBack { revision: before.record.number, failures, left })
    }

    /// Writes the files of a revision, and restarts what does not run as they say. What is still not as it was.
    async fn go_back(
        &self,
        revision: &Revision,
        Change { active: was_active, new, .. }: &Change,
        touched: &BTreeSet<UnitName>,
        monitor: Duration,
    ) -> Result<Vec<Failure>, UpdateError> {
        let plan = &revision.plan;
        self.restore_tags(revision).await?;
        write_lock(&plan.source, revision.lock.as_deref())?;
        let surplus = active(&self.manager, new.iter().cloned()).await?;
        let stops: Vec<(Job, &str)> = surplus.iter().map(|unit| (Job::Stop, unit.as_str())).collect();
        self.manager.run(&stops, &BTreeSet::new()).await?;
        self.write(plan).await?;
        let rollout = Rollout { manager: &self.manager, engine: &self.engine, plan, say: self.say };
        let mut left = Vec::new();
        let services = was_active.iter().filter(|unit| unit.is(UnitKind::Service) && !has_timer(plan, unit));
        for unit in in_order(plan, services) {
            if touched.contains(unit) || self.is_outdated(plan, unit).await? {
                left.extend(rollout.replace(std::slice::from_ref(unit), monitor).await?);
            }
        }
        // What went down with others; no job that a timer had started.
        let is_started = |unit: &&UnitName| plan.wants.contains(unit) || plan.target == **unit;
        let idle = was_active.iter().filter(is_started).map(|unit| (Job::Start, unit.as_str()));
        let idle: Vec<(Job, &str)> = idle.collect();
        for outcome in self.manager.run(&idle, &BTreeSet::new()).await? {
            let unit = UnitName::parse(&outcome.unit).ok().filter(|_| !outcome.result.is_success());
            let is_known = |unit: &UnitName| left.iter().any(|failure: &Failure| failure.unit == *unit);
            if let Some(unit) = unit.filter(|unit| !is_known(unit)) {
                left.push(Failure { unit, reason: outcome.result.to_string(), output: None });
            }
        }
        Ok(left)
    }

    /// Whether a unit does not run, or its container is of another definition than the plan's.
    async fn is_outdated(&self, plan: &Plan, unit: &UnitName) -> Result<bool, UpdateError> {
        let Some(spec) = spec_of(plan, unit) else { return Ok(false) };
        if !self.manager.unit(unit).await?.is_active() {
            return Ok(true);
        }
        let container = self.engine.container(&spec.wharf.name).await?;
        let hash = container.as_ref().and_then(|container| container.label(label::CONFIG_HASH));
        Ok(hash.is_some_and(|hash| hash != spec.wharf.config_hash))
    }

    async fn start(&self, plan: &Plan) -> Result<Vec<Failure>, UpdateError> {
        let units: BTreeSet<String> = plan.wants.iter().map(UnitName::to_string).collect();
        let outcomes = self.manager.run(&[(Job::Start, plan.target.as_str())], &units).await?;
        let failed = outcomes.into_iter().filter(|outcome| !outcome.result.is_success());
        let failure = |(unit, reason): (String, String)| {
            UnitName::parse(&unit).ok().map(|unit| Failure { unit, reason, output: None })
        };
        Ok(failed.filter_map(|outcome| failure((outcome.unit, outcome.result.to_string()))).collect())
    }

    async fn write(&self, plan: &Plan) -> Result<(), UpdateError> {
        generate(Effect::Write).run(std::slice::from_ref(plan), self.say, &|_| Silent).await?;
        Ok(())
    }

    /// The revision of what is installed: the newest, if its files are these.
    async fn installed(&self, store: &Store, plan: &Plan) -> Result<Revision, UpdateError> {
        let mut revision = match self.newest_if_same(store, plan)? {
            Some(revision) => revision,
            None => store.add(plan, lock_text(&plan.source).as_deref(), "generate", now())?,
        };
        self.observe(store, &mut revision).await?;
        Ok(revision)
    }

    fn newest_if_same(&self, store: &Store, plan: &Plan) -> Result<Option<Revision>, UpdateError> {
        let newest = store.newest()?;
        Ok(newest.filter(|newest| newest.plan.files == plan.files && newest.lock == lock_text(&plan.source)))
    }

    /// Notes what a revision's containers are made from, and whether it works: everything that the target starts runs, for longer
    /// than it would be monitored, and nothing is unhealthy.
    async fn observe(&self, store: &Store, revision: &mut Revision) -> Result<(), UpdateError> {
        let images = self.images_of(&revision.plan).await?;
        let is_stable = revision.record.stable.is_some() || self.is_stable(&revision.plan).await?;
        let stable = is_stable.then(|| revision.record.stable.clone().unwrap_or_else(now));
        if revision.record.images != images && !images.is_empty() || revision.record.stable != stable {
            revision.record.images.extend(images);
            revision.record.stable = stable;
            store.update(&revision.record)?;
        }
        Ok(())
    }

    async fn is_stable(&self, plan: &Plan) -> Result<bool, UpdateError> {
        let begun = SystemTime::now() - UpdateConfig::default().monitor;
        for unit in plan.wants.iter().filter(|unit| spec_of(plan, unit).is_some()) {
            let state = self.manager.unit(unit).await?;
            let runs_long = state.active_since.is_some_and(|since| since < begun);
            if !state.active.is_active() || state.sub.is_auto_restart() || !runs_long {
                return Ok(false);
            }
            if self.is_outdated(plan, unit).await? || !self.is_healthy(plan, unit).await? {
                return Ok(false);
            }
        }
        Ok(!plan.wants.is_empty())
    }

    async fn is_healthy(&self, plan: &Plan, unit: &UnitName) -> Result<bool, UpdateError> {
        let Some(spec) = spec_of(plan, unit) else { return Ok(true) };
        let container = self.engine.container(&spec.wharf.name).await?;
        let is_bad = |status| matches!(status, HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY);
        Ok(!container.is_some_and(|container| is_bad(container.health.status)))
    }

    /// The images of the plan's containers that were made from its definitions.
    async fn images_of(&self, plan: &Plan) -> Result<BTreeMap<UnitName, RevisionImage>, UpdateError> {
        let mut images = BTreeMap::new();
        for unit in &plan.wants {
            let Some(spec) = spec_of(plan, unit) else { continue };
            let Some(found) = self.engine.inspect(&spec.wharf.name).await? else { continue };
            if found.container.label(label::CONFIG_HASH) == Some(&*spec.wharf.config_hash) {
                let image = RevisionImage { reference: found.image, id: found.image_id };
                images.insert(unit.clone(), image);
            }
        }
        Ok(images)
    }

    async fn keep_images(&self, store: &Store, project: &str) -> Result<(), UpdateError> {
        let records = store.records()?;
        // The containers of the newest keep its own.
        let [earlier @ .., newest] = records.as_slice() else { return Ok(()) };
        let used = newest.images.values().map(|image| image.id.clone()).collect();
        let images = earlier.iter().flat_map(|record| record.images.values());
        let images = images.map(|image| (image.id.clone(), image.reference.clone())).collect();
        Ok(self.engine.keep_images(project, &images, &used).await?)
    }

    /// Where a revision's definitions name images by tags, these refer to what they did then.
    async fn restore_tags(&self, revision: &Revision) -> Result<(), UpdateError> {
        for RevisionImage { reference, id } in revision.record.images.values() {
            let is_open = ImageRef::parse(reference).is_ok_and(|image| image.is_open());
            let here = self.engine.image(reference).await?;
            if is_open && here.is_none_or(|image| image.id != *id) && self.engine.image(id).await?.is_some() {
                self.engine.tag(id, reference).await?;
            }
        }
        Ok(())
    }
}

/// Removes the revisions of a project that has left the host, and lets go of their images.
///
/// # Errors
/// The engine does not answer, or the files cannot be removed.
pub async fn forget(project: &str) -> Result<(), UpdateError> {
    if !store::revisions(project)?.is_empty() {
        Engine::of_units().await?.keep_images(project, &BTreeMap::new(), &BTreeSet::new()).await?;
    }
    Ok(store::remove_all(project)?)
}

/// What an update has found.
struct Found {
    changed: Changed,
    /// `None`: nothing is to be done.
    change: Option<Prospect>,
    refused: Refused,
}

/// A change that is about to begin.
struct Prospect {
    from: Revision,
    to: Plan,
    /// The text of the lock that belongs to it.
    lock: Option<String>,
    command: String,
    /// What runs.
    active: BTreeSet<UnitName>,
    steps: Vec<Step>,
    /// Units that the new revision has not.
    stopped: Vec<UnitName>,
    /// How long what is put back is watched.
    monitor: Duration,
}

/// Nothing is shown of a pull.
struct Silent;

impl Progress for Silent {
    fn update(&self, _: PullProgress) {}

    fn finish(self, _: &Result<(), EngineError>) {}
}

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

fn loaded(request: &Request<'_>, lock: LockSource) -> Result<(Prepared, Stack), UpdateError> {
    let request = Request { lock, ..request.clone() };
    let stack = stack::load(&request)?.stack;
    Ok((prepare(&[request], &Destination::system())?, stack))
}

fn planned(request: &Request<'_>, lock: LockSource) -> Result<(Plan, Configs), UpdateError> {
    let (mut prepared, stack) = loaded(request, lock)?;
    let plan = prepared.plans.remove(0);
    let config = |unit: &UnitName| {
        let spec = spec_of(&plan, unit);
        let service = spec.and_then(|spec| stack.services.get(spec.wharf.service.as_str()));
        service.map(|service| (service.update_config, service.rollback_config))
    };
    let units = plan.files.iter().filter_map(|file| UnitName::parse(&file.name).ok());
    let configs = units.filter_map(|unit| Some((unit.clone(), config(&unit)?))).collect();
    Ok((plan, configs))
}

/// The images, as the stack file has them, that the containers of these units use; without units, those of all.
fn images_of_units(stack: &Stack, plan: &Plan, units: &[UnitName]) -> BTreeSet<String> {
    let specs = units.iter().filter_map(|unit| spec_of(plan, unit));
    let services: BTreeSet<String> = specs.map(|spec| spec.wharf.service).collect();
    let mut stack = stack.clone();
    stack.services.retain(|name, _| units.is_empty() || services.contains(name.as_str()));
    lockable(&mut stack).iter().map(ToString::to_string).collect()
}

/// The changes of a lock that an update makes, with the units of the plan that they concern.
fn new_images(changes: &[LockChange], is_taken: &dyn Fn(&LockChange) -> bool, plan: &Plan) -> Vec<NewImage> {
    let taken = changes.iter().filter(|change| is_taken(change));
    let image = |change: &LockChange| match change {
        LockChange::Moved { image, before, digest } => {
            let uses = |unit: &&UnitName| spec_of(plan, unit).is_some_and(|spec| names_digest(&spec, digest));
            let units = plan.wants.iter().filter(uses).cloned().collect();
            Some(NewImage { image: image.clone(), before: before.clone(), digest: digest.clone(), units })
        }
        LockChange::Added { .. } | LockChange::Dropped { .. } => None,
    };
    taken.filter_map(image).collect()
}

/// Whether a container is made from the image with this digest, or mounts it.
fn names_digest(spec: &ContainerSpec, digest: &str) -> bool {
    to_json(spec).contains(digest)
}

/// With the digests that the failed units were to get; of a failure that belongs to none of them, all.
fn remember(mut refused: Refused, images: &[NewImage], failures: &[Failure]) -> Refused {
    let reason_of = |image: &NewImage| failures.iter().find(|failure| image.units.contains(&failure.unit));
    let is_known = images.iter().any(|image| reason_of(image).is_some());
    for image in images {
        let failure = if is_known { reason_of(image) } else { failures.first() };
        let Some(failure) = failure else { continue };
        let reason = format!("{}: {}", failure.unit, failure.reason);
        let entry = RefusedImage { digest: image.digest.clone(), time: now(), reason };
        refused.images.insert(image.image.clone(), entry);
    }
    refused
}

/// Whether the plan has the unit, or the template that it is an instance of and it is one of those.
fn belongs(plan: &Plan, unit: &UnitName) -> bool {
    let is_file = |name: &str| plan.files.iter().any(|file| file.name == name);
    match unit.template() {
        Some(template) => plan.instances.get(&template).is_some_and(|instances| instances.contains(unit)),
        None => is_file(unit),
    }
}

/// All units of a plan; instances instead of their template.
fn units_of(plan: &Plan) -> impl Iterator<Item = UnitName> {
    let files = plan.files.iter().filter(|file| file.is_unit()).filter_map(|file| UnitName::parse(&file.name).ok());
    files.flat_map(|unit| plan.instances.get(&unit).cloned().unwrap_or_else(|| vec![unit]))
}

/// In the order of their dependencies.
fn in_order<'a>(plan: &Plan, units: impl Iterator<Item = &'a UnitName>) -> Vec<&'a UnitName> {
    let place = |unit: &UnitName| {
        let file = unit.template().unwrap_or_else(|| unit.clone());
        plan.files.iter().position(|planned| planned.name == file.as_str())
    };
    let mut units: Vec<&UnitName> = units.collect();
    units.sort_by_key(|unit| place(unit));
    units
}

/// Whether the service of a failed unit says that an update goes on all the same.
fn is_passed_over(steps: &[Step], unit: &UnitName) -> bool {
    let step = steps.iter().find(|step| step.units.contains(unit) || step.followers.contains(unit));
    step.is_some_and(|step| step.config.failure_action == FailureAction::Continue)
}

/// The text of the lock beside a stack file.
fn lock_text(source: &Path) -> Option<String> {
    read_text(&lock_of(source), LARGEST_LOCK).ok()
}

/// Makes the lock beside a stack file this text, or removes it.
fn write_lock(source: &Path, text: Option<&str>) -> Result<(), LockError> {
    let path = lock_of(source);
    let written = match text {
        Some(text) if lock_text(source).as_deref() != Some(text) => replace(&path, text),
        Some(_) => Ok(()),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    };
    written.map_err(|error| LockError::Unwritable { path, error })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
