//! `deploy`: how many of a service, and what they may use up.
//!
//! Source: Compose Specification, Deploy Specification.

use super::table::{DURATION, Key, LIST, PAIRS, Table, Takes, honoured, refused};

const SWARM: &str = "it configures a swarm of several hosts";

/// `deploy`.
#[rustfmt::skip]
pub static DEPLOY: Table = Table {
    id: "deploy",
    title: "a service's deployment",
    required: &[],
    keys: &[
        honoured("endpoint_mode", Takes::Words(&["dnsrr", "vip"]), "How other services reach the replicas.",
            "nothing: the engine's DNS always returns the addresses of all replicas"),
        refused("labels", "Labels of the swarm's service, not of its containers.",
            "they belong to a service of a swarm, and there is no swarm", "use `labels` of the service"),
        honoured("mode", Takes::Words(&["replicated", "global"]),
            "Whether `replicas` sets the number, or there is one on each host.", "`replicas`, or 1"),
        refused("placement", "On which hosts of a swarm it may run.", SWARM, "remove it: the service runs on this host"),
        honoured("replicas", Takes::Integer(0), "The number of containers.",
            "instances of a template unit: `PROJECT-NAME@1.service`, …"),
        honoured("resources", Takes::Table(&RESOURCES), "What it may use up, and what it is to get.", "see there"),
        honoured("restart_policy", Takes::Table(&RESTART_POLICY), "When it is started again.", "see there"),
        honoured("rollback_config", Takes::Table(&ROLLBACK_CONFIG), "How `wharf rollback` replaces the containers.", "see there"),
        honoured("update_config", Takes::Table(&UPDATE_CONFIG), "How `wharf update` replaces the containers.", "see there"),
    ],
};

/// `deploy.resources`.
#[rustfmt::skip]
pub static RESOURCES: Table = Table {
    id: "resources",
    title: "resources",
    required: &[],
    keys: &[
        honoured("limits", Takes::Table(&LIMITS), "What it may use up at most.", "see there"),
        honoured("reservations", Takes::Table(&RESERVATIONS), "What it is to get when the host runs short.",
            "see there"),
    ],
};

/// `deploy.resources.limits`.
#[rustfmt::skip]
pub static LIMITS: Table = Table {
    id: "limits",
    title: "limits",
    required: &[],
    keys: &[
        honoured("cpus", Takes::Number, "CPU time, in CPUs.", "`NanoCpus` and `CPUQuota=` of the slice"),
        honoured("memory", Takes::Bytes, "Memory.", "`Memory` and `MemoryMax=` of the slice"),
        honoured("pids", Takes::Integer(-1), "Processes and threads.", "`PidsLimit` and `TasksMax=` of the slice"),
    ],
};

/// `deploy.resources.reservations`.
#[rustfmt::skip]
pub static RESERVATIONS: Table = Table {
    id: "reservations",
    title: "reservations",
    required: &[],
    keys: &[
        refused("cpus", "CPU time that is reserved.", "Linux cannot reserve CPU time",
            "use `cpu_shares` for its weight against others"),
        honoured("devices", Takes::List(&Takes::Table(&DEVICE_REQUEST)), "Devices such as GPUs.", "`DeviceRequests`"),
        refused("generic_resources", "Resources that a swarm's hosts announce.", SWARM, "name the device in `devices`"),
        honoured("memory", Takes::Bytes, "The memory that is protected as long as the host has other memory to reclaim.",
            "`MemoryReservation` and `MemoryLow=` of the slice"),
    ],
};

/// An entry of `gpus` or `deploy.resources.reservations.devices`.
#[rustfmt::skip]
pub static DEVICE_REQUEST: Table = Table {
    id: "device_request",
    title: "a request for devices",
    required: &[],
    keys: &[
        honoured("capabilities", LIST, "The required capabilities, for example `gpu`.",
            "`DeviceRequests.Capabilities`"),
        honoured("count", Takes::Either(&[Takes::Integer(-1), Takes::Words(&["all"])]), "The number of devices.",
            "`DeviceRequests.Count`"),
        honoured("device_ids", LIST, "The IDs of the devices.", "`DeviceRequests.DeviceIDs`"),
        honoured("driver", Takes::String, "The device driver, for example `nvidia` or `cdi`.", "`DeviceRequests.Driver`"),
        honoured("options", PAIRS, "Options of the driver.", "`DeviceRequests.Options`"),
    ],
};

/// `deploy.restart_policy`.
#[rustfmt::skip]
pub static RESTART_POLICY: Table = Table {
    id: "restart_policy",
    title: "a restart policy",
    required: &[],
    keys: &[
        honoured("condition", Takes::Words(&["none", "on-failure", "any"]), "When the service is restarted.",
            "`Restart=`"),
        honoured("delay", DURATION, "The delay before a restart.", "`RestartSec=`"),
        honoured("max_attempts", Takes::Integer(0), "The maximum number of consecutive failed restarts.",
            "`StartLimitBurst=`"),
        honoured("window", DURATION, "How long the service must run for a restart to count as successful; the default is 10 seconds.",
            "`StartLimitIntervalSec=`: this time plus `delay`, for each of `max_attempts`"),
    ],
};

/// `deploy.rollback_config`.
#[rustfmt::skip]
pub static ROLLBACK_CONFIG: Table = Table {
    id: "rollback_config",
    title: "how to roll back",
    required: &[],
    keys: &[
        DELAY,
        honoured("failure_action", Takes::Words(&["continue"]),
            "What happens when a container fails: the rollback goes on; by default everything is put back.", BY_UPDATE),
        MAX_FAILURE_RATIO,
        MONITOR,
        ORDER,
        PARALLELISM,
    ],
};

/// `deploy.update_config`.
#[rustfmt::skip]
pub static UPDATE_CONFIG: Table = Table {
    id: "update_config",
    title: "how to update",
    required: &[],
    keys: &[
        DELAY,
        honoured("failure_action", Takes::Words(&["continue", "rollback"]),
            "What happens when a container fails: the update goes on, or the whole stack is rolled back; the default is `rollback`.",
            BY_UPDATE),
        MAX_FAILURE_RATIO,
        MONITOR,
        ORDER,
        PARALLELISM,
    ],
};

const BY_UPDATE: &str = "`wharf update` and `wharf rollback`";
const DELAY: Key = honoured("delay", DURATION, "The pause between two groups of replicas.", BY_UPDATE);
const MAX_FAILURE_RATIO: Key = honoured(
    "max_failure_ratio",
    Takes::Number,
    "The share of the replicas that may fail, 0 to 1; the default is 0.",
    BY_UPDATE,
);
const MONITOR: Key = honoured(
    "monitor",
    DURATION,
    "How long a replaced container is monitored for failures; the default is 10 seconds.",
    BY_UPDATE,
);
const ORDER: Key = honoured(
    "order",
    Takes::Words(&["stop-first"]),
    "The old container stops before the new one starts.",
    "a restart of the unit",
);
const PARALLELISM: Key = honoured(
    "parallelism",
    Takes::Integer(0),
    "The number of replicas that are replaced concurrently, 0 for all; the default is 1.",
    BY_UPDATE,
);
