//! `build`: how a service's image is made.
//!
//! Source: Compose Specification, Build Specification.

use super::takes::{LIST, PAIRS};
use super::{Table, Takes, honoured, refused};

const BUILDKIT: &str = "only BuildKit can do it, and Wharf uses the builder that is part of every engine";

/// What to do where only BuildKit would do.
pub const INSTEAD_OF_BUILDKIT: &str = "build the image beforehand with `docker buildx build`, and name it with `image`";

/// `build` in its long form.
#[rustfmt::skip]
pub static BUILD: Table = Table {
    id: "build",
    title: "the image's build",
    required: &[],
    keys: &[
        refused("additional_contexts", "More directories that the Dockerfile may copy from.", BUILDKIT, INSTEAD_OF_BUILDKIT),
        honoured("args", PAIRS, "Values of the Dockerfile's `ARG`s.", "`buildargs`"),
        honoured("cache_from", LIST, "Images whose layers may be used again.", "`cachefrom`"),
        refused("cache_to", "Where the build's cache is exported to.", BUILDKIT,
            "remove it: the engine keeps the layers itself; to give them to others, push the image"),
        honoured("context", Takes::String, "The directory whose files the build may use.",
            "what is sent to the engine's builder; its hash decides whether to build"),
        honoured("dockerfile", Takes::String, "The Dockerfile, relative to the context.", "`dockerfile`"),
        honoured("dockerfile_inline", Takes::String, "The Dockerfile's text.",
            "a Dockerfile that is sent with the context"),
        refused("entitlements", "Privileges of the build.", BUILDKIT, INSTEAD_OF_BUILDKIT),
        honoured("extra_hosts", super::service::EXTRA_HOSTS, "A host name that the build can look up; more than one are refused.",
            "`extrahosts`"),
        honoured("isolation", Takes::Words(&["default"]), "How Windows isolates the build; all but `default` is refused.",
            "there is one way on Linux"),
        honoured("labels", PAIRS, "Labels of the image.", "`labels`"),
        honoured("network", Takes::String, "The network of the build's steps.", "`networkmode`"),
        honoured("no_cache", Takes::Boolean, "Whether to build every step anew.", "`nocache`"),
        honoured("platforms", LIST, "The platform to build for; more than one are refused.", "`platform`"),
        honoured("privileged", Takes::Boolean, "Whether the build's steps are privileged; `true` is refused.",
            "the engine builds without privileges"),
        honoured("provenance", Takes::Boolean, "An attestation of how the image was built; all but `false` is refused.",
            "none is made"),
        honoured("pull", Takes::Boolean, "Whether to fetch the base images anew.", "`pull`"),
        honoured("sbom", Takes::Boolean, "An attestation of what is in the image; all but `false` is refused.",
            "none is made"),
        refused("secrets", "Secrets that the build's steps may read.", BUILDKIT, INSTEAD_OF_BUILDKIT),
        honoured("shm_size", Takes::Bytes, "The size of /dev/shm in the build's steps.", "`shmsize`"),
        refused("ssh", "SSH keys that the build's steps may use.", BUILDKIT, INSTEAD_OF_BUILDKIT),
        honoured("tags", LIST, "More names of the image.", "`t`"),
        honoured("target", Takes::String, "The stage to build.", "`target`"),
        refused("ulimits", "Limits of the build's processes.", "the engine's API does not document how to give them",
            "set `default-ulimits` in the engine's daemon.json"),
    ],
};
