//! What an update would bring: new digests of the registries, or what the stack file and its lock say, whoever wrote them.

use std::collections::BTreeMap;
use std::path::Path;

use super::audit;
use super::change::{Configs, ReadyChange, Target, planned};
use super::digests::{self, Digests, Update};
use super::error::UpdateError;
use super::lock_file;
use super::observe::BY_GENERATE;
use super::outcome::{Changed, NewImage, Outcome};
use super::revision::{Revision, now};
use super::store::{self, Store};
use super::updater::Updater;
use crate::diagnostic::SourceFile;
use crate::install::{Progress, WantedImage};
use crate::plan::Plan;
use crate::spec::UpdateHook;
use crate::stack::Request;
use crate::stack::lock::{Lock, LockSource, lock_of};
use crate::updates::Updates;

impl Updater<'_> {
    /// Finds new digests, and gets ready for them if there is a store.
    pub(super) async fn find<P: Progress>(
        &self,
        request: &Request<'_>,
        update: &Update,
        store: Option<&Store>,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<(Changed, Option<ReadyChange>), UpdateError> {
        let (current, configs) = planned(request, LockSource::File)?;
        if update.locked {
            return self.find_locked(current, configs, update, store, begin).await;
        }
        let (project, source_file) = (current.project.clone(), current.source.clone());
        if !self.is_installed(&current).await? {
            // Somebody has begun something else, which an update does not finish.
            if self.differs_by_lock(request, &project).await? {
                return Err(UpdateError::OtherLock { lock: lock_of(&source_file), project });
            }
            return Err(UpdateError::NotGenerated { project, source_file });
        }
        let refused = store::refused(&project)?;
        let found = Digests::of(request, update, &refused, &current, &self.engine).await?;
        let Digests { lock, mut images, passed_over } = found;
        let (new, _) = planned(request, LockSource::Given(lock.clone()))?;
        digests::assign(&mut images, &new);
        let outcome = if images.is_empty() { Outcome::Current } else { Outcome::Available };
        let changed = Changed { project, images, refused: passed_over, outcome };
        let change = match store {
            Some(store) if !changed.images.is_empty() => {
                let installed = self.installed(store, &current, BY_GENERATE).await?;
                let text = lock.to_toml(&file_name(&source_file));
                let target =
                    Target { plan: new, lock: Some(text), command: "update".to_owned(), before: UpdateHook::PreUpdate };
                Some(self.get_ready(installed, target, configs, begin).await?)
            }
            _ => None,
        };
        Ok((changed, change))
    }

    /// Whether what is installed is what the stack file says with the lock of the newest revision.
    async fn differs_by_lock(&self, request: &Request<'_>, project: &str) -> Result<bool, UpdateError> {
        let Some(Revision { plan, lock: Some(text), .. }) = store::newest(project)? else { return Ok(false) };
        let Ok(lock) = Lock::parse(&SourceFile::new(lock_of(&plan.source), text)) else { return Ok(false) };
        match planned(request, LockSource::Given(lock)) {
            Ok((plan, _)) => self.is_installed(&plan).await,
            Err(_) => Ok(false),
        }
    }

    /// `--locked`: finds out what differs, and gets ready for it if there is a store. The way back is the newest revision, whose units must be
    /// those that are installed.
    async fn find_locked<P: Progress>(
        &self,
        plan: Plan,
        configs: Configs,
        update: &Update,
        store: Option<&Store>,
        begin: &dyn Fn(&WantedImage) -> P,
    ) -> Result<(Changed, Option<ReadyChange>), UpdateError> {
        let project = plan.project.clone();
        let path = lock_of(&plan.source);
        let Some(lock) = lock_file::read(&path) else { return Err(UpdateError::NoLock { project }) };
        let parsed = |text: &str| Lock::parse(&SourceFile::new(&path, text)).ok();
        let (images, outcome) = (Vec::new(), Outcome::Current);
        let mut changed = Changed { project: project.clone(), images, refused: BTreeMap::new(), outcome };
        if self.is_installed(&plan).await? {
            return Ok((changed, None));
        }
        let from = match store {
            Some(store) => self.on_disk(store, &plan).await?,
            None => self.newest_on_disk(store::newest(&project)?, &plan).await?,
        };
        let before = from.lock.as_deref().and_then(parsed);
        changed.images = parsed(&lock).map(|lock| digests::between(before.as_ref(), &lock)).unwrap_or_default();
        digests::assign(&mut changed.images, &plan);
        if !update.retry {
            let refused = store::refused(&project)?;
            let known = |image: &NewImage| refused.get(&image.image, &image.digest).cloned();
            let known = changed.images.iter().filter_map(|image| Some((image.image.clone(), known(image)?)));
            changed.refused = known.collect();
        }
        if !changed.refused.is_empty() {
            changed.outcome = Outcome::Refused { revision: from.record.number };
            return Ok((changed, None));
        }
        changed.outcome = Outcome::Available;
        if store.is_none() {
            return Ok((changed, None));
        }
        let (command, before) = ("update --locked".to_owned(), UpdateHook::PreUpdate);
        let target = Target { plan, lock: Some(lock), command, before };
        let change = self.get_ready(from, target, configs, begin).await?;
        Ok((changed, Some(change)))
    }

    /// Notes which new images an update would bring, and logs those that were not noted before. Only root can; another command that
    /// changes what runs meanwhile does it itself.
    pub fn announce(&self, changed: &Changed) {
        let Ok(Some(store)) = Store::try_open(&changed.project) else { return };
        let images = changed.images.iter().map(|image| (image.image.clone(), image.digest.clone())).collect();
        let before = store.updates();
        let is_known = |image: &NewImage| before.available.get(&image.image) == Some(&image.digest);
        let is_new = !changed.images.iter().all(is_known);
        let updates = Updates { checked: Some(now()), available: images, ..before };
        // What cannot be noted is said once more by the next check.
        if store.note(&updates).is_ok() && is_new {
            audit::available(&changed.project, &changed.images);
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
