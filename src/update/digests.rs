//! The digests that the tags of a stack's images refer to now, and what an update makes of them.

use std::collections::{BTreeMap, BTreeSet};

use super::error::UpdateError;
use super::failure::Failure;
use super::lock::{LockChange, Locking, changes};
use super::outcome::NewImage;
use super::revision::{Refused, RefusedImage, now};
use super::steps::containers;
use crate::engine::Engine;
use crate::name::UnitName;
use crate::plan::Plan;
use crate::spec::to_json;
use crate::stack::lock::{Lock, LockSource, lockable};
use crate::stack::{self, Request, Stack};

/// What an update is to do.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// Only say what would be done.
    pub show: bool,
    /// Follow the stack file and its lock as they are, and ask for no digests.
    pub locked: bool,
    /// Also try digests that an earlier update has gone back from.
    pub retry: bool,
    /// The units whose images are updated; empty: all of the stack.
    pub units: Vec<UnitName>,
}

/// What an update may bring.
pub(super) struct Digests {
    /// With the digests that are taken.
    pub lock: Lock,
    /// Those digests that are taken; the units are not known yet.
    pub images: Vec<NewImage>,
    /// Digests that are not tried again.
    pub passed_over: BTreeMap<String, RefusedImage>,
}

impl Digests {
    /// Asks the registries. `refused`: digests that an earlier update has gone back from.
    ///
    /// # Errors
    /// The stack is invalid or has no lock, or a registry does not answer.
    pub async fn of(
        request: &Request<'_>,
        update: &Update,
        refused: &Refused,
        current: &Plan,
        engine: &Engine,
    ) -> Result<Self, UpdateError> {
        let locking = Locking::of(request, engine).await?;
        let stack = stack::load(&Request { lock: LockSource::None, ..request.clone() })?.stack;
        let wanted = images_of(stack, current, &update.units);
        let (mut images, mut passed_over) = (Vec::new(), BTreeMap::new());
        for change in &locking.changes {
            let LockChange::Moved { image, before, digest } = change else { continue };
            match refused.get(image, digest) {
                Some(refused) if !update.retry => {
                    passed_over.insert(image.clone(), refused.clone());
                }
                _ if wanted.contains(image) => {
                    let (image, before, digest) = (image.clone(), before.clone(), digest.clone());
                    images.push(NewImage { image, before, digest, units: Vec::new() });
                }
                _ => {}
            }
        }
        let is_taken = |change: &LockChange| images.iter().any(|new| new.image == change.image());
        let lock = locking.with(&is_taken);
        let lock = lock.ok_or_else(|| UpdateError::NoLock { project: current.project.clone() })?;
        Ok(Self { lock, images, passed_over })
    }
}

/// Notes which units of the new plan use the images.
pub(super) fn assign(images: &mut [NewImage], plan: &Plan) {
    let specs: Vec<(UnitName, String)> =
        containers(plan).into_iter().map(|(unit, spec)| (unit, to_json(&spec))).collect();
    for image in images {
        // As its own image, or as a mount.
        let users = specs.iter().filter(|(_, spec)| spec.contains(&image.digest));
        image.units = users.map(|(unit, _)| unit.clone()).collect();
    }
}

/// The images whose digests differ between two locks, of which the first may be missing.
pub(super) fn between(before: Option<&Lock>, now: &Lock) -> Vec<NewImage> {
    let none = BTreeMap::new();
    let changes = changes(before.map_or(&none, |lock| &lock.images), &now.images);
    let moved = changes.into_iter().filter_map(|change| match change {
        LockChange::Moved { image, before, digest } => Some(NewImage { image, before, digest, units: Vec::new() }),
        _ => None,
    });
    moved.collect()
}

/// The images, as the stack file has them, that the containers of these units use; without units, those of all.
fn images_of(mut stack: Stack, plan: &Plan, units: &[UnitName]) -> BTreeSet<String> {
    let specs = units.iter().filter_map(|unit| plan.container(unit));
    let services: BTreeSet<String> = specs.map(|spec| spec.wharf.service).collect();
    stack.services.retain(|name, _| units.is_empty() || services.contains(name.as_str()));
    lockable(&mut stack).iter().map(ToString::to_string).collect()
}

/// Adds the digests that the failed units were to get; if no image belongs to any of them, all.
pub(super) fn refuse(refused: &mut Refused, images: &[NewImage], failures: &[Failure]) {
    let failure_of = |image: &NewImage| failures.iter().find(|failure| image.units.contains(&failure.unit));
    let is_known = images.iter().any(|image| failure_of(image).is_some());
    for image in images {
        let failure = if is_known { failure_of(image) } else { failures.first() };
        let Some(failure) = failure else { continue };
        let reason = format!("{}: {}", failure.unit, failure.reason);
        let entry = RefusedImage { digest: image.digest.clone(), time: now(), reason };
        refused.images.insert(image.image.clone(), entry);
    }
}
