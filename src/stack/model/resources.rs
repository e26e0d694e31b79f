//! What a container may use up.

use std::collections::BTreeMap;

/// Limits and weights, as the Engine API has them. Source: Compose Specification, services and deploy, resources.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// Bytes.
    pub mem_limit: Option<u64>,
    /// Bytes that are not taken from it while others can give.
    pub mem_reservation: Option<u64>,
    /// Bytes of memory and swap together; -1: as much swap as there is.
    pub memswap_limit: Option<i64>,
    /// 0 to 100.
    pub mem_swappiness: Option<i64>,
    /// Billionths of a CPU, the engine's NanoCpus.
    pub cpus: Option<u64>,
    /// Relative weight; the engine's default is 1024.
    pub cpu_shares: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<i64>,
    /// Microseconds in each period; -1: no limit.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_rt_period: Option<i64>,
    /// Microseconds.
    pub cpu_rt_runtime: Option<i64>,
    /// `0-3`, `0,1`
    pub cpuset: Option<String>,
    /// -1: unlimited.
    pub pids_limit: Option<i64>,
    pub blkio: Blkio,
    pub oom_kill_disable: bool,
    /// -1000 to 1000.
    pub oom_score_adj: Option<i64>,
    /// Bytes of /dev/shm.
    pub shm_size: Option<u64>,
    /// `gpus`, CDI devices and `deploy.resources.reservations.devices`.
    pub device_requests: Vec<DeviceRequest>,
}

/// Source: Compose Specification, services, blkio_config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blkio {
    /// 10 to 1000.
    pub weight: Option<u16>,
    pub weight_device: Vec<(String, u16)>,
    /// Each device with its bytes per second.
    pub device_read_bps: Vec<(String, u64)>,
    pub device_write_bps: Vec<(String, u64)>,
    /// Each device with its operations per second.
    pub device_read_iops: Vec<(String, u64)>,
    pub device_write_iops: Vec<(String, u64)>,
}

/// Devices that the engine picks (Engine API, DeviceRequest).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceRequest {
    pub driver: Option<String>,
    /// -1: all. `None` where ids are given.
    pub count: Option<i64>,
    pub device_ids: Vec<String>,
    /// All of them must be there.
    pub capabilities: Vec<String>,
    pub options: BTreeMap<String, String>,
}
