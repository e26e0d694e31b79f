//! `deploy`: how many containers, with which resources, restarted how.
//!
//! Source: Compose Deploy Specification. What only a cluster can do is refused.

use super::device_requests;
use crate::stack::fields::Fields;
use crate::stack::fields::quantities::{cpus, duration, limit_in_bytes, pids_limit, ratio};
use crate::stack::grammar::choice::one_of;
use crate::stack::keys;
use crate::stack::model::{DeviceRequest, FailureAction, Restart, RestartTuning, UpdateConfig};
use crate::stack::problem::LimitConflict;

/// What `deploy` says of a service.
#[derive(Default)]
pub struct Deploy {
    pub replicas: Option<u32>,
    pub restart: Option<Restart>,
    pub restart_tuning: RestartTuning,
    pub resources: DeployResources,
    pub update_config: UpdateConfig,
    pub rollback_config: UpdateConfig,
}

/// Limits and reservations.
#[derive(Default)]
pub struct DeployResources {
    /// Billionths of a CPU.
    pub cpus: Option<u64>,
    /// Bytes.
    pub memory: Option<u64>,
    pub pids: Option<i64>,
    /// Bytes.
    pub reserved_memory: Option<u64>,
    pub devices: Vec<DeviceRequest>,
}

/// More would be a mistake, and a file must not fill the memory.
const MOST_REPLICAS: i64 = 1000;

/// Reads `deploy`.
pub fn read(service: &mut Fields<'_>) -> Deploy {
    let Some(mut fields) = service.table("deploy", &keys::DEPLOY) else {
        return Deploy::default();
    };
    let replicas = replicas(&mut fields, "replicas");
    let mode = fields.parse("mode", |text| one_of("mode", text, &["replicated", "global"]));
    if mode == Some("global") && replicas.is_some_and(|count| count != 1) {
        fields.add("replicas", LimitConflict::GlobalReplicas);
    }
    fields.parse("endpoint_mode", |text| one_of("endpoint_mode", text, &["dnsrr", "vip"]));
    let (restart, restart_tuning) = restart_policy(&mut fields);
    let resources = resources(&mut fields);
    let update = fields.table("update_config", &keys::UPDATE_CONFIG);
    let update_config = update.map(|fields| replacing(fields, &["continue", "rollback"])).unwrap_or_default();
    let rollback = fields.table("rollback_config", &keys::ROLLBACK_CONFIG);
    let rollback_config = rollback.map(|fields| replacing(fields, &["continue"])).unwrap_or_default();
    fields.finish();
    Deploy { replicas, restart, restart_tuning, resources, update_config, rollback_config }
}

/// How many containers: `scale`, or `replicas` of `deploy`.
pub fn replicas(fields: &mut Fields<'_>, key: &'static str) -> Option<u32> {
    fields.integer_between(key, 0, MOST_REPLICAS).and_then(|count| u32::try_from(count).ok())
}

fn restart_policy(deploy: &mut Fields<'_>) -> (Option<Restart>, RestartTuning) {
    let Some(mut fields) = deploy.table("restart_policy", &keys::RESTART_POLICY) else {
        return (None, RestartTuning::default());
    };
    let condition = fields.parse("condition", |text| one_of("condition", text, &["none", "on-failure", "any"]));
    let delay = fields.get("delay").and_then(duration);
    let window = fields.get("window").and_then(duration);
    let max_attempts =
        fields.integer_between("max_attempts", 0, i64::from(u32::MAX)).and_then(|n| u32::try_from(n).ok());
    fields.finish();
    let restart = match condition {
        Some("none") => Restart::No,
        Some("on-failure") => Restart::OnFailure(None),
        _ => Restart::Always,
    };
    (Some(restart), RestartTuning { delay, max_attempts: max_attempts.filter(|most| *most > 0), window })
}

/// `update_config` or `rollback_config`.
fn replacing(mut fields: Fields<'_>, actions: &'static [&'static str]) -> UpdateConfig {
    let default = UpdateConfig::default();
    let action = fields.parse("failure_action", |text| one_of("failure_action", text, actions));
    fields.parse("order", |text| one_of("order", text, &["stop-first"]));
    let parallelism = fields.integer_between("parallelism", 0, MOST_REPLICAS);
    let read = UpdateConfig {
        parallelism: parallelism.and_then(|count| u32::try_from(count).ok()).unwrap_or(default.parallelism),
        delay: fields.get("delay").and_then(duration).unwrap_or(default.delay),
        failure_action: match action {
            Some("continue") => FailureAction::Continue,
            _ => default.failure_action,
        },
        monitor: fields.get("monitor").and_then(duration).unwrap_or(default.monitor),
        max_failure_ratio: fields.get("max_failure_ratio").and_then(ratio).unwrap_or(default.max_failure_ratio),
    };
    fields.finish();
    read
}

fn resources(deploy: &mut Fields<'_>) -> DeployResources {
    let mut read = DeployResources::default();
    let Some(mut fields) = deploy.table("resources", &keys::RESOURCES) else {
        return read;
    };
    let owner = |part: &str| format!("`{part}` of {}", deploy.owner);
    if let Some(mut limits) = fields.get("limits").and_then(|item| item.fields(&keys::LIMITS, owner("limits"))) {
        read.cpus = cpus(&mut limits, "cpus");
        read.memory = limit_in_bytes(&mut limits, "memory");
        read.pids = pids_limit(&mut limits, "pids");
        limits.finish();
    }
    if let Some(mut reserved) =
        fields.get("reservations").and_then(|item| item.fields(&keys::RESERVATIONS, owner("reservations")))
    {
        read.reserved_memory = limit_in_bytes(&mut reserved, "memory");
        read.devices = device_requests::devices(&mut reserved);
        reserved.finish();
    }
    fields.finish();
    read
}
