//! The image of a container: from this host, or pulled as the pull policy says.

use std::time::Instant;

use super::error::{StartError, at};
use super::message;
use super::patience::{PATIENCE, patiently};
use super::stop::StopRequest;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError, Image, PullProgress};
use crate::name::ImageRef;
use crate::spec::{ContainerSpec, PullPolicy, label};
use crate::systemd::service;

/// The longest labels of an image: bytes of all names and values. A container has them, too, and each event and each list of it.
const LONGEST_LABELS: usize = 1 << 20;

/// The image, pulled if the pull policy says so; one that would hand labels of Wharf's to a container, or too many others, is refused.
pub async fn image(engine: &Engine, spec: &ContainerSpec, stop: &StopRequest) -> Result<Image, StartError> {
    let large = || StartError::LargeLabels(spec.container.image.clone().unwrap_or_default());
    let image = match present(engine, spec, stop).await {
        Err(StartError::Engine { error: EngineError::TooLarge(_), .. }) => return Err(large()),
        found => found?,
    };
    match unfit(spec, &image) {
        Some(why) => Err(why),
        None => Ok(image),
    }
}

/// Why no container can be made of an image; `None`: nothing is known against it.
pub fn unfit(spec: &ContainerSpec, image: &Image) -> Option<StartError> {
    let reference = || spec.container.image.clone().unwrap_or_default();
    if image.label_bytes > LONGEST_LABELS {
        return Some(StartError::LargeLabels(reference()));
    }
    let is_given = |words: &Option<Vec<String>>| words.as_ref().is_some_and(|words| !words.is_empty());
    if !image.has_command && !is_given(&spec.container.cmd) && !is_given(&spec.container.entrypoint) {
        return Some(StartError::NoCommand(reference()));
    }
    let is_set = |name: &&str| image.labels.get(*name).is_some_and(|value| !value.is_empty());
    let labels: Vec<_> = label::OF_CONTAINERS.into_iter().filter(is_set).collect();
    if labels.is_empty() {
        return None;
    }
    let image = reference();
    // No image can be made under a digest.
    let name = ImageRef::parse(&image).map_or_else(|_| image.clone(), |image| image.readable().to_owned());
    Some(StartError::Labelled { image: name, labels })
}

/// What a pull policy asks for before a container is made of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The image is here.
    Nothing,
    Pull,
    /// As [`Need::Pull`], but without its registry the image that is here is used.
    Refresh,
    /// The image is not here, and is never pulled.
    Absent,
}

impl Need {
    /// `present`: the image on this host. With [`PullPolicy::Always`] it need not be looked for.
    pub fn of(policy: PullPolicy, present: Option<&Image>) -> Self {
        match (policy, present) {
            (PullPolicy::Always, _) => Self::Pull,
            (PullPolicy::Refresh(age), Some(image)) if is_older(image, age) => Self::Refresh,
            (_, Some(_)) => Self::Nothing,
            (PullPolicy::Never, None) => Self::Absent,
            (_, None) => Self::Pull,
        }
    }
}

async fn present(engine: &Engine, spec: &ContainerSpec, stop: &StopRequest) -> Result<Image, StartError> {
    let reference = spec.container.image.as_deref().unwrap_or_default();
    let look = async || at(format!("cannot look for image {reference}"), engine.image(reference).await);
    let policy = spec.wharf.pull_policy;
    let platform = spec.wharf.platform.as_deref();
    let present = if policy == PullPolicy::Always { None } else { look().await? };
    match (Need::of(policy, present.as_ref()), present) {
        (Need::Nothing, Some(image)) => return Ok(image),
        (Need::Nothing | Need::Absent, _) => {
            let image = reference.to_owned();
            return Err(match &spec.wharf.built_by {
                Some(unit) => StartError::NotBuilt { image, unit: unit.clone() },
                None => StartError::NoImage(image),
            });
        }
        (Need::Refresh, _) => stop.unless(refresh(engine, reference, platform)).await?,
        (Need::Pull, _) => {
            stop.unless(pull(engine, reference, platform)).await?;
            if matches!(policy, PullPolicy::Refresh(_)) {
                note_pull(engine, reference).await;
            }
        }
    }
    look().await?.ok_or_else(|| StartError::NoImage(reference.to_owned()))
}

/// Whether its last pull is longer ago than this, or unknown. If the clock was set back, it counts as older.
fn is_older(image: &Image, seconds: u64) -> bool {
    let age = image.tagged.and_then(|tagged| tagged.elapsed().ok());
    age.is_none_or(|age| age.as_secs() >= seconds)
}

/// Pulls an image that is present. If its registry cannot be reached, the present one is used.
async fn refresh(engine: &Engine, reference: &str, platform: Option<&str>) -> Result<(), StartError> {
    match pull_once(engine, reference, platform).await {
        Ok(()) => note_pull(engine, reference).await,
        Err(EngineError::RegistryAway(why)) => {
            message::warning(&format!("cannot refresh image {reference}, using the one on this host: {why}"));
        }
        Err(error) => return at(format!("cannot pull image {reference}"), Err(error)),
    }
    Ok(())
}

async fn note_pull(engine: &Engine, reference: &str) {
    if let Err(error) = engine.note_pull(reference).await {
        message::warning(&format!(
            "cannot record the pull of image {reference}, so the next start will pull it again: {error}"
        ));
    }
}

/// Pulls an image. If the registry cannot be reached (no name service yet, no route), tries again until [`PATIENCE`] ends.
async fn pull(engine: &Engine, image: &str, platform: Option<&str>) -> Result<(), StartError> {
    let begin = Instant::now();
    let mut pause = Backoff::default();
    loop {
        match pull_once(engine, image, platform).await {
            Err(EngineError::RegistryAway(why)) if begin.elapsed() < PATIENCE => {
                service::busy(&format!("Pulling {image}, retrying: {why}"));
            }
            other => return at(format!("cannot pull image {image}"), other),
        }
        pause.wait().await;
    }
}

async fn pull_once(engine: &Engine, image: &str, platform: Option<&str>) -> Result<(), EngineError> {
    let status = format!("Pulling {image}");
    service::busy(&status);
    let mut shown = None;
    let mut last_update = Instant::now();
    let mut progress = |progress: PullProgress| {
        let percent = progress.percent();
        if percent != shown || last_update.elapsed() > service::EXTENSION / 4 {
            shown = percent;
            last_update = Instant::now();
            service::busy(&format!("{status} {} %", percent.unwrap_or(0)));
        }
    };
    patiently(&status, engine.pull(image, platform, &mut progress)).await
}
