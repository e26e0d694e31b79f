//! The top level of a stack file.
//!
//! Source: Compose Specification, version and name, include, models.

use super::resources::{CONFIG, NETWORK, SECRET, VOLUME};
use super::service::SERVICE;
use super::table::{LIST, STRINGS, Table, Takes, honoured, ignored, own, refused};
use super::tables::systemd;

/// A stack file.
#[rustfmt::skip]
pub static STACK: Table = Table {
    id: "stack",
    title: "the stack file",
    required: &[],
    keys: &[
        own("autostart", Takes::Boolean, "Whether a stack in /etc/wharf starts at boot without `--enable`.",
            "whether the boot generator enables the target"),
        own("compose_labels", Takes::Boolean,
            "Whether containers have the labels of `docker compose`, by which dashboards and `docker compose ls` group them.",
            "`Labels`"),
        honoured("configs", Takes::Named(&Takes::Table(&CONFIG)), "Files for services.",
            "files below /run or `LoadCredential=`"),
        honoured("include", Takes::List(&Takes::Either(&[Takes::String, Takes::Table(&INCLUDE)])),
            "Other stack files to include.", "their services, networks, … as if written here"),
        refused("models", "Language models that services use.", "there is no model runner on this host",
            "run the model's server as a service of its own and name its address in `environment`"),
        honoured("name", Takes::String, "The project's name; the default is the name of the file.",
            "prefix of all units, containers, networks and volumes"),
        honoured("networks", Takes::Named(&Takes::Table(&NETWORK)), "Networks that services join.",
            "one unit each: `PROJECT-NAME-network.service`"),
        own("profiles", LIST, "The selected profiles, unless `--profile` or `COMPOSE_PROFILES` is set.",
            "services of other profiles have no unit"),
        honoured("secrets", Takes::Named(&Takes::Table(&SECRET)), "Secret files for services.",
            "`LoadCredential=` or `LoadCredentialEncrypted=`"),
        honoured("services", Takes::Named(&Takes::Table(&SERVICE)), "The containers of the stack.",
            "one unit each: `PROJECT-NAME.service`"),
        systemd("directives of `PROJECT.target`"),
        ignored("version", Takes::String, "The version of the file's format.",
            "it is obsolete in the Compose Specification"),
        honoured("volumes", Takes::Named(&Takes::Table(&VOLUME)), "Volumes that services mount.",
            "one unit each: `PROJECT-NAME-volume.service`"),
    ],
};

/// An entry of `include`.
#[rustfmt::skip]
pub static INCLUDE: Table = Table {
    id: "include",
    title: "an included stack file",
    required: &["path"],
    keys: &[
        honoured("env_file", STRINGS, "Files with variables for the interpolation of the included file.",
            "read when the units are generated"),
        honoured("path", STRINGS, "The file, or several files to merge.",
            "their services, networks, … as if written here"),
        honoured("project_directory", Takes::String, "The base directory of relative paths in the included file.",
            "absolute paths in the units"),
    ],
};
