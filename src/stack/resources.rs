//! What a container may use up: memory, CPUs, processes, bandwidth of block devices.
//!
//! Source: Compose Specification, services (mem_limit … shm_size, blkio_config) and deploy, resources. A limit of
//! `deploy.resources` is the service key of the same meaning, and both may not differ.

use super::amounts;
use super::decode::{Fields, Item, accept};
use super::deploy::DeployResources;
use super::device_requests;
use super::keys;
use super::model::{Blkio, Resources};
use super::mounts::bytes;
use super::node::Value;
use super::problem::{Across, Expected, Invalid, Report};

/// Reads all of them; what `deploy.resources` says comes in.
pub fn read(service: &mut Fields<'_>, deploy: DeployResources, report: &mut Report) -> Resources {
    let mut resources = Resources {
        mem_limit: limit_in_bytes(service, "mem_limit", report),
        mem_reservation: limit_in_bytes(service, "mem_reservation", report),
        memswap_limit: memswap_limit(service, report),
        mem_swappiness: service.integer_between("mem_swappiness", 0, 100, report),
        cpus: cpus(service, "cpus", report),
        cpu_shares: service.integer_between("cpu_shares", 0, 262_144, report).filter(|shares| *shares > 0),
        cpu_period: microseconds(service, "cpu_period", report),
        cpu_quota: service.integer_between("cpu_quota", -1, i64::MAX, report),
        cpu_rt_period: microseconds(service, "cpu_rt_period", report),
        cpu_rt_runtime: microseconds(service, "cpu_rt_runtime", report),
        cpuset: service.parse("cpuset", report, cpuset),
        pids_limit: pids_limit(service, "pids_limit", report),
        blkio: blkio(service, report),
        oom_kill_disable: service.boolean("oom_kill_disable", report).unwrap_or(false),
        oom_score_adj: service.integer_between("oom_score_adj", -1000, 1000, report),
        shm_size: limit_in_bytes(service, "shm_size", report),
        device_requests: device_requests::gpus(service, report),
    };
    same(&mut resources.mem_limit, deploy.memory, service, "mem_limit", report);
    same(&mut resources.mem_reservation, deploy.reserved_memory, service, "mem_reservation", report);
    same(&mut resources.cpus, deploy.cpus, service, "cpus", report);
    same(&mut resources.pids_limit, deploy.pids, service, "pids_limit", report);
    resources.device_requests.extend(deploy.devices);
    contradictions(&resources, service, report);
    resources
}

/// One thing that may be said in two places.
fn same<T: PartialEq>(
    value: &mut Option<T>,
    of_deploy: Option<T>,
    service: &Fields<'_>,
    key: &'static str,
    report: &mut Report,
) {
    match (&value, &of_deploy) {
        (Some(said), Some(other)) if said != other => {
            report.add(&service.place_of(key), Across::DeployDiffers { key });
        }
        (None, Some(_)) => *value = of_deploy,
        _ => (),
    }
}

fn contradictions(resources: &Resources, service: &Fields<'_>, report: &mut Report) {
    if resources.cpus.is_some() && (resources.cpu_quota.is_some() || resources.cpu_period.is_some()) {
        let key = if resources.cpu_quota.is_some() { "cpu_quota" } else { "cpu_period" };
        report.add(&service.place_of(key), Across::CpusAndQuota { key });
    }
    match (resources.memswap_limit, resources.mem_limit) {
        (Some(_), None) => report.add(&service.place_of("memswap_limit"), Across::SwapWithoutMemory),
        (Some(swap), Some(memory)) if swap >= 0 && swap.unsigned_abs() < memory => {
            report.add(&service.place_of("memswap_limit"), Across::SwapBelowMemory);
        }
        _ => (),
    }
    if resources.mem_reservation.zip(resources.mem_limit).is_some_and(|(reserved, limit)| reserved > limit) {
        report.add(&service.place_of("mem_reservation"), Across::ReservationAboveLimit);
    }
}

