//! The top level of a stack file, and the things that it declares: networks, volumes, secrets and configs.
//!
//! Source: Compose Specification, version and name, include, networks, volumes, secrets, configs, models.

use super::service::SERVICE;
use super::takes::{LIST, NAME_OR_NUMBER, OPTIONS, PAIRS, STRINGS};
use super::{Key, Table, Takes, honoured, ignored, own, refused};

const SYSTEMD: Takes = Takes::Map(&Takes::Map(&Takes::Either(&[Takes::Scalar, Takes::List(&Takes::Scalar)])));

/// `systemd` of whatever has a unit.
pub(super) const fn systemd(of: &'static str) -> Key {
    own(
        "systemd",
        SYSTEMD,
        "Directives that are added to the unit or replace its own: section → directive → value.",
        of,
    )
}

const SWARM_SECRET: &str = "it is of a swarm's secret store";
const USE_CREDENTIAL: &str = "use `file`, `environment` or `credential`";
const EXTERNAL: &str = "Whether somebody else makes and removes it.";
const RESOURCE_LABELS: &str = "Labels of it at the engine.";
const OPTIONS_SAYS: &str = "The driver's own options.";

/// A stack file.
#[rustfmt::skip]
pub static STACK: Table = Table {
    id: "stack",
    title: "the stack file",
    required: &[],
    keys: &[
        own("autostart", Takes::Boolean, "Whether a stack in /etc/wharf starts at boot without `--enable`.",
            "what the boot generator enables"),
        honoured("configs", Takes::Named(&Takes::Table(&CONFIG)), "Files that services are given.",
            "files below /run or `LoadCredential=`"),
        honoured("include", Takes::List(&Takes::Either(&[Takes::String, Takes::Table(&INCLUDE)])),
            "Other stack files that belong to this one.", "their services, networks, … as if written here"),
        refused("models", "Language models that services use.", "there is no model runner on this host",
            "run the model's server as a service of its own and name its address in `environment`"),
        honoured("name", Takes::String, "The project's name; without it, that of the file.",
            "prefix of all units, containers, networks and volumes"),
        honoured("networks", Takes::Named(&Takes::Table(&NETWORK)), "Networks that services join.",
            "a unit each: `PROJECT-NAME-network.service`"),
        own("profiles", LIST, "The profiles that are chosen if `--profile` names none.",
            "services of other profiles have no unit"),
        honoured("secrets", Takes::Named(&Takes::Table(&SECRET)), "Files with secret contents that services are given.",
            "`LoadCredential=` or `LoadCredentialEncrypted=`"),
        honoured("services", Takes::Named(&Takes::Table(&SERVICE)), "The containers of the stack.",
            "a unit each: `PROJECT-NAME.service`"),
        systemd("directives of `PROJECT.target`"),
        ignored("version", Takes::String, "The version of the file's format.",
            "the Compose Specification has no versions any more"),
        honoured("volumes", Takes::Named(&Takes::Table(&VOLUME)), "Volumes that services mount.",
            "a unit each: `PROJECT-NAME-volume.service`"),
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
        honoured("path", STRINGS, "The file, or several that are merged.",
            "their services, networks, … as if written here"),
        honoured("project_directory", Takes::String, "Where relative paths of the included file begin.",
            "absolute paths in the units"),
    ],
};

/// An entry of the top-level `networks`.
#[rustfmt::skip]
pub static NETWORK: Table = Table {
    id: "network",
    title: "a network",
    required: &[],
    keys: &[
        honoured("attachable", Takes::Boolean, "Whether containers that are in no stack may join.",
            "`Attachable` of the network"),
        honoured("driver", Takes::String, "The engine's driver; without it, `bridge`.", "`Driver` of the network"),
        honoured("driver_opts", OPTIONS, OPTIONS_SAYS, "`Options` of the network"),
        honoured("enable_ipv4", Takes::Boolean, "Whether it has IPv4 addresses.", "`EnableIPv4` of the network"),
        honoured("enable_ipv6", Takes::Boolean, "Whether it has IPv6 addresses.", "`EnableIPv6` of the network"),
        honoured("external", Takes::Boolean, EXTERNAL, "no unit; it must exist when a container starts"),
        honoured("internal", Takes::Boolean, "Whether it is cut off from the outside.", "`Internal` of the network"),
        honoured("ipam", Takes::Table(&IPAM), "Its addresses.", "`IPAM` of the network"),
        honoured("labels", PAIRS, RESOURCE_LABELS, "`Labels` of the network"),
        honoured("name", Takes::String, "Its name at the engine; without it, `PROJECT_KEY`.", "`Name` of the network"),
        systemd("directives of the network's unit"),
    ],
};

/// `ipam` of a network.
#[rustfmt::skip]
pub static IPAM: Table = Table {
    id: "ipam",
    title: "a network's addresses",
    required: &[],
    keys: &[
        honoured("config", Takes::List(&Takes::Table(&IPAM_CONFIG)), "Its subnets.", "`IPAM.Config`"),
        honoured("driver", Takes::String, "What hands the addresses out; without it, the engine.", "`IPAM.Driver`"),
        honoured("options", OPTIONS, OPTIONS_SAYS, "`IPAM.Options`"),
    ],
};

