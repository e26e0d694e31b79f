//! `wharf lock`: asks the registries what the images of a stack are, and writes that beside the stack file. Nothing is pulled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use futures_util::{StreamExt, stream};
use thiserror::Error;

use crate::diagnostic::{Diagnostics, SourceFile};
use crate::engine::{Engine, EngineError};
use crate::name::ImageRef;
use crate::stack::lock::{Digest, Lock, LockSource, LockedImage, lock_of, lockable};
use crate::stack::{self, Request};

use super::bases::Bases;
use super::lock_file::{self, Unwritable};
use super::revision::now;

/// So many images are asked for concurrently.
const AT_ONCE: usize = 4;

/// A stack's lock as it is, and as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locking {
    pub path: PathBuf,
    pub changes: Vec<LockChange>,
    /// What is not locked, and why, for people.
    pub open: Vec<String>,
    /// What the file has now; `None`: it is not there, or no lock.
    before: Option<String>,
    /// The images that the file has now; `None`: it is not there, or no lock.
    old: Option<Lock>,
    new: BTreeMap<String, LockedImage>,
    text: String,
}

/// What becomes of one image in the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockChange {
    Added {
        image: String,
        digest: String,
    },
    /// The tag means another image now.
    Moved {
        image: String,
        before: String,
        digest: String,
    },
    /// The stack does not use it any more.
    Dropped {
        image: String,
    },
}

impl LockChange {
    /// The reference in the stack file.
    pub fn image(&self) -> &str {
        match self {
            Self::Added { image, .. } | Self::Moved { image, .. } | Self::Dropped { image } => image,
        }
    }
}

/// Why there is no lock.
#[derive(Debug, Error)]
pub enum LockError {
    #[error("{}", .0.render(false).trim_end())]
    Invalid(Diagnostics),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Registries that did not say what an image is: nothing was written.
    #[error("{}", .0.join("\n"))]
    Unknown(Vec<String>),
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

impl Locking {
    /// Asks for every image of a stack, those of all profiles.
    ///
    /// # Errors
    /// The stack is invalid, or a registry does not tell.
    pub async fn of(request: &Request<'_>, engine: &Engine) -> Result<Self, LockError> {
        let request = Request { lock: LockSource::None, profiles: vec!["*".to_owned()], ..request.clone() };
        let mut loaded = stack::load(&request).map_err(LockError::Invalid)?;
        let path = lock_of(&loaded.stack.source);
        let before = lock_file::read(&path);
        let old = before.as_ref().and_then(|text| Lock::parse(&SourceFile::new(&path, text.as_str())).ok());
        let known = old.as_ref().map(|lock| lock.images.clone()).unwrap_or_default();
        let Bases { builds, open } = Bases::of(&loaded.stack);
        let images: BTreeSet<ImageRef> =
            lockable(&mut loaded.stack).into_iter().chain(builds.keys().cloned()).collect();
        let asked = images.iter().map(async |image| (image, ask(engine, image).await));
        let asked: Vec<_> = stream::iter(asked).buffered(AT_ONCE).collect().await;
        let (mut new, mut unknown) = (BTreeMap::new(), Vec::new());
        for (image, answer) in asked {
            match answer {
                Ok(locked) => {
                    let builds = builds.get(image).cloned().unwrap_or_default();
                    let locked = as_before(LockedImage { builds, ..locked }, known.get(image.as_str()));
                    new.insert(image.to_string(), locked)
                }
                Err(error) => {
                    unknown.push(format!("{image}: {error}"));
                    None
                }
            };
        }
        if !unknown.is_empty() {
            return Err(LockError::Unknown(unknown));
        }
        let changes = changes(&known, &new);
        let stack = loaded.stack.source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = Lock::new(new.clone()).to_toml(&stack);
        Ok(Self { path, changes, open, before, old, new, text })
    }

    /// The lock as it is with only those changes that are wanted; `None`: there is no lock.
    pub fn with(&self, is_wanted: &dyn Fn(&LockChange) -> bool) -> Option<Lock> {
        let mut images = self.old.clone()?.images;
        for image in self.changes.iter().filter(|change| is_wanted(change)).map(LockChange::image) {
            match self.new.get(image) {
                Some(new) => images.insert(image.to_owned(), new.clone()),
                None => images.remove(image),
            };
        }
        Some(Lock::new(images))
    }

    /// Whether there is no file yet.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Whether the file would be another one.
    pub fn differs(&self) -> bool {
        self.before.as_ref() != Some(&self.text)
    }

    /// Writes the file, at once and durably.
    ///
    /// # Errors
    /// It cannot be written; the one before is as it was.
    pub fn write(&self) -> Result<(), LockError> {
        Ok(lock_file::write(&self.path, Some(&self.text))?)
    }
}

async fn ask(engine: &Engine, image: &ImageRef) -> Result<LockedImage, String> {
    let found = engine.registry_image(image.as_str()).await.map_err(|error| error.to_string())?;
    let digest = found.digest.ok_or("its registry tells no digest")?;
    let now = now();
    let locked = now.parse().map_err(|error| format!("{now}: {error}"))?;
    let digest = Digest::try_from(digest)?;
    Ok(LockedImage { digest, platforms: found.platforms, builds: BTreeSet::new(), locked })
}

/// With the time from before, if it is still the same image.
fn as_before(now: LockedImage, before: Option<&LockedImage>) -> LockedImage {
    match before.filter(|before| before.digest == now.digest) {
        Some(before) => LockedImage { locked: before.locked, ..now },
        None => now,
    }
}

pub fn changes(old: &BTreeMap<String, LockedImage>, new: &BTreeMap<String, LockedImage>) -> Vec<LockChange> {
    let digest = |locked: &LockedImage| locked.digest.as_str().to_owned();
    let kept = new.iter().filter_map(|(image, locked)| match old.get(image) {
        None => Some(LockChange::Added { image: image.clone(), digest: digest(locked) }),
        Some(before) if before.digest != locked.digest => {
            Some(LockChange::Moved { image: image.clone(), before: digest(before), digest: digest(locked) })
        }
        Some(_) => None,
    });
    let dropped = old.keys().filter(|image| !new.contains_key(*image));
    kept.chain(dropped.map(|image| LockChange::Dropped { image: image.clone() })).collect()
}
