//! Images: are they there, and fetching them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::{Duration, SystemTime};

use bollard::query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt;

use super::auth::{self, Login};
use super::{Engine, EngineError, found};
use crate::name::ImageRef;
use crate::spec::label;

/// An image on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Its content's digest, or that of its configuration.
    pub id: String,
    /// The digests under which registries have it, without their names; none: it was made here.
    pub digests: Vec<String>,
    /// The paths that it declares as volumes.
    pub volumes: Vec<String>,
    /// When its name was last given to it here, by a build, a tag or [`Engine::note_pull`]; `None`: the engine does not know.
    pub tagged: Option<SystemTime>,
    /// Those of Wharf.
    pub labels: HashMap<String, String>,
    /// What asks its containers to stop, as the image has it.
    pub stop_signal: Option<String>,
    /// Names and values of all labels: bytes.
    pub label_bytes: usize,
    /// Whether it has a program to run: a command or an entrypoint.
    pub has_command: bool,
    pub platform: Platform,
}

/// What a program is for, as images name it: `linux` and `amd64`. Empty where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// An image at a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryImage {
    /// Of the index, or of the manifest where there is no index.
    pub digest: Option<String>,
    /// `OS/ARCH[/VARIANT]`, sorted.
    pub platforms: Vec<String>,
}

/// Bytes fetched of the bytes known so far, over all layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullProgress {
    pub current: u64,
    pub total: u64,
}

impl PullProgress {
    /// 0 to 100, once something is known.
    pub fn percent(self) -> Option<u64> {
        (self.total > 0).then(|| (self.current * 100 / self.total).min(100))
    }
}

impl Engine {
    /// The image of this name, if it is on this host.
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let inspected = found(self.docker.inspect_image(reference).await)?;
        Ok(inspected.map(|image| {
            let config = image.config.unwrap_or_default();
            let labels = config.labels.unwrap_or_default();
            let is_some = |words: Option<Vec<String>>| words.is_some_and(|words| !words.is_empty());
            Image {
                has_command: is_some(config.cmd) || is_some(config.entrypoint),
                platform: Platform {
                    os: image.os.unwrap_or_default(),
                    architecture: image.architecture.unwrap_or_default(),
                },
                id: image.id.unwrap_or_default(),
                digests: image.repo_digests.unwrap_or_default().iter().filter_map(|name| digest_of(name)).collect(),
                tagged: image.metadata.and_then(|metadata| metadata.last_tag_time).and_then(|time| local_time(&time)),
                volumes: config.volumes.unwrap_or_default(),
                stop_signal: config.stop_signal,
                label_bytes: labels.iter().map(|(name, value)| name.len() + value.len()).sum(),
                labels: label::of_wharf(labels),
            }
        }))
    }

    /// What the registry has under this reference now: Engine API, `GET /distribution/{name}/json`.
    ///
    /// # Errors
    /// As of [`Engine::pull`].
    pub async fn registry_image(&self, reference: &str) -> Result<RegistryImage, EngineError> {
        let login = auth::login(parsed(reference)?.registry()).await;
        let docker = auth::with_url_alphabet(self.docker.clone());
        let inspected = docker.inspect_registry_image(reference, login.credentials.clone()).await;
        let described = inspected.map_err(|error| pull_error(error.into(), &login))?;
        let platforms = described.platforms.into_iter().map(|platform| {
            let parts = [platform.os, platform.architecture, platform.variant];
            parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<String>>().join("/")
        });
        // Attestations have none (`unknown/unknown`).
        let is_platform = |text: &String| {
            text.contains('/')
                && !text.contains("unknown")
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        };
        let platforms: BTreeSet<String> = platforms.filter(is_platform).collect();
        Ok(RegistryImage { digest: described.descriptor.digest, platforms: platforms.into_iter().collect() })
    }

    /// Makes the engine remember that the image was fetched just now: a pull alone leaves no mark, a tag does. What is named by
    /// a digest stays the same for ever, and needs none.
    pub async fn note_pull(&self, reference: &str) -> Result<(), EngineError> {
        match parsed(reference)?.effective_tag() {
            Some(_) => self.tag(reference, reference).await,
            None => Ok(()),
        }
    }

    /// Gives an image another name.
    pub async fn tag(&self, image: &str, name: &str) -> Result<(), EngineError> {
        let name = parsed(name)?;
        let tag = name.effective_tag().unwrap_or_default();
        let options = TagImageOptionsBuilder::new().repo(name.name()).tag(tag).build();
        Ok(self.docker.tag_image(image, Some(options)).await?)
    }

    /// Fetches an image from its registry; a reference without a tag or digest means `latest`, no platform
    /// the host's own.
    ///
    /// # Errors
    /// [`EngineError::RegistryAway`], [`EngineError::Login`], [`EngineError::NotFound`], or the registry refuses.
    pub async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        let parsed = parsed(reference)?;
        let login = auth::login(parsed.registry()).await;
        let pull_error = |error| pull_error(error, &login);
        // A digest stays with the name, as `POST /images/create` takes it.
        let (name, tag) = match parsed.effective_tag() {
            Some(tag) => (parsed.name(), tag),
            None => (reference, ""),
        };
        let options =
            CreateImageOptionsBuilder::new().from_image(name).tag(tag).platform(platform.unwrap_or_default()).build();
        let mut layers: HashMap<String, PullProgress> = HashMap::new();
        let mut steps = Box::pin(self.lines.create_image(Some(options), None, login.credentials.clone()));
        while let Some(step) = steps.next().await {
            let step = step.map_err(|error| pull_error(error.into()))?;
            if let Some(message) = step.error_detail.and_then(|detail| detail.message) {
                return Err(pull_error(EngineError::Refused(message.into())));
            }
            // "Downloading" and "Extracting" both count bytes of the layer: a layer is fetched once, so count the first.
            let downloading = step.status.as_deref() == Some("Downloading");
            if let (Some(id), Some(detail), true) = (step.id, step.progress_detail, downloading) {
                let bytes = |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
                layers.insert(id, PullProgress { current: bytes(detail.current), total: bytes(detail.total) });
                progress(layers.values().fold(PullProgress::default(), |sum, layer| PullProgress {
                    current: sum.current + layer.current,
                    total: sum.total + layer.total,
                }));
            }
        }
        Ok(())
    }
}

