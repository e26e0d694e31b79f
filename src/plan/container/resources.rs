//! Limits and weights → the engine's; the slice of the service has the same (`plan/units/slice.rs`).

use super::{signed, some_map, some_unless_empty, sorted};
use crate::spec::models::{DeviceRequest as EngineRequest, HostConfig, ResourcesBlkioWeightDevice, ThrottleDevice};
use crate::stack::{DeviceRequest, Resources};

/// A host config in which nothing but the resources is said.
pub fn resources(resources: &Resources) -> HostConfig {
    let blkio = &resources.blkio;
    HostConfig {
        memory: resources.mem_limit.map(signed),
        memory_reservation: resources.mem_reservation.map(signed),
        memory_swap: resources.memswap_limit,
        memory_swappiness: resources.mem_swappiness,
        nano_cpus: resources.cpus.map(signed),
        cpu_shares: resources.cpu_shares,
        cpu_period: resources.cpu_period,
        cpu_quota: resources.cpu_quota,
        cpu_realtime_period: resources.cpu_rt_period,
        cpu_realtime_runtime: resources.cpu_rt_runtime,
        cpuset_cpus: resources.cpuset.clone(),
        pids_limit: resources.pids_limit,
        blkio_weight: blkio.weight,
        blkio_weight_device: some_unless_empty(blkio.weight_device.iter().map(weight_of_device).collect()),
        blkio_device_read_bps: throttled(&blkio.device_read_bps),
        blkio_device_write_bps: throttled(&blkio.device_write_bps),
        blkio_device_read_iops: throttled(&blkio.device_read_iops),
        blkio_device_write_iops: throttled(&blkio.device_write_iops),
        oom_kill_disable: resources.oom_kill_disable.then_some(true),
        oom_score_adj: resources.oom_score_adj,
        shm_size: resources.shm_size.map(signed),
        device_requests: some_unless_empty(resources.device_requests.iter().map(device_request).collect()),
        ..Default::default()
    }
}

fn weight_of_device((path, weight): &(String, u16)) -> ResourcesBlkioWeightDevice {
    ResourcesBlkioWeightDevice { path: Some(path.clone()), weight: Some(usize::from(*weight)) }
}

fn throttled(devices: &[(String, u64)]) -> Option<Vec<ThrottleDevice>> {
    let device = |(path, rate): &(String, u64)| ThrottleDevice { path: Some(path.clone()), rate: Some(signed(*rate)) };
    some_unless_empty(devices.iter().map(device).collect())
}

fn device_request(request: &DeviceRequest) -> EngineRequest {
    EngineRequest {
        driver: request.driver.clone(),
        count: request.count,
        device_ids: some_unless_empty(request.device_ids.clone()),
        capabilities: some_unless_empty(request.capabilities.clone()).map(|all_of_them| vec![all_of_them]),
        options: some_map(sorted(&request.options)),
    }
}
