//! `build`: how a service's image is made.
//!
//! Source: Compose Specification, Build Specification.

use super::tables::{MODE, ULIMITS};
use super::takes::{LIST, PAIRS};
use super::{Table, Takes, honoured, refused};

const BUILDKIT: &str = "the engine's own builder cannot do it";

/// `build` in its long form.
#[rustfmt::skip]
pub static BUILD: Table = Table {
    id: "build",
    title: "the image's build",
    required: &[],
    keys: &[
        honoured("additional_contexts", PAIRS, "More directories that the Dockerfile may copy from: name → path.",
            "named contexts of the build"),
        honoured("args", PAIRS, "Values of the Dockerfile's `ARG`s.", "`buildargs`"),
        honoured("cache_from", LIST, "Images whose layers may be used again.", "`cachefrom`"),
        refused("cache_to", "Where the build's cache is exported to.", BUILDKIT,
            "remove it: the engine keeps its cache itself"),
        honoured("context", Takes::String, "The directory whose files the build may use.",
            "what is sent to the engine's builder; its hash decides whether to build"),
        honoured("dockerfile", Takes::String, "The Dockerfile, relative to the context.", "`dockerfile`"),
        honoured("dockerfile_inline", Takes::String, "The Dockerfile's text.",
            "a Dockerfile that is sent with the context"),
        refused("entitlements", "Privileges of the build.", BUILDKIT,
            "remove it, or build the image beforehand and name it with `image`"),
        honoured("extra_hosts", super::service::EXTRA_HOSTS, "Host names that the build can look up.", "`extrahosts`"),
        refused("isolation", "How Windows isolates the build.", "it is for Windows", "remove it"),
        honoured("labels", PAIRS, "Labels of the image.", "`labels`"),
        honoured("network", Takes::String, "The network of the build's steps.", "`networkmode`"),
        honoured("no_cache", Takes::Boolean, "Whether to build every step anew.", "`nocache`"),
        honoured("platforms", LIST, "The platforms to build for.", "`platform`"),
        refused("privileged", "Whether the build's steps are privileged.", BUILDKIT,
            "remove it, or build the image beforehand and name it with `image`"),
        refused("provenance", "An attestation of how the image was built.", BUILDKIT,
            "remove it, or build the image beforehand and name it with `image`"),
        honoured("pull", Takes::Boolean, "Whether to fetch the base images anew.", "`pull`"),
        refused("sbom", "An attestation of what is in the image.", BUILDKIT,
            "remove it, or build the image beforehand and name it with `image`"),
        honoured("secrets", Takes::List(&Takes::Either(&[Takes::String, Takes::Table(&BUILD_SECRET)])),
            "Secrets that the build's steps may read.", "secrets of the build"),
        honoured("shm_size", Takes::Bytes, "The size of /dev/shm in the build's steps.", "`shmsize`"),
        refused("ssh", "SSH keys that the build's steps may use.", BUILDKIT, "give the key as one of `secrets`"),
        honoured("tags", LIST, "More names of the image.", "`t`"),
        honoured("target", Takes::String, "The stage to build.", "`target`"),
        honoured("ulimits", ULIMITS, "Limits of the build's processes.", "`ulimits`"),
    ],
};

/// An entry of `build.secrets`.
#[rustfmt::skip]
pub static BUILD_SECRET: Table = Table {
    id: "build_secret",
    title: "a secret of the build",
    required: &["source"],
    keys: &[
        honoured("gid", super::takes::NAME_OR_NUMBER, "Its group in the build's step.", "the file's group"),
        honoured("mode", MODE, "Its permission bits, octal.", "the file's mode"),
        honoured("source", Takes::String, "The key of the declared secret.", "the file's contents"),
        honoured("target", Takes::String, "Its id in the Dockerfile; without it, its key.", "the id of the secret"),
        honoured("uid", super::takes::NAME_OR_NUMBER, "Its user in the build's step.", "the file's owner"),
    ],
};
