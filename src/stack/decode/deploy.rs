//! `deploy`: how many containers, with which resources, restarted how.
//!
//! Source: Compose Deploy Specification. What only a cluster can do is refused.

use super::device_requests;
use super::quantities::{cpus, limit_in_bytes, pids_limit};
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::amounts;
use crate::stack::grammar::choice::one_of;
use crate::stack::keys;
use crate::stack::model::{DeviceRequest, Restart, RestartTuning};
use crate::stack::problem::{Across, Expected, Report};

/// What `deploy` says of a service.
#[derive(Default)]
pub struct Deploy {
    pub replicas: Option<u32>,
    pub restart: Option<Restart>,
    pub restart_tuning: RestartTuning,
    pub resources: DeployResources,
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
pub fn read(service: &mut Fields<'_>, report: &mut Report) -> Deploy {
    let owner = format!("`deploy` of {}", service.owner);
    let Some(mut fields) = service.get("deploy").and_then(|item| item.fields(&keys::DEPLOY, owner, report)) else {
        return Deploy::default();
    };
    let replicas = replicas(&mut fields, "replicas", report);
    let mode = fields.parse("mode", report, |text| one_of("mode", text, &["replicated", "global"]));
    if mode == Some("global") && replicas.is_some_and(|count| count != 1) {
        report.add(&fields.place_of("replicas"), Across::GlobalReplicas);
    }
    fields.parse("endpoint_mode", report, |text| one_of("endpoint_mode", text, &["dnsrr"]));
    let (restart, restart_tuning) = restart_policy(&mut fields, report);
    let resources = resources(&mut fields, report);
    fields.finish(report);
    Deploy { replicas, restart, restart_tuning, resources }
}

/// How many containers: `scale`, or `replicas` of `deploy`.
pub fn replicas(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> Option<u32> {
    fields.integer_between(key, 0, MOST_REPLICAS, report).and_then(|count| u32::try_from(count).ok())
}

fn restart_policy(deploy: &mut Fields<'_>, report: &mut Report) -> (Option<Restart>, RestartTuning) {
    let owner = format!("`restart_policy` of {}", deploy.owner);
    let Some(mut fields) =
        deploy.get("restart_policy").and_then(|item| item.fields(&keys::RESTART_POLICY, owner, report))
    else {
        return (None, RestartTuning::default());
    };
    let condition = fields.parse("condition", report, |text| one_of("condition", text, &["none", "on-failure", "any"]));
    let mut duration =
        |key| fields.get(key).and_then(|item: Item<'_>| item.parse(Expected::Duration, report, amounts::duration));
    let (delay, window) = (duration("delay"), duration("window"));
    let max_attempts =
        fields.integer_between("max_attempts", 0, i64::from(u32::MAX), report).and_then(|n| u32::try_from(n).ok());
    fields.finish(report);
    let restart = match condition {
        Some("none") => Restart::No,
        Some("on-failure") => Restart::OnFailure(None),
        _ => Restart::Always,
    };
    (Some(restart), RestartTuning { delay, max_attempts: max_attempts.filter(|most| *most > 0), window })
}

fn resources(deploy: &mut Fields<'_>, report: &mut Report) -> DeployResources {
    let owner = format!("`resources` of {}", deploy.owner);
    let mut read = DeployResources::default();
    let Some(mut fields) = deploy.get("resources").and_then(|item| item.fields(&keys::RESOURCES, owner, report)) else {
        return read;
    };
    let owner = |part: &str| format!("`{part}` of {}", deploy.owner);
    if let Some(mut limits) = fields.get("limits").and_then(|item| item.fields(&keys::LIMITS, owner("limits"), report))
    {
        read.cpus = cpus(&mut limits, "cpus", report);
        read.memory = limit_in_bytes(&mut limits, "memory", report);
        read.pids = pids_limit(&mut limits, "pids", report);
        limits.finish(report);
    }
    if let Some(mut reserved) =
        fields.get("reservations").and_then(|item| item.fields(&keys::RESERVATIONS, owner("reservations"), report))
    {
        read.reserved_memory = limit_in_bytes(&mut reserved, "memory", report);
        read.devices = device_requests::devices(&mut reserved, report);
        reserved.finish(report);
    }
    fields.finish(report);
    read
}
