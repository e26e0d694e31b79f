//! What a container may use up: memory, CPUs, processes, bandwidth of block devices.
//!
//! Source: Compose Specification, services (mem_limit … shm_size, blkio_config) and deploy, resources. A limit of
//! `deploy.resources` is the service key of the same meaning, and both may not differ.

use super::deploy::DeployResources;
use super::device_requests;
use crate::stack::fields::Fields;
use crate::stack::fields::quantities::{bytes, cpus, duration, limit_in_bytes, pids_limit};
use crate::stack::grammar::kernel::cpuset;
use crate::stack::grammar::paths::absolute;
use crate::stack::keys;
use crate::stack::model::{Blkio, Resources};
use crate::stack::problem::{Expected, LimitConflict};
use crate::stack::text::node::Value;

/// What Docker Engine takes as a container's memory limit at least (moby, daemon/daemon_unix.go).
const LEAST_MEMORY: u64 = 6 << 20;

/// Reads all of them; what `deploy.resources` says comes in.
pub fn read(service: &mut Fields<'_>, deploy: DeployResources) -> Resources {
    let mut resources = Resources {
        mem_limit: limit_in_bytes(service, "mem_limit"),
        mem_reservation: limit_in_bytes(service, "mem_reservation"),
        memswap_limit: memswap_limit(service),
        mem_swappiness: service.integer_between("mem_swappiness", 0, 100),
        cpus: cpus(service, "cpus"),
        cpu_shares: service.integer_between("cpu_shares", 0, 262_144).filter(|shares| *shares > 0),
        cpu_period: microseconds(service, "cpu_period"),
        cpu_quota: service.integer_between("cpu_quota", -1, i64::MAX),
        cpu_rt_period: microseconds(service, "cpu_rt_period"),
        cpu_rt_runtime: microseconds(service, "cpu_rt_runtime"),
        cpuset: service.parse("cpuset", cpuset),
        pids_limit: pids_limit(service, "pids_limit"),
        blkio: blkio(service),
        oom_kill_disable: service.is_on("oom_kill_disable"),
        oom_score_adj: service.integer_between("oom_score_adj", -1000, 1000),
        shm_size: limit_in_bytes(service, "shm_size"),
        device_requests: device_requests::gpus(service),
    };
    same(&mut resources.mem_limit, deploy.memory, service, "mem_limit");
    same(&mut resources.mem_reservation, deploy.reserved_memory, service, "mem_reservation");
    same(&mut resources.cpus, deploy.cpus, service, "cpus");
    same(&mut resources.pids_limit, deploy.pids, service, "pids_limit");
    resources.device_requests.extend(deploy.devices);
    contradictions(&resources, service);
    resources
}

/// One setting that two keys can have.
fn same<T: PartialEq>(value: &mut Option<T>, of_deploy: Option<T>, service: &Fields<'_>, key: &'static str) {
    match (&value, &of_deploy) {
        (Some(own), Some(other)) if own != other => {
            service.add(key, LimitConflict::DeployDiffers { key });
        }
        (None, Some(_)) => *value = of_deploy,
        _ => (),
    }
}

fn contradictions(resources: &Resources, service: &Fields<'_>) {
    if resources.cpus.is_some() && (resources.cpu_quota.is_some() || resources.cpu_period.is_some()) {
        let key = if resources.cpu_quota.is_some() { "cpu_quota" } else { "cpu_period" };
        service.add(key, LimitConflict::CpusAndQuota { key });
    }
    match (resources.memswap_limit, resources.mem_limit) {
        // Unlimited, as it is without the key.
        (Some(-1), None) => (),
        (Some(_), None) => service.add("memswap_limit", LimitConflict::SwapWithoutMemory),
        (Some(swap), Some(memory)) if swap >= 0 && swap.unsigned_abs() < memory => {
            service.add("memswap_limit", LimitConflict::SwapBelowMemory);
        }
        _ => (),
    }
    if resources.mem_limit.is_some_and(|limit| limit < LEAST_MEMORY) {
        service.add("mem_limit", LimitConflict::MemoryTooSmall);
    }
    if resources.mem_reservation.zip(resources.mem_limit).is_some_and(|(reserved, limit)| reserved > limit) {
        service.add("mem_reservation", LimitConflict::ReservationAboveLimit);
    }
}

/// -1: as much as there is; 0 counts as unset.
fn memswap_limit(service: &mut Fields<'_>) -> Option<i64> {
    let item = service.get("memswap_limit")?;
    let unlimited = match &item.node.value {
        Value::Integer(number) => *number == -1,
        Value::String(text) => text.trim() == "-1",
        _ => false,
    };
    if unlimited {
        return Some(-1);
    }
    bytes(item).and_then(|bytes| i64::try_from(bytes).ok()).filter(|bytes| *bytes > 0)
}

/// A number of microseconds, or a duration.
fn microseconds(fields: &mut Fields<'_>, key: &'static str) -> Option<i64> {
    let item = fields.get(key)?;
    match &item.node.value {
        Value::String(text) if text.trim().parse::<i64>().is_err() => {
            let duration = duration(item)?;
            i64::try_from(duration.as_micros()).ok()
        }
        _ => item.integer(0),
    }
}

fn blkio(service: &mut Fields<'_>) -> Blkio {
    let Some(mut fields) = service.table("blkio_config", &keys::BLKIO) else {
        return Blkio::default();
    };
    let weight = |fields: &mut Fields<'_>| {
        fields.integer_between("weight", 10, 1000).and_then(|weight| u16::try_from(weight).ok())
    };
    let blkio = Blkio {
        weight: weight(&mut fields),
        weight_device: of_devices(&mut fields, "weight_device", weight),
        device_read_bps: of_devices(&mut fields, "device_read_bps", bytes_per_second),
        device_write_bps: of_devices(&mut fields, "device_write_bps", bytes_per_second),
        device_read_iops: of_devices(&mut fields, "device_read_iops", operations_per_second),
        device_write_iops: of_devices(&mut fields, "device_write_iops", operations_per_second),
    };
    fields.finish();
    blkio
}

fn bytes_per_second(fields: &mut Fields<'_>) -> Option<u64> {
    fields.get("rate").and_then(bytes)
}

fn operations_per_second(fields: &mut Fields<'_>) -> Option<u64> {
    fields.get("rate").and_then(|item| item.integer(0)).and_then(|rate| u64::try_from(rate).ok())
}

/// `[{ path = "/dev/sda", … }]`
fn of_devices<T>(
    fields: &mut Fields<'_>,
    key: &'static str,
    value: impl Fn(&mut Fields<'_>) -> Option<T>,
) -> Vec<(String, T)> {
    let Some(item) = fields.get(key) else { return Vec::new() };
    let mut devices = Vec::new();
    for item in item.elements(Expected::List) {
        let owner = format!("a device of `{key}`");
        let keys = if key == "weight_device" { &keys::BLKIO_WEIGHT } else { &keys::BLKIO_RATE };
        let Some(mut device) = item.fields(keys, owner) else { continue };
        let path = device
            .required("path", "path = \"/dev/sda\"")
            .and_then(|item| item.parse(Expected::String, |text| absolute("path", text)));
        let wanted = if key == "weight_device" { ("weight", "weight = 500") } else { ("rate", "rate = \"12mb\"") };
        device.required(wanted.0, wanted.1);
        let value = value(&mut device);
        device.finish();
        devices.extend(path.zip(value));
    }
    devices
}
