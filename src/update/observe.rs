//! What is installed and runs, as a revision: which one it is, whether it works, and what it needs to be there when somebody goes back to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::error::UpdateError;
use super::lock_file;
use super::revision::{Revision, RevisionImage, now};
use super::steps::containers;
use super::store::{self, Store};
use super::updater::Updater;
use crate::engine::{Container, Engine};
use crate::name::{ImageRef, UnitName};
use crate::plan::Plan;
use crate::spec::models::HealthStatusEnum;
use crate::spec::{ContainerSpec, label};
use crate::stack::UpdateConfig;
use crate::stack::lock::lock_of;
use crate::systemd::{ActiveState, SubState};

/// The command of a revision that was found: its units were generated, and their containers started by systemctl.
pub(super) const BY_GENERATE: &str = "generate";

type Containers = BTreeMap<UnitName, ContainerSpec>;

impl Updater<'_> {
    /// Notes what runs as a revision, if it is another one than the newest.
    ///
    /// # Errors
    /// The revision cannot be written.
    pub async fn record(&self, store: &Store, plan: &Plan, command: &str) -> Result<(), UpdateError> {
        self.installed(store, plan, command).await?;
        self.keep_images(store, &plan.project).await
    }

    /// Notes that the newest revision works, if it runs and does, before another one takes its place.
    ///
    /// # Errors
    /// systemd or the engine does not answer.
    pub async fn settle(&self, store: &Store) -> Result<(), UpdateError> {
        match store.newest()?.filter(|newest| newest.record.stable.is_none()) {
            Some(mut newest) if self.is_installed(&newest.plan).await? => self.observe(store, &mut newest).await,
            _ => Ok(()),
        }
    }

    /// The revision of the files in the unit directory: after a rollback, they are not what the stack file says.
    pub(super) async fn on_disk(&self, store: &Store, current: &Plan) -> Result<Revision, UpdateError> {
        if self.is_installed(current).await? {
            return self.installed(store, current, BY_GENERATE).await;
        }
        self.newest_on_disk(store.newest()?, current).await
    }

    /// The newest revision, if its files are those in the unit directory.
    pub(super) async fn newest_on_disk(
        &self,
        newest: Option<Revision>,
        current: &Plan,
    ) -> Result<Revision, UpdateError> {
        match newest {
            Some(newest) if self.is_installed(&newest.plan).await? => Ok(newest),
            _ => {
                let (project, source_file) = (current.project.clone(), current.source.clone());
                Err(UpdateError::UnknownUnits { project, source_file })
            }
        }
    }

    /// The revision of what is installed: the newest if its files are these, or else a new one of this command.
    pub(super) async fn installed(&self, store: &Store, plan: &Plan, command: &str) -> Result<Revision, UpdateError> {
        let lock = lock_file::read(&lock_of(&plan.source));
        let newest = store.newest()?.filter(|newest| newest.plan.files == plan.files && newest.lock == lock);
        let mut revision = match newest {
            Some(revision) => revision,
            None => store.add(plan, lock.as_deref(), command)?,
        };
        self.observe(store, &mut revision).await?;
        Ok(revision)
    }

    /// Whether the unit of a container does not run, or its container is of another definition than the plan's.
    pub(super) async fn is_outdated(&self, plan: &Plan, unit: &UnitName) -> Result<bool, UpdateError> {
        let Some(spec) = plan.container(unit) else { return Ok(false) };
        if !self.manager.unit(unit).await?.is_active() {
            return Ok(true);
        }
        let container = self.engine.container(&spec.wharf.name).await?;
        Ok(container.is_some_and(|container| !is_of(&container, &spec)))
    }

    pub(super) async fn is_any_outdated(&self, plan: &Plan, units: &[&UnitName]) -> Result<bool, UpdateError> {
        for unit in units {
            if self.is_outdated(plan, unit).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Notes what a revision's containers are made from, and that it works, if it does.
    async fn observe(&self, store: &Store, revision: &mut Revision) -> Result<(), UpdateError> {
        let before = revision.record.clone();
        let containers = containers(&revision.plan);
        revision.record.images.extend(self.images_of(&containers).await?);
        if before.stable.is_none() && self.is_stable(&revision.plan, &containers).await? {
            revision.record.stable = Some(now());
        }
        if revision.record != before { Ok(store.update(&revision.record)?) } else { Ok(()) }
    }

    /// Whether the stack runs, each of its containers for longer than it would be monitored, and none has failed or is unhealthy.
    async fn is_stable(&self, plan: &Plan, containers: &Containers) -> Result<bool, UpdateError> {
        let begun = SystemTime::now() - UpdateConfig::default().monitor;
        if !self.manager.unit(&plan.target).await?.is_active() {
            return Ok(false);
        }
        for (unit, spec) in containers {
            let state = self.manager.unit(unit).await?;
            let is_done = state.active == ActiveState::Inactive || state.sub == SubState::Exited;
            if is_done && !state.result.is_failure() {
                // It has done its work.
                continue;
            }
            let runs_long = state.active_since.is_some_and(|since| since < begun);
            if !state.is_active() || state.sub.is_auto_restart() || !runs_long {
                return Ok(false);
            }
            let container = self.engine.container(&spec.wharf.name).await?;
            if container.is_none_or(|container| !is_of(&container, spec) || is_bad(container.health.status)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The images that the containers were made from, of those that were made from their definitions.
    pub(super) async fn images_of(
        &self,
        containers: &Containers,
    ) -> Result<BTreeMap<UnitName, RevisionImage>, UpdateError> {
        let mut images = BTreeMap::new();
        for (unit, spec) in containers {
            let found = self.engine.inspect(&spec.wharf.name).await?;
            if let Some(found) = found.filter(|found| is_of(&found.container, spec)) {
                images.insert(unit.clone(), RevisionImage { reference: found.image, id: found.image_id });
            }
        }
        Ok(images)
    }

    /// Keeps the images of all revisions but the newest, whose containers keep them.
    pub(super) async fn keep_images(&self, store: &Store, project: &str) -> Result<(), UpdateError> {
        let records = store.records()?;
        let [earlier @ .., newest] = records.as_slice() else { return Ok(()) };
        let used = newest.images.values().map(|image| image.id.clone()).collect();
        let images = earlier.iter().flat_map(|record| record.images.values());
        let images = images.map(|image| (image.id.clone(), image.reference.clone())).collect();
        Ok(self.engine.keep_images(project, &images, &used).await?)
    }

    /// Where a revision's definitions name images by tags, these refer to what they did then.
    pub(super) async fn restore_tags(&self, revision: &Revision) -> Result<(), UpdateError> {
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

/// Whether a container was made from this definition.
fn is_of(container: &Container, spec: &ContainerSpec) -> bool {
    container.label(label::CONFIG_HASH) == Some(&*spec.wharf.config_hash)
}

fn is_bad(status: HealthStatusEnum) -> bool {
    matches!(status, HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY)
}
