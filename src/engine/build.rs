//! Building images by the builder that is part of every engine.

use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, TagImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;
use std::io;

use super::{Engine, EngineError, image::name_and_tag};
use crate::spec::BuildParameters;

/// One piece of what the builder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildOutput {
    /// Text as it comes, with its line breaks; not always whole lines.
    Text(String),
    /// What becomes of a base image that is fetched, in one line.
    Status(String),
}

impl Engine {
    /// Builds an image. `context`: a tar file, or empty for one that the engine fetches itself. Dropping the stream ends the build.
    ///
    /// An item that is an error is the last: [`EngineError::Refused`] with the builder's words if a step failed.
    pub fn build(
        &self,
        parameters: &BuildParameters,
        context: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> impl Stream<Item = Result<BuildOutput, EngineError>> {
        let body = bollard::body_try_stream(context);
        let said = self.streams.build_image(options(parameters), None, Some(body));
        said.filter_map(|item| std::future::ready(item.map(output).map_err(EngineError::from).transpose()))
    }

    /// Gives an image another name.
    pub async fn tag(&self, image: &str, name: &str) -> Result<(), EngineError> {
        let (name, tag) = name_and_tag(name);
        let options = TagImageOptionsBuilder::new().repo(name).tag(tag).build();
        Ok(self.docker.tag_image(image, Some(options)).await?)
    }
}

fn options(parameters: &BuildParameters) -> BuildImageOptions {
    let all = |map: &std::collections::BTreeMap<String, String>| -> HashMap<String, String> {
        map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let mut options = BuildImageOptionsBuilder::new()
        .t(&parameters.t)
        .nocache(parameters.nocache)
        .buildargs(&all(&parameters.buildargs))
        .labels(&all(&parameters.labels))
        // What a failed step has left is of no use to anybody.
        .rm(true)
        .forcerm(true)
        .build();
    if let Some(dockerfile) = &parameters.dockerfile {
        options.dockerfile.clone_from(dockerfile);
    }
    options.pull = parameters.pull.then(|| "true".to_owned());
    options.target = parameters.target.clone().unwrap_or_default();
    options.platform = parameters.platform.clone().unwrap_or_default();
    options.remote.clone_from(&parameters.remote);
    options.networkmode.clone_from(&parameters.networkmode);
    options.extrahosts.clone_from(&parameters.extrahosts);
    options.shmsize = parameters.shmsize;
    options.cachefrom = (!parameters.cachefrom.is_empty()).then(|| parameters.cachefrom.clone());
    options
}

/// `None`: nothing to show.
fn output(info: BuildInfo) -> Option<BuildOutput> {
    match (info.stream, info.status) {
        (Some(text), _) => Some(BuildOutput::Text(text)),
        (None, Some(status)) => Some(BuildOutput::Status(status)),
        (None, None) => None,
    }
}