/// Bytes; 0 is the engine's "no limit".
pub fn limit_in_bytes(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> Option<u64> {
    fields.get(key).and_then(|item| bytes(item, report)).filter(|bytes| *bytes > 0)
}

/// -1: as much as there is; 0 counts as unset.
fn memswap_limit(service: &mut Fields<'_>, report: &mut Report) -> Option<i64> {
    let item = service.get("memswap_limit")?;
    let unlimited = match &item.node.value {
        Value::Integer(number) => *number == -1,
        Value::String(text) => text.trim() == "-1",
        _ => false,
    };
    if unlimited {
        return Some(-1);
    }
    bytes(item, report).and_then(|bytes| i64::try_from(bytes).ok()).filter(|bytes| *bytes > 0)
}

/// Billionths of a CPU; 0 is the engine's "no limit".
pub fn cpus(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> Option<u64> {
    let item = fields.get(key)?;
    let text = match &item.node.value {
        Value::Integer(_) | Value::Float(_) | Value::String(_) => item.node.scalar()?,
        _ => {
            item.wrong_type(Expected::Number, report);
            return None;
        }
    };
    accept(amounts::cpus(&text), item.place(), report).filter(|billionths| *billionths > 0)
}

/// -1: unlimited, as is the engine's 0.
pub fn pids_limit(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> Option<i64> {
    let limit = fields.get(key)?.integer(-1, report)?;
    Some(if limit == 0 { -1 } else { limit })
}

/// A number of microseconds, or a duration.
fn microseconds(fields: &mut Fields<'_>, key: &'static str, report: &mut Report) -> Option<i64> {
    let item = fields.get(key)?;
    match &item.node.value {
        Value::String(text) if text.trim().parse::<i64>().is_err() => {
            let duration = item.parse(Expected::Duration, report, amounts::duration)?;
            i64::try_from(duration.as_micros()).ok()
        }
        _ => item.integer(0, report),
    }
}

/// A list of CPUs and ranges of them (cpuset(7), "List format").
fn cpuset(text: &str) -> Result<String, Invalid> {
    let number = |text: &str| text.parse::<u32>().ok();
    let is_part = |part: &str| match part.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first <= last),
        None => number(part).is_some(),
    };
    if text.split(',').all(is_part) { Ok(text.to_owned()) } else { Err(Invalid::Cpuset { value: text.to_owned() }) }
}

fn blkio(service: &mut Fields<'_>, report: &mut Report) -> Blkio {
    let owner = format!("`blkio_config` of {}", service.owner);
    let Some(mut fields) = service.get("blkio_config").and_then(|item| item.fields(&keys::BLKIO, owner, report)) else {
        return Blkio::default();
    };
    let weight = |fields: &mut Fields<'_>, report: &mut Report| {
        fields.integer_between("weight", 10, 1000, report).and_then(|weight| u16::try_from(weight).ok())
    };
    let blkio = Blkio {
        weight: weight(&mut fields, report),
        weight_device: of_devices(&mut fields, "weight_device", report, weight),
        device_read_bps: of_devices(&mut fields, "device_read_bps", report, bytes_per_second),
        device_write_bps: of_devices(&mut fields, "device_write_bps", report, bytes_per_second),
        device_read_iops: of_devices(&mut fields, "device_read_iops", report, operations_per_second),
        device_write_iops: of_devices(&mut fields, "device_write_iops", report, operations_per_second),
    };
    fields.finish(report);
    blkio
}

fn bytes_per_second(fields: &mut Fields<'_>, report: &mut Report) -> Option<u64> {
    fields.get("rate").and_then(|item| bytes(item, report))
}

fn operations_per_second(fields: &mut Fields<'_>, report: &mut Report) -> Option<u64> {
    fields.get("rate").and_then(|item| item.integer(0, report)).and_then(|rate| u64::try_from(rate).ok())
}

/// `[{ path = "/dev/sda", … }]`
fn of_devices<T>(
    fields: &mut Fields<'_>,
    key: &'static str,
    report: &mut Report,
    value: impl Fn(&mut Fields<'_>, &mut Report) -> Option<T>,
) -> Vec<(String, T)> {
    let Some(item) = fields.get(key) else { return Vec::new() };
    let mut devices = Vec::new();
    for node in item.elements(Expected::List, report).unwrap_or_default() {
        let owner = format!("a device of `{key}`");
        let keys = if key == "weight_device" { &keys::BLKIO_WEIGHT } else { &keys::BLKIO_RATE };
        let Some(mut device) = (Item { key, node }).fields(keys, owner, report) else { continue };
        let path = device
            .required("path", "path = \"/dev/sda\"", report)
            .and_then(|item| item.parse(Expected::String, report, |text| super::service::absolute("path", text)));
        let wanted = if key == "weight_device" { ("weight", "weight = 500") } else { ("rate", "rate = \"12mb\"") };
        device.required(wanted.0, wanted.1, report);
        let value = value(&mut device, report);
        device.finish(report);
        devices.extend(path.zip(value));
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::cpuset;

    #[test]
    fn sets_of_cpus() {
        for good in ["0", "0,1", "0-3", "0-3,5,7-8"] {
            assert!(cpuset(good).is_ok(), "{good}");
        }
        for bad in ["", "3-0", "a", "0,", "0-", "-1"] {
            assert!(cpuset(bad).is_err(), "{bad}");
        }
    }
}
