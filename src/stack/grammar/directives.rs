//! systemd's own list of unit directives: in which section each stands.
//!
//! Source: `systemd --dump-configuration-items`, as `directives.txt` keeps it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::suggest::nearest;
use super::units::{directive_name, directive_value, install_value};
use crate::stack::problem::UnitFault;

const TEXT: &str = include_str!("directives.txt");

static LIST: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut list: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut section = "";
    for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => section = name,
            None => list.entry(section).or_default().push(line),
        }
    }
    list
});

fn directives(section: &str) -> &'static [&'static str] {
    LIST.get(section).map_or(&[], Vec::as_slice)
}

fn has(section: &str, name: &str) -> bool {
    directives(section).binary_search(&name).is_ok()
}

/// A section of a unit file that a stack file may add to.
pub struct Section<'s> {
    pub name: &'s str,
    /// All sections of the unit.
    pub sections: &'static [&'static str],
}

impl Section<'_> {
    /// That systemd takes a directive here, and that it does here what its author expects.
    pub fn takes(&self, name: &str) -> Result<(), UnitFault> {
        directive_name(name)?;
        self.has(name)?;
        // Only a container has a slice.
        if self.name == "Service" && self.sections.contains(&"Slice") { of_supervisor(name) } else { Ok(()) }
    }

    /// That the directive's value stands on one line, and names units if it must.
    pub fn takes_value(&self, name: &str, text: &str) -> Result<(), UnitFault> {
        directive_value(name, text)?;
        // systemd makes the links of a service and knows its specifiers, Wharf those of a target.
        match self.name {
            "Install" => install_value(name, text, self.sections.contains(&"Service")),
            _ => Ok(()),
        }
    }

    fn has(&self, name: &str) -> Result<(), UnitFault> {
        if has(self.name, name) {
            return Ok(());
        }
        let (name, section) = (name.to_owned(), self.name.to_owned());
        let elsewhere = LIST.keys().copied().filter(|other| has(other, &name));
        Err(match elsewhere.max_by_key(|other| self.sections.contains(other)) {
            Some(right) => UnitFault::WrongSection { name, section, right, has_it: self.sections.contains(&right) },
            None => UnitFault::UnknownDirective { nearest: nearest(&name, directives(&section)), name, section },
        })
    }
}

/// Whether a directive controls the resources of a unit's processes, so that for those of a container a slice must have it.
pub fn is_resource_control(name: &str) -> bool {
    has("Slice", name) && has("Service", name) && !["Slice", "DeviceAllow", "DevicePolicy"].contains(&name)
}

/// That a directive of a container's `[Service]` is for wharf-run, and not one by which somebody means to limit the container.
///
/// Resource control (systemd.resource-control(5)) and process limits act on the processes of the unit: those of the container are
/// in a scope beside it. `DeviceAllow=` and `DevicePolicy=` stay: a unit's sandbox is its own.
fn of_supervisor(name: &str) -> Result<(), UnitFault> {
    let is_limit = name.starts_with("Limit") && has("Service", name);
    if is_resource_control(name) || is_limit {
        return Err(UnitFault::LimitsSupervisor { name: name.to_owned(), key: key_of(name), slice: !is_limit });
    }
    Ok(())
}

/// The key of a service that does for the container what the directive does for a unit.
fn key_of(directive: &str) -> Option<&'static str> {
    Some(match directive.strip_prefix("Startup").unwrap_or(directive) {
        "MemoryMax" | "MemoryLimit" => "mem_limit",
        "MemoryLow" => "mem_reservation",
        "MemorySwapMax" => "memswap_limit",
        "CPUQuota" => "cpus",
        "CPUWeight" | "CPUShares" => "cpu_shares",
        "CPUQuotaPeriodSec" => "cpu_period",
        "AllowedCPUs" => "cpuset",
        "TasksMax" => "pids_limit",
        name if name.starts_with("IO") && !name.contains("Accounting") && !name.contains("Pressure") => "blkio_config",
        name if name.starts_with("Limit") => "ulimits",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::problem::Problem;

    #[test]
    fn the_list_is_sorted_and_is_of_the_newest_systemd_that_messages_name() {
        assert_eq!(LIST.keys().copied().collect::<Vec<_>>(), ["Install", "Service", "Slice", "Timer", "Unit"]);
        assert!(LIST.values().all(|names| names.is_sorted()));
        let unknown = Section { name: "Service", sections: &[] }.takes("Frobnicate").unwrap_err().wording().message;
        let newest = unknown.split_once(" in ").unwrap().1;
        assert!(TEXT.lines().next().is_some_and(|head| head.contains(&format!("and {newest} take"))));
    }
}
