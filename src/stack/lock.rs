//! The lock of a stack: the digest of each image, whatever its tag has come to mean. `shop.lock` beside `shop.toml`.
//!
//! In: the text of a lock. Out: a stack whose images have their digests, or what of it the lock does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::value::Datetime;

use super::model::{AdditionalContext, Build, ContextSource, MountKind, PullPolicy, Service, Stack};
use super::problem::{FileProblem, LockFault, Report};
use super::text::files::read_stack;
use crate::diagnostic::{Place, SourceFile};
use crate::name::ImageRef;

/// The version of the format.
const VERSION: u32 = 1;

/// The images of a stack file as a registry had them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// By the reference, as the stack has it.
    #[serde(default)]
    pub images: BTreeMap<String, LockedImage>,
}

/// Which digests the images of a stack get.
#[derive(Debug, Clone, Default)]
pub enum LockSource {
    /// Those of the lock beside the first stack file, if there is one.
    #[default]
    File,
    /// None: an image is what its tag refers to.
    None,
    /// Those of a lock that has not been written.
    Given(Lock),
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// Of the index (OCI Image Index), or of the manifest where there is no index.
    pub digest: Digest,
    /// `OS/ARCH[/VARIANT]`, as the registry lists them.
    #[serde(default)]
    pub platforms: Vec<String>,
    /// The services whose Dockerfile names it.
    #[serde(default)]
    pub builds: BTreeSet<String>,
    /// When the tag was first seen to mean this digest.
    pub locked: Datetime,
}

/// `sha256:` and 64 hexadecimal digits, or another algorithm of the OCI Image Specification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(String);

impl Digest {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match ImageRef::parse(&format!("image@{text}")) {
            Ok(_) => Ok(Self(text)),
            Err(fault) => Err(fault.to_string()),
        }
    }
}

/// Where the lock of a stack file lies.
pub fn lock_of(stack: &Path) -> PathBuf {
    stack.with_extension("lock")
}

impl Lock {
    /// A lock of these images.
    pub fn new(images: BTreeMap<String, LockedImage>) -> Self {
        Self { version: VERSION, images }
    }

    /// Parses the text of a lock.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, (Place, String)> {
        let lock: Self = toml::from_str(&file.text)
            .map_err(|error| (Place::new(file, error.span().unwrap_or(0..0)), error.message().to_owned()))?;
        match lock.version {
            VERSION => Ok(lock),
            other => Err((Place::new(file, 0..0), format!("its version is {other}, and this wharf knows {VERSION}"))),
        }
    }

    /// The text of the file. The same images give the same bytes.
    pub fn to_toml(&self, stack: &str) -> String {
        let mut text = format!(
            "# What the images of {stack} are, whatever their tags come to mean: `wharf lock {stack}` asks the registries again.\n\
             version = {VERSION}\n"
        );
        // References, platforms and names of services have no character that TOML would have escaped.
        let list = |words: &mut dyn Iterator<Item = &String>| {
            words.map(|word| format!("\"{word}\"")).collect::<Vec<String>>().join(", ")
        };
        for (reference, LockedImage { digest, platforms, builds, locked }) in &self.images {
            let (digest, platforms) = (digest.as_str(), list(&mut platforms.iter()));
            let _infallible =
                write!(text, "\n[images.\"{reference}\"]\ndigest = \"{digest}\"\nplatforms = [{platforms}]\n");
            if !builds.is_empty() {
                let _infallible = writeln!(text, "builds = [{}]", list(&mut builds.iter()));
            }
            let _infallible = writeln!(text, "locked = {locked}");
        }
        text
    }
}

/// The images of the stack that a registry can be asked for: not those that are built here, have a digest already, or are never pulled.
pub fn lockable(stack: &mut Stack) -> BTreeSet<ImageRef> {
    let built = stack.built_images();
    stack.services.values_mut().flat_map(|service| open_images(service, &built)).map(|image| image.clone()).collect()
}

