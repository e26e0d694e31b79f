//! What a build cannot be.

use super::wording::{Problem, Wording, did_you_mean, quoted_list, wording};

pub enum BuildFault {
    Network { value: String },
    Cache { value: String },
    LocalCache { value: String },
    ContextSource { value: String },
    UnknownService { service: String, nearest: Option<String> },
    Circle { services: Vec<String> },
    ManyPlatforms,
    PullPolicy,
    PolicyWithoutBuild,
    ImageName { image: String },
}

impl Problem for BuildFault {
    fn wording(&self) -> Wording {
        match self {
            Self::Network { value } => wording(
                format!(
                    "a build cannot use the network `{value}`: BuildKit does not run its steps in networks of the engine"
                ),
                "write `default`, `none` or `host`, or remove the key",
            ),
            Self::Cache { value } => wording(
                format!("`{value}` is not a build cache"),
                "name an image, or write `type=registry,ref=IMAGE` or `type=inline`",
            ),
            Self::LocalCache { value } => wording(
                format!("`{value}`: the engine cannot use a directory of the host as a build cache"),
                "remove it: the engine caches layers by itself; to share them, write `type=registry,ref=IMAGE`",
            ),
            Self::ContextSource { value } => wording(
                format!("`{value}` is not a build context that the engine can read"),
                "write a directory, a URL, `docker-image://IMAGE` or `service:NAME`",
            ),
            Self::UnknownService { service, nearest } => wording(
                format!("the build uses the image of `{service}`, which is not a service of this stack"),
                did_you_mean(nearest.as_ref(), || {
                    format!("add `[services.{service}]`, or write `docker-image://IMAGE`")
                }),
            ),
            Self::Circle { services } => wording(
                format!("circular build: the image of {} is built from itself", quoted_list(services, "and")),
                "remove one of the additional contexts, or write `docker-image://IMAGE`",
            ),
            Self::ManyPlatforms => wording(
                "the engine builds an image for one platform at a time",
                "keep only the platform of this host, as in `platforms = [\"linux/amd64\"]`, or remove the key",
            ),
            Self::PullPolicy => wording(
                "this `pull_policy` pulls the image that `build` builds",
                "remove `pull_policy` to build the image, or `build` to pull it",
            ),
            Self::PolicyWithoutBuild => wording(
                "`pull_policy` is `build`, but the service has no `build`",
                "add `build = \"DIRECTORY\"`, or use `always`, `missing` or `never`",
            ),
            Self::ImageName { image } => wording(
                format!("the built image would be named `{image}`, which is not a valid image name"),
                "set `image = \"…\"`",
            ),
        }
    }
}
