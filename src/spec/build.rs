//! What plan hands to wharf-build: the definition of one image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Contents;

/// The image of one service that is built: `shop-web.build.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSpec {
    pub build: BuildParameters,
    pub wharf: BuildPart,
}

/// What BuildKit is asked for, by the names of its SolveRequest (moby.buildkit.v1.Control).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildParameters {
    /// The image's name.
    pub name: String,
    /// Of the frontend `dockerfile.v0`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frontend_attrs: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_imports: Vec<CacheOption>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_exports: Vec<CacheOption>,
}

/// A CacheOptionsEntry of BuildKit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CacheOption {
    pub r#type: String,
    pub attrs: BTreeMap<String, String>,
}

/// What the engine cannot know about a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildPart {
    pub project: String,
    pub service: String,
    /// The directory that is sent; `None`: the engine fetches one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<PathBuf>,
    /// Relative to the context, or absolute. `None`: see `dockerfile_inline`, or the context is fetched with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<PathBuf>,
    /// The Dockerfile's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile_inline: Option<String>,
    /// Further directories that are sent, by the names of their inputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, PathBuf>,
    /// Images of this stack that the build uses: a change of theirs is one of this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<BuildSecret>,
    /// Further names of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Ask the builder even if nothing that Wharf knows of has changed.
    pub always: bool,
}

/// A secret that a step of a build may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSecret {
    /// `id` in `RUN --mount=type=secret,id=…`.
    pub id: String,
    #[serde(flatten)]
    pub contents: Contents,
}
