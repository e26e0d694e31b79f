//! What the engine's builder cannot do.

use super::{Problem, Said, said};

pub enum BuildFault {
    CacheSource { value: String },
    ManyHosts { count: usize },
    ManyPlatforms,
    SharedMemory { bytes: u64 },
    PullPolicy,
    PolicyWithoutBuild,
    ImageName { image: String },
}

impl Problem for BuildFault {
    fn say(&self) -> Said {
        match self {
            Self::CacheSource { value } => said(
                format!("`{value}` is not an image, and the engine's builder takes layers from nothing else"),
                "name an image, as in `cache_from = [\"registry.example/app:latest\"]`",
            ),
            Self::ManyHosts { count } => said(
                format!("a build takes one extra host, and there are {count}"),
                "keep one, or let the build look the others up with the host's resolver",
            ),
            Self::ManyPlatforms => said(
                "the engine builds an image for one platform at a time",
                "keep the platform of this host, as in `platforms = [\"linux/amd64\"]`, or remove the key",
            ),
            Self::SharedMemory { bytes } => {
                said(format!("{bytes} bytes are too much for `shm_size`"), "write less than 2 GiB")
            }
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