fn parsed(reference: &str) -> Result<ImageRef, EngineError> {
    ImageRef::parse(reference)
        .map_err(|fault| EngineError::Refused(format!("{reference:?} is not an image reference: {fault}").into()))
}

/// The digest of `name@sha256:…`.
fn digest_of(name: &str) -> Option<String> {
    ImageRef::parse(name).ok()?.digest().map(str::to_owned)
}

/// The engine writes times with the offset of its zone; the year 1 stands for never.
fn local_time(text: &str) -> Option<SystemTime> {
    if text.starts_with("0001") {
        return None;
    }
    let Some((time, sign, offset)) = text.rfind(['+', '-']).filter(|at| *at > 10).map(|at| {
        let (time, offset) = text.split_at(at);
        (time, &offset[..1], &offset[1..])
    }) else {
        return humantime::parse_rfc3339(text).ok();
    };
    let (hours, minutes) = offset.split_once(':')?;
    let offset = Duration::from_secs(hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60);
    let time = humantime::parse_rfc3339(&format!("{time}Z")).ok()?;
    if sign == "+" { time.checked_sub(offset) } else { time.checked_add(offset) }
}

/// Only words tell a registry that refuses from one that is away.
fn pull_error(error: EngineError, login: &Login) -> EngineError {
    const FINAL: [&str; 4] = ["not found", "unknown", "no matching manifest", "unsupported"];
    match error {
        EngineError::Refused(why) if auth::is_refusal(why.as_str()) => EngineError::Login(login.refused(why.as_str())),
        EngineError::Refused(why) if !FINAL.iter().any(|word| why.as_str().contains(word)) => {
            EngineError::RegistryAway(why)
        }
        other => other,
    }
}

/// Whether two references mean one image. What is not a reference means nothing but itself.
pub fn same_image(one: &str, other: &str) -> bool {
    match (ImageRef::parse(one), ImageRef::parse(other)) {
        (Ok(one), Ok(other)) => one.is_same_image(&other),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::local_time;

    #[test]
    fn times_have_an_offset_or_none() {
        let utc = local_time("2026-08-22T10:00:00.5Z");
        assert!(utc.is_some());
        assert_eq!(local_time("2026-08-22T12:00:00.5+02:00"), utc);
        assert_eq!(local_time("2026-08-22T06:30:00.5-03:30"), utc);
        assert_eq!(local_time("0001-01-01T00:00:00Z"), None);
    }
}