/// Gives the images of the stack their digests.
pub(super) fn apply(stack: &mut Stack, source: &LockSource, report: &Report) {
    let path = lock_of(&stack.source);
    match source {
        LockSource::None => {}
        LockSource::Given(lock) => pin(stack, lock, &path, report),
        LockSource::File => match read_stack(&path) {
            Ok(file) => match Lock::parse(&file) {
                Ok(lock) => pin(stack, &lock, &path, report),
                Err((place, reason)) => report.add(&place, LockFault::Invalid { reason }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => report.add_without_place(FileProblem::Unreadable { path, reason: error.to_string() }),
        },
    }
}

fn pin(stack: &mut Stack, lock: &Lock, path: &Path, report: &Report) {
    let built = stack.built_images();
    for service in stack.services.values_mut() {
        let place = service.place.clone();
        for image in open_images(service, &built) {
            let digest = lock.images.get(image.as_str()).map(|locked| locked.digest.as_str());
            match digest.and_then(|digest| image.pinned(digest).ok()) {
                Some(pinned) => *image = pinned,
                None => report.add(&place, LockFault::Missing { image: image.to_string(), lock: path.to_owned() }),
            }
        }
        if let Some(build) = &mut service.build {
            pin_bases(build, &service.name, lock);
        }
    }
}

/// What a service uses from registries, and may be another image tomorrow: its own, those that are mounted, contexts of its build.
fn open_images<'a>(service: &'a mut Service, built: &BTreeSet<ImageRef>) -> impl Iterator<Item = &'a mut ImageRef> {
    let is_pulled = !matches!(service.pull_policy, Some(PullPolicy::Never | PullPolicy::Build));
    let own = is_pulled.then_some(&mut service.image).into_iter();
    let mounted = service.mounts.iter_mut().filter_map(|mount| match &mut mount.kind {
        MountKind::Image { reference, .. } => Some(reference),
        _ => None,
    });
    let contexts = service.build.iter_mut().flat_map(|build| build.additional_contexts.values_mut());
    let contexts = contexts.filter_map(|context| match &mut context.source {
        ContextSource::Image(image) => Some(image),
        _ => None,
    });
    let is_open = |image: &&mut ImageRef| image.is_open() && !built.contains(&**image);
    own.chain(mounted).chain(contexts).filter(is_open)
}

/// To BuildKit, a context with the name of an image is that image, wherever the Dockerfile names it.
fn pin_bases(build: &mut Build, service: &str, lock: &Lock) {
    let bases = lock.images.iter().filter(|(_, locked)| locked.builds.contains(service));
    for (reference, locked) in bases {
        let Ok(image) = ImageRef::parse(reference) else { continue };
        let Ok(pinned) = image.pinned(locked.digest.as_str()) else { continue };
        let context = AdditionalContext { place: build.place.clone(), source: ContextSource::Image(pinned) };
        build.additional_contexts.entry(image.familiar()).or_insert(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Lock, String> {
        Lock::parse(&SourceFile::new(Path::new("shop.lock"), text)).map_err(|(_, reason)| reason)
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let digest = Digest::try_from(format!("sha256:{}", "a".repeat(64))).unwrap();
        let locked = "2026-11-30T06:00:00Z".parse().unwrap();
        let platforms = vec!["linux/amd64".to_owned(), "linux/arm64/v8".to_owned()];
        let image = LockedImage { digest, platforms, builds: BTreeSet::new(), locked };
        let base = LockedImage { builds: BTreeSet::from(["api".to_owned(), "web".to_owned()]), ..image.clone() };
        let lock = Lock::new(BTreeMap::from([("[::1]:5000/a:1".to_owned(), image), ("nginx".to_owned(), base)]));
        assert_eq!(parsed(&lock.to_toml("shop.toml")), Ok(lock));
        assert_eq!(parsed(&Lock::new(BTreeMap::new()).to_toml("shop.toml")), Ok(Lock::new(BTreeMap::new())));
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let image =
            |digest: &str| format!("version = 1\n[images.a]\ndigest = \"{digest}\"\nlocked = 2026-11-30T06:00:00Z\n");
        assert!(parsed(&image("sha256:abc")).is_err_and(|reason| reason.contains("is not a digest")));
        assert!(parsed("version = 2").is_err_and(|reason| reason.contains("its version is 2")));
        assert!(parsed("").is_err() && parsed("version = 1\nimage = 2").is_err());
    }
}
