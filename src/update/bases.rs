//! The images that the Dockerfiles of a stack name.

use std::collections::{BTreeMap, BTreeSet};

use super::dockerfile;
use crate::name::ImageRef;
use crate::regular_file::read_text;
use crate::stack::{Build, BuildContext, Dockerfile, Service, Stack};

/// Bytes of a Dockerfile.
const LARGEST: u64 = 1 << 20;

/// The images, and what cannot be known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    /// With the services whose builds use them.
    pub builds: BTreeMap<ImageRef, BTreeSet<String>>,
    /// What cannot be locked, and why, for people.
    pub open: Vec<String>,
}

impl Bases {
    /// Reads the Dockerfiles.
    pub fn of(stack: &Stack) -> Self {
        let mut bases = Self::default();
        let built = stack.built_images();
        for service in stack.services.values() {
            if let Some(build) = &service.build {
                bases.add(service, build, &built);
            }
        }
        bases
    }

    fn add(&mut self, service: &Service, build: &Build, built: &BTreeSet<ImageRef>) {
        let name = &service.name;
        let text = match text(build) {
            Ok(text) => text,
            Err(reason) => {
                return self.open.push(format!("service {name}: what its Dockerfile names is not locked: {reason}"));
            }
        };
        let contexts = build.additional_contexts.keys().map(String::as_str).collect();
        let named = dockerfile::images(&text, &build.args, &contexts);
        let is_open = |image: &ImageRef| image.is_open() && !built.contains(image);
        for image in named.images.into_iter().filter(is_open) {
            self.builds.entry(image).or_default().insert(name.to_string());
        }
        let open = named.unknown.iter().map(|text| {
            format!("service {name}: `{text}` in its Dockerfile is not locked: only the build knows what it is")
        });
        self.open.extend(open);
    }
}

fn text(build: &Build) -> Result<String, String> {
    let path = match (&build.dockerfile, &build.context) {
        (Dockerfile::Inline(text), _) => return Ok(text.clone()),
        (Dockerfile::Path(_), BuildContext::Remote(address)) => return Err(format!("it is at {address}")),
        (Dockerfile::Path(path), BuildContext::Directory(context)) => context.join(path),
    };
    read_text(&path, LARGEST).map_err(|error| format!("{}: {error}", path.display()))
}
