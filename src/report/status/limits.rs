//! Limits that do not hold for a container, as they are set on the unit of its supervisor.
//!
//! In: the drop-ins of a container's unit. Out: the directives of systemd.resource-control(5) in them: the container's processes are in
//! a scope of their own, beside the unit, in the slice of the service.

use std::path::PathBuf;

use super::model::MisplacedLimit;
use crate::name::UnitName;
use crate::regular_file::read_text;
use crate::spec::LARGEST_FILE;

/// What limits or weighs processes; in front of some may stand `Startup` or `Default`.
const LIMITS: [&str; 21] = [
    "AllowedCPUs",
    "AllowedMemoryNodes",
    "CPUQuota",
    "CPUWeight",
    "IODeviceLatencyTargetSec",
    "IODeviceWeight",
    "IOReadBandwidthMax",
    "IOReadIOPSMax",
    "IOWeight",
    "IOWriteBandwidthMax",
    "IOWriteIOPSMax",
    "IPAddressAllow",
    "IPAddressDeny",
    "MemoryHigh",
    "MemoryLow",
    "MemoryMax",
    "MemoryMin",
    "MemorySwapMax",
    "MemoryZSwapMax",
    "RestrictNetworkInterfaces",
    "TasksMax",
];

/// Those in these drop-ins. A drop-in that cannot be read has none.
pub fn misplaced(drop_ins: &[String], slice: Option<&UnitName>) -> Vec<MisplacedLimit> {
    let mut found = Vec::new();
    for file in drop_ins.iter().map(PathBuf::from) {
        let text = read_text(&file, LARGEST_FILE).unwrap_or_default();
        found.extend(limits(&text).map(|directive| MisplacedLimit {
            directive: directive.to_owned(),
            file: file.clone(),
            slice: slice.cloned(),
        }));
    }
    found
}

fn limits(text: &str) -> impl Iterator<Item = &str> {
    let directives = text.lines().filter_map(|line| line.trim_start().split_once('='));
    let is_limit = |name: &&str| {
        let bare = ["Startup", "Default"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        LIMITS.contains(&bare)
    };
    directives.filter(|(_, value)| !value.trim().is_empty()).map(|(name, _)| name.trim_end()).filter(is_limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_limits_are_found() {
        let text =
            "[Service]\nMemoryMax = 1G\n# TasksMax=3\nRestart=no\nStartupCPUWeight=5\nCPUQuota=\nSlice=x.slice\n";
        assert_eq!(limits(text).collect::<Vec<_>>(), ["MemoryMax", "StartupCPUWeight"]);
    }
}
