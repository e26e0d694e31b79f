//! `wharf update --locked`: what runs becomes what the stack file and its lock say, whoever wrote them.

use std::collections::BTreeMap;

use super::change::{Configs, ReadyChange, Target};
use super::digests::{self, Update};
use super::error::UpdateError;
use super::lock_file;
use super::outcome::{Changed, NewImage, Outcome};
use super::store::{self, Store};
use super::updater::Updater;
use crate::diagnostic::SourceFile;
use crate::install::{Progress, WantedImage};
use crate::plan::Plan;
use crate::spec::UpdateHook;
use crate::stack::lock::{Lock, lock_of};

impl Updater<'_> {
    /// Finds out what differs, and gets ready for it if there is a store. The way back is the newest revision, whose units must be
    /// those that are installed.
    pub(super) async fn find_locked<P: Progress>(
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
}
