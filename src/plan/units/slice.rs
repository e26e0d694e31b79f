//! The slices: what `systemctl set-property` and a drop-in act on.
//!
//! A slice needs no file: systemd makes it when a unit asks for it. `wharf-.slice.d/10-wharf.conf`, installed with Wharf, holds for
//! every slice of every stack: it goes down with the last unit in it, and not by itself at shutdown, as that would end the
//! containers all at once and without their order.

use super::{Head, apply};
use crate::stack::{Resources, Service};
use crate::unit::{Section, UnitFile, Unwritable, path_word};

/// The file of a service's slice; `None`: it has no limits or directives of its own.
pub fn service_slice<'h>(head: &'h Head, service: &'h Service) -> Result<Option<UnitFile<'h>>, Unwritable> {
    let mut own = UnitFile::default();
    limits(own.section("Slice"), service)?;
    apply(&mut own, &service.systemd, |section, _| section == "Slice");
    if own.section("Slice").is_empty() {
        return Ok(None);
    }
    let several = if service.replicas.is_some() { "s" } else { "" };
    let mut unit = head.unit(&format!("Container{several} {}-{}", head.project(), service.name));
    unit.sections.append(&mut own.sections);
    head.mark().write(&mut unit);
    Ok(Some(unit))
}

/// The limits of the service's containers, as systemd has them (systemd.resource-control(5)): those of one container, as many
/// times as there are containers. Weights are by systemd's scale, on which 100 is the default, as 1024 and 500 are the engine's.
fn limits(section: &mut Section<'_>, service: &Service) -> Result<(), Unwritable> {
    let resources = &service.resources;
    let times = u64::from(service.replicas.unwrap_or(1).max(1));
    let mut set = |directive: &'static str, value: Option<String>| {
        if let Some(value) = value {
            section.add(directive, value);
        }
    };
    let bytes = |bytes: u64| size(bytes.saturating_mul(times));
    set("MemoryMax", resources.mem_limit.map(bytes));
    set("MemoryLow", resources.mem_reservation.map(bytes));
    set("MemorySwapMax", swap(resources).map(|swap| swap.map_or("infinity".to_owned(), bytes)));
    set("CPUQuota", cpu_quota(resources).map(|quota| percent(quota * u128::from(times))));
    set("CPUQuotaPeriodSec", resources.cpu_period.map(|period| format!("{period}us")));
    set("CPUWeight", resources.cpu_shares.map(|shares| weight(shares, 1024)));
    set("AllowedCPUs", resources.cpuset.clone());
    let tasks = resources.pids_limit.and_then(|limit| u64::try_from(limit).ok());
    set("TasksMax", tasks.map(|limit| limit.saturating_add(SUPERVISOR_TASKS).saturating_mul(times).to_string()));
    let blkio = &resources.blkio;
    set("IOWeight", blkio.weight.map(|own| weight(i64::from(own), 500)));
    for (device, own) in &blkio.weight_device {
        set("IODeviceWeight", Some(format!("{} {}", path_word(device)?, weight(i64::from(*own), 500))));
    }
    let rates = [
        ("IOReadBandwidthMax", &blkio.device_read_bps),
        ("IOWriteBandwidthMax", &blkio.device_write_bps),
        ("IOReadIOPSMax", &blkio.device_read_iops),
        ("IOWriteIOPSMax", &blkio.device_write_iops),
    ];
    for (directive, devices) in rates {
        for (device, rate) in devices {
            set(directive, Some(format!("{} {}", path_word(device)?, rate.saturating_mul(times))));
        }
    }
    Ok(())
}

/// wharf-run is in the slice too, and for a moment the one that cleans up.
const SUPERVISOR_TASKS: u64 = 4;

/// Bytes of swap alone; `Some(None)`: no limit.
fn swap(resources: &Resources) -> Option<Option<u64>> {
    let both = resources.memswap_limit?;
    let memory = resources.mem_limit.unwrap_or(0);
    Some(u64::try_from(both).ok().map(|both| both.saturating_sub(memory)))
}

/// Billionths of a CPU.
fn cpu_quota(resources: &Resources) -> Option<u128> {
    let of_quota = || {
        let quota = u128::try_from(resources.cpu_quota?).ok().filter(|quota| *quota > 0)?;
        let period = resources.cpu_period.and_then(|period| u128::try_from(period).ok()).unwrap_or(DEFAULT_PERIOD);
        Some(quota * 1_000_000_000 / period.max(1))
    };
    resources.cpus.map(u128::from).or_else(of_quota)
}

/// Microseconds: of the kernel's scheduler, and the engine.
const DEFAULT_PERIOD: u128 = 100_000;

/// `12.5%`: systemd takes two digits after the point, and at least 0.01.
fn percent(billionths: u128) -> String {
    let hundredths = (billionths / 100_000).max(1);
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, rest) => format!("{whole}.{rest:02}%"),
    }
}

/// `512M`: in the largest of systemd's units that leaves no fraction.
fn size(bytes: u64) -> String {
    let units = [(1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

fn weight(own: i64, default: i64) -> String {
    (own * 100 / default).clamp(1, 10_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_processors() {
        assert_eq!(percent(500_000_000), "50%");
        assert_eq!(percent(125_000_000), "12.50%");
        assert_eq!(percent(10_000_000), "1%");
        assert_eq!(percent(1_500_000_000), "150%");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!([size(512 << 20), size(1 << 30), size(1500), size(0)], ["512M", "1G", "1500", "0"]);
    }

    #[test]
    fn weights_by_systemds_scale() {
        assert_eq!(
            [weight(1024, 1024), weight(2, 1024), weight(500, 500), weight(1000, 500)],
            ["100", "1", "100", "200"]
        );
    }
}
