//! `build`: how a service's image is made.
//!
//! Source: Compose Specification, Build Specification.

use super::table::{LIST, NAME_OR_NUMBER, PAIRS, Table, Takes, honoured, ignored, refused};
use super::tables::{EXTRA_HOSTS, MODE, ULIMITS};

const NO_OWNER: &str = "a build secret is owned by root; set `uid`, `gid` and `mode` in the Dockerfile's `--mount`";

/// `build` in its long form.
#[rustfmt::skip]
pub static BUILD: Table = Table {
    id: "build",
    title: "the image's build",
    required: &[],
    keys: &[
        honoured("additional_contexts", PAIRS, "Additional directories, images and services that the Dockerfile can copy from.",
            "`context:NAME`, and an input if it is a directory"),
        honoured("args", PAIRS, "Build arguments (`ARG` in the Dockerfile).", "`build-arg:NAME`"),
        honoured("cache_from", LIST, "Sources of cached build results.", "`cache-imports`"),
        honoured("cache_to", LIST, "Destinations of cached build results.", "the cache's exports"),
        honoured("context", Takes::String, "The directory whose files the build can use.",
            "what is sent to BuildKit; its hash decides whether to build"),
        honoured("dockerfile", Takes::String, "The Dockerfile, relative to the context.", "`filename`"),
        honoured("dockerfile_inline", Takes::String, "The text of the Dockerfile.", "a Dockerfile that is sent"),
        honoured("entitlements", LIST, "Additional privileges of steps; the engine must allow them too.", "entitlements"),
        honoured("extra_hosts", EXTRA_HOSTS, "Additional host names for the build's steps.", "`add-hosts`"),
        honoured("isolation", Takes::Words(&["default"]), "How Windows isolates the build; all but `default` is refused.",
            "there is one way on Linux"),
        honoured("labels", PAIRS, "Labels of the image.", "`label:NAME`"),
        honoured("network", Takes::Words(&["default", "host", "none"]), "The network of the build's steps.",
            "`force-network-mode`"),
        honoured("no_cache", Takes::Boolean, "Whether all steps are built without the cache.", "`no-cache`"),
        honoured("platforms", LIST, "The platform to build for; more than one is refused.", "`platform`"),
        honoured("privileged", Takes::Boolean, "Whether steps may request all privileges; the engine must allow it too.",
            "the entitlement `security.insecure`"),
        honoured("provenance", Takes::Boolean, "An attestation of how the image was built; all but `false` is refused.",
            "none is made"),
        honoured("pull", Takes::Boolean, "Whether the base images are pulled again.", "`image-resolve-mode`"),
        honoured("sbom", Takes::Boolean, "An attestation of what is in the image; all but `false` is refused.",
            "none is made"),
        honoured("secrets", Takes::List(&Takes::Either(&[Takes::String, Takes::Table(&BUILD_SECRET)])),
            "Declared secrets that the build's steps can read.", "credentials of the unit that builds"),
        honoured("shm_size", Takes::Bytes, "The size of /dev/shm in the build's steps.", "`shm-size`"),
        refused("ssh", "SSH keys that the build's steps may use.", "a system service has no SSH agent",
            "pass a key with `secrets`, and read it in a step with `RUN --mount=type=secret`"),
        honoured("tags", LIST, "Additional names of the image.", "the exporter's `name`"),
        honoured("target", Takes::String, "The stage to build.", "`target`"),
        honoured("ulimits", ULIMITS, "Limits of the build's processes.", "`ulimit`"),
    ],
};

/// A secret of a build in its long form.
#[rustfmt::skip]
pub static BUILD_SECRET: Table = Table {
    id: "build_secret",
    title: "a secret of a build",
    required: &["source"],
    keys: &[
        ignored("gid", NAME_OR_NUMBER, "The group that owns the file.", NO_OWNER),
        ignored("mode", MODE, "The permissions, octal.", NO_OWNER),
        honoured("source", Takes::String, "The key of the declared secret.", "the secret's value"),
        honoured("target", Takes::String, "The `id` in the Dockerfile; the default is `source`.", "the secret's ID"),
        ignored("uid", NAME_OR_NUMBER, "The user that owns the file.", NO_OWNER),
    ],
};