/// An entry of `ipam.config`.
#[rustfmt::skip]
pub static IPAM_CONFIG: Table = Table {
    id: "ipam_config",
    title: "a subnet",
    required: &[],
    keys: &[
        honoured("aux_addresses", Takes::Map(&Takes::String), "Addresses that are kept free: host name → address.",
            "`AuxiliaryAddresses`"),
        honoured("gateway", Takes::String, "The gateway's address.", "`Gateway`"),
        honoured("ip_range", Takes::String,
            "The part of the subnet that containers get addresses of, in CIDR notation.", "`IPRange`"),
        honoured("subnet", Takes::String, "The subnet in CIDR notation.", "`Subnet`"),
    ],
};

/// An entry of the top-level `volumes`.
#[rustfmt::skip]
pub static VOLUME: Table = Table {
    id: "volume",
    title: "a volume",
    required: &[],
    keys: &[
        honoured("driver", Takes::String, "The engine's driver; without it, `local`.", "`Driver` of the volume"),
        honoured("driver_opts", OPTIONS, OPTIONS_SAYS, "`DriverOpts` of the volume"),
        honoured("external", Takes::Boolean, EXTERNAL, "no unit; it must exist when a container starts"),
        honoured("labels", PAIRS, RESOURCE_LABELS, "`Labels` of the volume"),
        honoured("name", Takes::String, "Its name at the engine; without it, `PROJECT_KEY`.", "`Name` of the volume"),
        systemd("directives of the volume's unit"),
    ],
};

/// Why a swarm's names and labels have no effect.
pub const NO_OBJECT: &str = "the engine of one host has no object that could bear it";
const EXTERNAL_FILE: &str = "Whether it is to be looked up among the host's credentials, by its name.";
const CREDENTIAL_SAYS: &str =
    "A credential of the host by name, or the path of an encrypted one: `wharf secret encrypt`, systemd-creds(1).";
const CREDENTIAL_IS: &str = "`ImportCredential=`, or `LoadCredentialEncrypted=` for a path";
const VALUE_IS: &str = "`LoadCredential=` of a private file beside the unit";
const NAME_SAYS: &str = "The name of an external one; without it, the key.";
const LABELS_SAYS: &str = "Labels of the object in a swarm's store.";
const TEMPLATE_INSTEAD: &str = "write the contents out, or use variables";

/// An entry of the top-level `secrets`.
#[rustfmt::skip]
pub static SECRET: Table = Table {
    id: "secret",
    title: "a secret",
    required: &[],
    keys: &[
        own("credential", Takes::String, CREDENTIAL_SAYS, CREDENTIAL_IS),
        refused("driver", "The secret store.", SWARM_SECRET, USE_CREDENTIAL),
        refused("driver_opts", "Options of the secret store.", SWARM_SECRET, USE_CREDENTIAL),
        honoured("environment", Takes::String, "The variable of the environment that holds it.", VALUE_IS),
        honoured("external", Takes::Boolean, EXTERNAL_FILE, "`ImportCredential=`"),
        honoured("file", Takes::String, "The file that holds it.", "`LoadCredential=`"),
        ignored("labels", PAIRS, LABELS_SAYS, NO_OBJECT),
        honoured("name", Takes::String, NAME_SAYS, "`ImportCredential=`"),
        refused("template_driver", "What fills a template in.", SWARM_SECRET, TEMPLATE_INSTEAD),
    ],
};

const SWARM_CONFIG: &str = "it is of a swarm's store of configs";

/// An entry of the top-level `configs`.
#[rustfmt::skip]
pub static CONFIG: Table = Table {
    id: "config",
    title: "a config",
    required: &[],
    keys: &[
        honoured("content", Takes::String, "The contents themselves.", VALUE_IS),
        own("credential", Takes::String, CREDENTIAL_SAYS, CREDENTIAL_IS),
        honoured("environment", Takes::String, "The variable of the environment that holds it.", VALUE_IS),
        honoured("external", Takes::Boolean, EXTERNAL_FILE, "`ImportCredential=`"),
        honoured("file", Takes::String, "The file that holds it.", "`LoadCredential=`"),
        ignored("labels", PAIRS, LABELS_SAYS, NO_OBJECT),
        honoured("name", Takes::String, NAME_SAYS, "`ImportCredential=`"),
        refused("template_driver", "What fills a template in.", SWARM_CONFIG, TEMPLATE_INSTEAD),
    ],
};

/// An entry of a service's `secrets` or `configs`.
#[rustfmt::skip]
pub static GRANT: Table = Table {
    id: "grant",
    title: "a secret or config that is mounted",
    required: &["source"],
    keys: &[
        honoured("gid", NAME_OR_NUMBER, "The group of the file in the container.", "the file's group"),
        honoured("mode", super::tables::MODE, "Its permission bits, octal.", "the file's mode"),
        honoured("source", Takes::String, "The key of the declared secret or config.", "the file's contents"),
        honoured("target", Takes::String, "Where it is in the container; a secret's name alone is below /run/secrets.",
            "a read-only mount"),
        honoured("uid", NAME_OR_NUMBER, "The user of the file in the container.", "the file's owner"),
    ],
};
