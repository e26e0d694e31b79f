//! `wharf pull`: all images of stacks, pulled concurrently; and those that units need before they are started.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use crate::engine::{Engine, EngineError, PullProgress};
use crate::name::UnitName;
use crate::plan::Plan;
use crate::run::Need;
use crate::spec::{self, ContainerSpec, from_json};
use crate::stack::PullPolicy;

/// More at once would only share the same bandwidth.
const AT_ONCE: usize = 4;

/// An image to pull.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedImage {
    pub reference: String,
    pub platform: Option<String>,
}

/// The images to pull.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pull(BTreeMap<WantedImage, Manner>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Manner {
    /// Later starts pull it again when its last pull is too long ago.
    refreshed: bool,
    /// The image that is here is used if the registry cannot be reached.
    dispensable: bool,
}

/// Who shows the progress of one image.
pub trait Progress {
    fn update(&self, progress: PullProgress);
    fn finish(self, result: &Result<(), EngineError>);
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn update(&self, _: PullProgress) {}

    fn finish(self, _: &Result<(), EngineError>) {}
}

impl Pull {
    /// All images but those that are built or never pulled.
    pub fn of(plans: &[Plan]) -> Self {
        let mut images: BTreeMap<WantedImage, Manner> = BTreeMap::new();
        for image in plans.iter().flat_map(|plan| &plan.images) {
            if !matches!(image.pull_policy, PullPolicy::Never | PullPolicy::Build) {
                let wanted = WantedImage { reference: image.reference.clone(), platform: image.platform.clone() };
                images.entry(wanted).or_default().refreshed |= matches!(image.pull_policy, PullPolicy::Refresh(_));
            }
        }
        Self(images)
    }

    /// Of these, the images of the containers of some units.
    #[must_use]
    pub fn for_units(mut self, plans: &[Plan], units: &[UnitName]) -> Self {
        let files: BTreeSet<String> = units.iter().map(ContainerSpec::file_of).collect();
        let planned = plans.iter().flat_map(|plan| &plan.files).filter(|file| files.contains(&file.name));
        let specs = planned.filter_map(|file| from_json::<ContainerSpec>(&file.contents).ok());
        let wanted: BTreeSet<WantedImage> = specs.map(|spec| WantedImage::of(&spec)).collect();
        self.0.retain(|image, _| wanted.contains(image));
        self
    }

    /// Those that the pull policy of a container asks for before it is made, and images that are neither here nor ever pulled. What
    /// the stack builds is neither.
    ///
    /// # Errors
    /// The engine does not say which images it has.
    pub async fn before_start(
        engine: &Engine,
        specs: &[&ContainerSpec],
    ) -> Result<(Self, Vec<WantedImage>), EngineError> {
        let (mut pull, mut absent) = (Self::default(), Vec::new());
        for spec in specs.iter().filter(|spec| spec.wharf.built_by.is_none()) {
            let policy = spec.wharf.pull_policy;
            let wanted = WantedImage::of(spec);
            let present = match policy {
                spec::PullPolicy::Always => None,
                _ => engine.image(&wanted.reference).await?,
            };
            let need = Need::of(policy, present.as_ref());
            match need {
                Need::Nothing => {}
                Need::Absent => absent.push(wanted),
                Need::Pull | Need::Refresh => {
                    let fresh = Manner { refreshed: false, dispensable: true };
                    let manner = pull.0.entry(wanted).or_insert(fresh);
                    manner.refreshed |= matches!(policy, spec::PullPolicy::Refresh(_));
                    manner.dispensable &= need == Need::Refresh;
                }
            }
        }
        Ok((pull, absent))
    }

    pub fn images(&self) -> impl Iterator<Item = &WantedImage> {
        self.0.keys()
    }

    /// Pulls the images; those that could not be had. `begin` is called for each image when its turn comes.
    pub async fn run<P: Progress>(&self, engine: &Engine, begin: &dyn Fn(&WantedImage) -> P) -> Vec<WantedImage> {
        let pulls = self.0.iter().map(async |(image, manner)| {
            let progress = begin(image);
            let result = pull(engine, image, manner.refreshed, &progress).await;
            progress.finish(&result);
            match result {
                Ok(()) => None,
                Err(EngineError::RegistryAway(_)) if manner.dispensable => None,
                Err(_) => Some(image.clone()),
            }
        });
        let failed: Vec<Option<WantedImage>> = stream::iter(pulls).buffer_unordered(AT_ONCE).collect().await;
        failed.into_iter().flatten().collect()
    }
}

/// Units of the plans whose container runs with another image than its name means on this host now. A run of a job is not meant: it
/// goes on, and the next one takes the new image.
///
/// # Errors
/// The engine does not answer.
pub async fn running_older_image(engine: &Engine, plans: &[Plan]) -> Result<Vec<UnitName>, EngineError> {
    let mut ids: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut older = Vec::new();
    for (unit, spec) in plans.iter().flat_map(containers) {
        let Some(running) = engine.inspect(&spec.wharf.name).await?.filter(|found| found.container.running) else {
            continue;
        };
        let reference = spec.container.image.clone().unwrap_or_default();
        if running.image != reference || !running.container.belongs_to(&spec) {
            continue;
        }
        let id = match ids.get(&reference) {
            Some(id) => id.clone(),
            None => {
                ids.entry(reference.clone()).or_insert(engine.image(&reference).await?.map(|image| image.id)).clone()
            }
        };
        if id.is_some_and(|id| id != running.image_id) {
            older.push(unit);
        }
    }
    older.sort_unstable();
    Ok(older)
}

/// The containers of a plan that are restarted when their definition changes, each with its unit.
fn containers(plan: &Plan) -> Vec<(UnitName, ContainerSpec)> {
    let mut containers = Vec::new();
    for file in &plan.files {
        let Some(unit) = file.restarts.as_ref().filter(|unit| file.name == ContainerSpec::file_of(unit)) else {
            continue;
        };
        let Ok(spec) = from_json::<ContainerSpec>(&file.contents) else { continue };
        match plan.instances.get(unit) {
            None => containers.push((unit.clone(), spec)),
            Some(instances) => containers.extend(instances.iter().filter_map(|unit| {
                let spec = spec.clone().of_instance(unit.instance()?);
                Some((unit.clone(), spec))
            })),
        }
    }
    containers
}

impl WantedImage {
    /// The image of a container.
    pub fn of(spec: &ContainerSpec) -> Self {
        let reference = spec.container.image.clone().unwrap_or_default();
        Self { reference, platform: spec.wharf.platform.clone() }
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
