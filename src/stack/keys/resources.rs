//! What a stack declares besides services: networks, volumes, secrets and configs.
//!
//! Source: Compose Specification, networks, volumes, secrets, configs.

use super::table::{OPTIONS, PAIRS, Table, Takes, honoured, ignored, own, refused};
use super::tables::systemd;

const SWARM_SECRET: &str = "it configures the secret store of a swarm";
const USE_CREDENTIAL: &str = "use `file`, `environment` or `credential`";
const EXTERNAL: &str = "Whether it is created and removed outside the stack.";
const RESOURCE_LABELS: &str = "Labels at the engine.";
const OPTIONS_SAYS: &str = "Options of the driver.";

/// An entry of the top-level `networks`.
#[rustfmt::skip]
pub static NETWORK: Table = Table {
    id: "network",
    title: "a network",
    required: &[],
    keys: &[
        honoured("attachable", Takes::Boolean, "Whether containers outside the stack may join.",
            "`Attachable` of the network"),
        honoured("driver", Takes::String, "The network driver; the default is `bridge`.", "`Driver` of the network"),
        honoured("driver_opts", OPTIONS, OPTIONS_SAYS, "`Options` of the network"),
        honoured("enable_ipv4", Takes::Boolean, "Whether the network has IPv4 addresses.", "`EnableIPv4` of the network"),
        honoured("enable_ipv6", Takes::Boolean, "Whether the network has IPv6 addresses.", "`EnableIPv6` of the network"),
        honoured("external", Takes::Boolean, EXTERNAL, "no unit; it must exist when a container starts"),
        honoured("internal", Takes::Boolean, "Whether the network has no access to the outside.", "`Internal` of the network"),
        honoured("ipam", Takes::Table(&IPAM), "The address management.", "`IPAM` of the network"),
        honoured("labels", PAIRS, RESOURCE_LABELS, "`Labels` of the network"),
        honoured("name", Takes::String, "The name at the engine; the default is `PROJECT_KEY`.", "`Name` of the network"),
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
        honoured("config", Takes::List(&Takes::Table(&IPAM_CONFIG)), "The subnets.", "`IPAM.Config`"),
        honoured("driver", Takes::String, "The driver that assigns addresses; the default is the engine's.", "`IPAM.Driver`"),
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
        honoured("aux_addresses", Takes::Map(&Takes::String), "Addresses that are not assigned: host name → address.",
            "`AuxiliaryAddresses`"),
        honoured("gateway", Takes::String, "The gateway's address.", "`Gateway`"),
        honoured("ip_range", Takes::String,
            "The range for addresses of containers, in CIDR notation.", "`IPRange`"),
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
        honoured("driver", Takes::String, "The volume driver; the default is `local`.", "`Driver` of the volume"),
        honoured("driver_opts", OPTIONS, OPTIONS_SAYS, "`DriverOpts` of the volume"),
        honoured("external", Takes::Boolean, EXTERNAL, "no unit; it must exist when a container starts"),
        honoured("labels", PAIRS, RESOURCE_LABELS, "`Labels` of the volume"),
        honoured("name", Takes::String, "The name at the engine; the default is `PROJECT_KEY`.", "`Name` of the volume"),
        systemd("directives of the volume's unit"),
    ],
};

/// Why a swarm's names and labels have no effect.
pub const NO_OBJECT: &str = "the engine of a single host has no object for it";
const EXTERNAL_FILE: &str = "Whether it is a credential of the host, found by its name.";
const CREDENTIAL_SAYS: &str =
    "A credential of the host by name, or the path of an encrypted one: `wharf secret encrypt`, systemd-creds(1).";
const CREDENTIAL_IS: &str = "`ImportCredential=`, or `LoadCredentialEncrypted=` for a path";
const VALUE_IS: &str = "`LoadCredential=` of a private file beside the unit";
const NAME_SAYS: &str = "The name of the credential if `external`; the default is the key.";
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
        honoured("environment", Takes::String, "The environment variable with the contents.", VALUE_IS),
        honoured("external", Takes::Boolean, EXTERNAL_FILE, "`ImportCredential=`"),
        honoured("file", Takes::String, "The file with the contents.", "`LoadCredential=`"),
        ignored("labels", PAIRS, LABELS_SAYS, NO_OBJECT),
        honoured("name", Takes::String, NAME_SAYS, "`ImportCredential=`"),
        refused("template_driver", "The template driver.", SWARM_SECRET, TEMPLATE_INSTEAD),
    ],
};

const SWARM_CONFIG: &str = "it configures the config store of a swarm";

/// An entry of the top-level `configs`.
#[rustfmt::skip]
pub static CONFIG: Table = Table {
    id: "config",
    title: "a config",
    required: &[],
    keys: &[
        honoured("content", Takes::String, "The contents.", VALUE_IS),
        own("credential", Takes::String, CREDENTIAL_SAYS, CREDENTIAL_IS),
        honoured("environment", Takes::String, "The environment variable with the contents.", VALUE_IS),
        honoured("external", Takes::Boolean, EXTERNAL_FILE, "`ImportCredential=`"),
        honoured("file", Takes::String, "The file with the contents.", "`LoadCredential=`"),
        ignored("labels", PAIRS, LABELS_SAYS, NO_OBJECT),
        honoured("name", Takes::String, NAME_SAYS, "`ImportCredential=`"),
        refused("template_driver", "The template driver.", SWARM_CONFIG, TEMPLATE_INSTEAD),
    ],
};
