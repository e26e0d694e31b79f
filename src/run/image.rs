//! The image of a container: on this host, or fetched as the pull policy says.

use std::time::Instant;

use super::failure::{StartError, at};
use super::patience::{PATIENCE, patiently};
use super::stop::StopRequest;
use crate::backoff::Backoff;
use crate::engine::{Engine, EngineError, Image, PullProgress};
use crate::spec::{ContainerSpec, PullPolicy};
use crate::systemd::service;

/// The image, fetched as the pull policy says.
pub async fn image(engine: &Engine, spec: &ContainerSpec, stop: &StopRequest) -> Result<Image, StartError> {
    let reference = spec.container.image.as_deref().unwrap_or_default();
    let look = async || at(format!("cannot look for image {reference}"), engine.image(reference).await);
    let policy = spec.wharf.pull_policy;
    if policy != PullPolicy::Always
        && let Some(image) = look().await?
    {
        return Ok(image);
    }
    if policy == PullPolicy::Never {
        return Err(StartError::NoImage(reference.to_owned()));
    }
    stop.unless(pull(engine, reference, spec.wharf.platform.as_deref())).await?;
    look().await?.ok_or_else(|| StartError::NoImage(reference.to_owned()))
}

/// Fetches an image; a registry that cannot be reached just now (no name service yet, no route) is tried again for a while.
async fn pull(engine: &Engine, image: &str, platform: Option<&str>) -> Result<(), StartError> {
    let begin = Instant::now();
    let mut pause = Backoff::default();
    loop {
        match pull_once(engine, image, platform).await {
            Err(EngineError::RegistryAway(why)) if begin.elapsed() < PATIENCE => {
                service::busy(&format!("Pulling {image}, trying again: {why}"));
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
    let mut last_sign = Instant::now();
    let mut progress = |progress: PullProgress| {
        let percent = progress.percent();
        if percent != shown || last_sign.elapsed() > service::EXTENSION / 4 {
            shown = percent;
            last_sign = Instant::now();
            service::busy(&format!("{status} {} %", percent.unwrap_or(0)));
        }
    };
    patiently(&status, engine.pull(image, platform, &mut progress)).await
}
