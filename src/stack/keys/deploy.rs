//! `deploy`: how many of a service, and what they may use up.
//!
//! Source: Compose Specification, Deploy Specification.

use super::table::{DURATION, LIST, PAIRS, Table, Takes, honoured, refused};

const SWARM: &str = "it configures a swarm of several hosts";

/// `deploy`.
#[rustfmt::skip]
pub static DEPLOY: Table = Table {
    id: "deploy",
    title: "a service's deployment",
    required: &[],
    keys: &[
        honoured("endpoint_mode", Takes::Words(&["dnsrr"]), "How others reach the replicas.",
            "`dnsrr`, which is what happens: the engine's DNS gives the addresses of all"),
        refused("labels", "Labels of the swarm's service, not of its containers.",
            "they belong to a service of a swarm, and there is no swarm", "use `labels` of the service"),
        honoured("mode", Takes::Words(&["replicated", "global"]),
            "How replicas are counted: their number, or one a host.", "`replicas`, or 1"),
        refused("placement", "On which hosts of a swarm it may run.", SWARM, "remove it: the service runs on this host"),
        honoured("replicas", Takes::Integer(0), "How many containers.",
            "instances of a template unit: `PROJECT-NAME@1.service`, …"),
        honoured("resources", Takes::Table(&RESOURCES), "What it may use up, and what it is to get.", "see there"),
        honoured("restart_policy", Takes::Table(&RESTART_POLICY), "When it is started again.", "see there"),
        refused("rollback_config", "How a swarm goes back to the former version.", SWARM,
            "remove it: to go back, generate from the previous stack file"),
        refused("update_config", "How a swarm replaces running containers.", SWARM,
            "remove it: systemd restarts the unit"),
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
        honoured("memory", Takes::Bytes, "Memory that is not taken from it unless there is no other.",
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
        honoured("capabilities", LIST, "What the devices must be able to do, as `gpu`.",
            "`DeviceRequests.Capabilities`"),
        honoured("count", Takes::Either(&[Takes::Integer(-1), Takes::Words(&["all"])]), "How many.",
            "`DeviceRequests.Count`"),
        honoured("device_ids", LIST, "Which ones.", "`DeviceRequests.DeviceIDs`"),
        honoured("driver", Takes::String, "What hands them out, as `nvidia` or `cdi`.", "`DeviceRequests.Driver`"),
        honoured("options", PAIRS, "The driver's own options.", "`DeviceRequests.Options`"),
    ],
};

/// `deploy.restart_policy`.
#[rustfmt::skip]
pub static RESTART_POLICY: Table = Table {
    id: "restart_policy",
    title: "a restart policy",
    required: &[],
    keys: &[
        honoured("condition", Takes::Words(&["none", "on-failure", "any"]), "After which end it is started again.",
            "`Restart=`"),
        honoured("delay", DURATION, "How long to wait before.", "`RestartSec=`"),
        honoured("max_attempts", Takes::Integer(0), "How many restarts in a row may fail before there are no more.",
            "`StartLimitBurst=`"),
        honoured("window", DURATION, "How long it must run for a restart to have succeeded; without it, 10 seconds.",
            "`StartLimitIntervalSec=`: this time and a pause, for each of `max_attempts`"),
    ],
};
