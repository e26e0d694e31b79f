//! Images: are they there, and fetching them.

use std::collections::HashMap;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;

use super::auth::{self, Login};
use super::{Engine, EngineError, found};

/// An image on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The paths that it declares as volumes.
    pub volumes: Vec<String>,
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
        let volumes = |config: bollard::models::ImageConfig| config.volumes.unwrap_or_default();
        Ok(inspected.map(|image| Image { volumes: image.config.map(volumes).unwrap_or_default() }))
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
        let login = auth::login(reference).await;
        let pull_error = |error| pull_error(error, &login);
        let (name, tag) = name_and_tag(reference);
        let options =
            CreateImageOptionsBuilder::new().from_image(name).tag(tag).platform(platform.unwrap_or_default()).build();
        let mut layers: HashMap<String, PullProgress> = HashMap::new();
        let mut steps = Box::pin(self.streams.create_image(Some(options), None, login.credentials.clone()));
        while let Some(step) = steps.next().await {
            let step = step.map_err(|error| pull_error(error.into()))?;
            if let Some(message) = step.error_detail.and_then(|detail| detail.message) {
                return Err(pull_error(EngineError::Refused(message)));
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

/// The engine says "500" to everything; only its words tell a registry that refuses from one that is away.
fn pull_error(error: EngineError, login: &Login) -> EngineError {
    const NO_ENTRY: [&str; 4] = ["denied", "unauthorized", "authentication", "no basic auth credentials"];
    const FINAL: [&str; 4] = ["not found", "unknown", "no matching manifest", "unsupported"];
    match error {
        EngineError::Refused(why) if NO_ENTRY.iter().any(|word| why.contains(word)) => {
            EngineError::Login(login.refused(&why))
        }
        EngineError::Refused(why) if !FINAL.iter().any(|word| why.contains(word)) => EngineError::RegistryAway(why),
        other => other,
    }
}

/// Splits `name:tag`; a digest stays with the name, as `POST /images/create` takes it.
fn name_and_tag(reference: &str) -> (&str, &str) {
    if reference.contains('@') {
        return (reference, "");
    }
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::name_and_tag;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(name_and_tag("127.0.0.1:5000/web"), ("127.0.0.1:5000/web", "latest"));
        assert_eq!(name_and_tag("127.0.0.1:5000/web:2"), ("127.0.0.1:5000/web", "2"));
        assert_eq!(name_and_tag("web@sha256:0"), ("web@sha256:0", ""));
    }
}
