//! `wharf pull`: all images of stacks, pulled concurrently.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::engine::{Engine, EngineError, PullProgress};
use crate::plan::Plan;
use crate::stack::PullPolicy;

/// More at once would only share the same bandwidth.
const AT_ONCE: usize = 4;

/// An image to pull.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedImage {
    pub reference: String,
    pub platform: Option<String>,
}

/// The images to pull for some plans; `true`: later starts pull it again when its last pull is too long ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pull(BTreeMap<WantedImage, bool>);

/// Who shows the progress of one image.
pub trait Progress {
    fn update(&self, progress: PullProgress);
    fn finish(self, result: &Result<(), EngineError>);
}

impl Pull {
    /// All images but those that are built or never pulled.
    pub fn of(plans: &[Plan]) -> Self {
        let mut images: BTreeMap<WantedImage, bool> = BTreeMap::new();
        for image in plans.iter().flat_map(|plan| &plan.images) {
            if !matches!(image.pull_policy, PullPolicy::Never | PullPolicy::Build) {
                let wanted = WantedImage { reference: image.reference.clone(), platform: image.platform.clone() };
                *images.entry(wanted).or_default() |= matches!(image.pull_policy, PullPolicy::Refresh(_));
            }
        }
        Self(images)
    }

    pub fn images(&self) -> impl Iterator<Item = &WantedImage> {
        self.0.keys()
    }

    /// Pulls the images; whether all were pulled. `begin` is called for each image when its turn comes.
    pub async fn run<P: Progress>(&self, engine: &Engine, begin: &dyn Fn(&WantedImage) -> P) -> bool {
        let pulls = self.0.iter().map(async |(image, refreshed)| {
            let progress = begin(image);
            let result = pull(engine, image, *refreshed, &progress).await;
            progress.finish(&result);
            result.is_ok()
        });
        let results: Vec<bool> = stream::iter(pulls).buffer_unordered(AT_ONCE).collect().await;
        results.into_iter().all(|pulled| pulled)
    }
}

async fn pull(
    engine: &Engine,
    image: &WantedImage,
    refreshed: bool,
    progress: &impl Progress,
) -> Result<(), EngineError> {
    let platform = image.platform.as_deref();
    engine.pull(&image.reference, platform, &mut |update| progress.update(update)).await?;
    if refreshed {
        engine.note_pull(&image.reference).await?;
    }
    Ok(())
}
