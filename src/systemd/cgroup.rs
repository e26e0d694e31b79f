//! What the processes of a unit use, from its control group: cgroups(7), the kernel's "Control Group v2".

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::CWD;

use crate::name::{UnitKind, UnitName};
use crate::regular_file;

/// `io.stat` has a line of about 100 bytes for each device: enough for 2,500.
const LARGEST: u64 = 256 << 10;

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
    pub fn of_slice(slice: &UnitName) -> Self {
        let directory = path_of_slice(slice);
        let read = |file: &str| read(&directory.join(file));
        Self {
            cpu: read("cpu.stat").and_then(|text| cpu_time(&text)),
            memory: read("memory.current").and_then(|text| text.trim().parse().ok()),
            io: read("io.stat").map(|text| io_bytes(&text)),
        }
    }
}

/// Whether a container has processes, in a group of its own in a slice: `docker-ID.scope` with the engine's systemd driver, else `ID`.
/// Without an id, whether any group in the slice has that is not of a service. `None`: the slice has no group that could be read.
pub fn has_processes(slice: &UnitName, container: Option<&str>) -> Option<bool> {
    has_processes_below(&path_of_slice(slice), container)
}

fn has_processes_below(directory: &Path, container: Option<&str>) -> Option<bool> {
    let mut groups = std::fs::read_dir(directory).ok()?.flatten();
    Some(groups.any(|group| {
        let name = group.file_name();
        let name = name.to_string_lossy();
        let is_service = || UnitName::parse(&name).is_ok_and(|unit| unit.is(UnitKind::Service));
        let is_it = container.map_or_else(|| !is_service(), |id| name.contains(id));
        let populated = |events: String| events.lines().any(|line| line == "populated 1");
        is_it && read(&group.path().join("cgroup.events")).is_some_and(populated)
    }))
}

/// A slice lies in the slices that its name names: systemd.slice(5).
fn path_of_slice(slice: &UnitName) -> PathBuf {
    let mut path = PathBuf::from("/sys/fs/cgroup");
    let name = slice.stem();
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        path.push(format!("{}.slice", &name[..end]));
    }
    path
}

/// The text of a file of the kernel's, of at most [`LARGEST`]; of nothing that could keep the reader waiting.
fn read(path: &Path) -> Option<String> {
    String::from_utf8(regular_file::open_at(CWD, path).ok()?.read(LARGEST).ok()?).ok()
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
        assert_eq!(path_of_slice(&UnitName::parse("wharf-shop-my\\x2dweb.slice").unwrap()), PathBuf::from(path));
    }

    #[test]
    fn neither_a_fifo_nor_a_file_without_end_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let [fifo, large] = ["fifo", "large"].map(|name| directory.path().join(name));
        rustix::fs::mkfifoat(CWD, &fifo, 0o600.into()).unwrap();
        std::fs::write(&large, "x".repeat(1 << 20)).unwrap();
        assert_eq!((read(&fifo), read(Path::new("/dev/zero"))), (None, None));
        assert_eq!(read(&large), None);
    }

    #[test]
    fn a_container_has_processes_if_its_group_is_populated() {
        let slice = tempfile::tempdir().unwrap();
        let group = |name: &str, populated: u8| {
            std::fs::create_dir(slice.path().join(name)).unwrap();
            let events = format!("populated {populated}\nfrozen 0\n");
            std::fs::write(slice.path().join(name).join("cgroup.events"), events).unwrap();
        };
        group("shop-web.service", 1);
        group("docker-0a.scope", 0);
        let has = |container| has_processes_below(slice.path(), container);
        assert_eq!([has(None), has(Some("0a")), has(Some("0b"))], [Some(false); 3]);
        group("0b", 1);
        assert_eq!([has(None), has(Some("0a")), has(Some("0b"))], [Some(true), Some(false), Some(true)]);
        assert_eq!(has_processes_below(Path::new("/nowhere"), None), None);
    }

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(cpu_time("usage_usec 1500000\nuser_usec 1\n"), Some(Duration::from_millis(1500)));
        let text = "8:0 rbytes=10 wbytes=1 rios=2 wios=1\n8:16 rbytes=5 wbytes=0 rios=1 wios=0\n";
        assert_eq!(io_bytes(text), (15, 1));
    }
}
