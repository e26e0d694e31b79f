//! What the processes of a unit use, from its control group: cgroups(7), the kernel's "Control Group v2".

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::name::UnitName;

/// What a slice and all in it have used; `None` where the kernel does not account for it, or the slice is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub cpu: Option<Duration>,
    /// Bytes, now.
    pub memory: Option<u64>,
    /// Bytes read from devices, and written to them.
    pub io: Option<(u64, u64)>,
}

impl Usage {
    /// Reads the files of a slice's group.
    pub fn of_slice(slice: &str) -> Self {
        let directory = path_of_slice(slice);
        let read = |file: &str| fs::read_to_string(directory.join(file)).ok();
        Self {
            cpu: read("cpu.stat").and_then(|text| cpu_time(&text)),
            memory: read("memory.current").and_then(|text| text.trim().parse().ok()),
            io: read("io.stat").map(|text| io_bytes(&text)),
        }
    }
}

/// A slice lies in the slices that its name names: systemd.slice(5).
fn path_of_slice(slice: &str) -> PathBuf {
    let mut path = PathBuf::from("/sys/fs/cgroup");
    let unit = UnitName::parse(slice);
    let name = unit.as_ref().map_or(slice, |unit| unit.stem());
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        path.push(format!("{}.slice", &name[..end]));
    }
    path
}

fn cpu_time(text: &str) -> Option<Duration> {
    let microseconds = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    microseconds.parse().ok().map(Duration::from_micros)
}

/// Of all devices.
fn io_bytes(text: &str) -> (u64, u64) {
    let sum = |key: &str| {
        let values = text.split_whitespace().filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok());
        values.sum()
    };
    (sum("rbytes="), sum("wbytes="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_lies_in_those_that_its_name_names() {
        let path = "/sys/fs/cgroup/wharf.slice/wharf-shop.slice/wharf-shop-my\\x2dweb.slice";
        assert_eq!(path_of_slice("wharf-shop-my\\x2dweb.slice"), PathBuf::from(path));
    }

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(cpu_time("usage_usec 1500000\nuser_usec 1\n"), Some(Duration::from_millis(1500)));
        let text = "8:0 rbytes=10 wbytes=1 rios=2 wios=1\n8:16 rbytes=5 wbytes=0 rios=1 wios=0\n";
        assert_eq!(io_bytes(text), (15, 1));
    }
}
