//! What a build cannot be.

use super::wording::{Problem, Said, did_you_mean, quoted_list, said};

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
    fn say(&self) -> Said {
        match self {
            Self::Network { value } => said(
                format!("a build cannot use the network `{value}`: BuildKit's steps are no containers of the engine"),
                "write `default`, `none` or `host`, or remove the key",
            ),
            Self::Cache { value } => said(
                format!("`{value}` does not say where a build's cache is"),
                "name an image, or write `type=registry,ref=IMAGE` or `type=inline`",
            ),
            Self::LocalCache { value } => said(
                format!("`{value}`: the engine itself cannot read or write a directory of the host's as a cache"),
                "remove it: the engine keeps the layers itself; to share them, write `type=registry,ref=IMAGE`",
            ),
            Self::ContextSource { value } => said(
                format!("`{value}` is a context that the engine cannot reach"),
                "write a directory, an address, `docker-image://IMAGE`, or `service:NAME`",
            ),
            Self::UnknownService { service, nearest } => said(
                format!("the build uses the image of `{service}`, which is not a service of this stack"),
                did_you_mean(nearest.as_ref(), || {
                    format!("add `[services.{service}]`, or write `docker-image://IMAGE`")
                }),
            ),
            Self::Circle { services } => said(
                format!("the image of {} would be made of itself", quoted_list(services, "and")),
                "remove one of the additional contexts, or write `docker-image://IMAGE`",
            ),
            Self::ManyPlatforms => said(
                "the engine builds an image for one platform at a time",
                "keep the platform of this host, as in `platforms = [\"linux/amd64\"]`, or remove the key",
            ),
            Self::PullPolicy => said(
                "`pull_policy` would fetch the image that `build` makes",
                "remove `pull_policy` to build the image, or `build` to fetch it",
            ),
            Self::PolicyWithoutBuild => said(
                "`pull_policy` is `build`, and the service has no `build`",
                "add `build = \"DIRECTORY\"`, or use `always`, `missing` or `never`",
            ),
            Self::ImageName { image } => said(
                format!("the image that is built would be named `{image}`, which is no image's name"),
                "name it: `image = \"…\"`",
            ),
        }
    }
}
