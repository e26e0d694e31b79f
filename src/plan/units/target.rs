//! The target of a whole stack.

use super::{Head, apply, once_each};
use crate::mark::Mark;
use crate::name::{UnitKind, UnitName};
use crate::plan::{Reader, names};
use crate::stack::Selected;
use crate::unit::UnitFile;

pub fn target<'h>(head: &'h Head) -> UnitFile<'h> {
    let mut unit = head.unit(&format!("Stack {}", head.project()));
    // Here alone: another file must not make every unit of the stack a changed one.
    let further: Vec<String> = head.stack.further_sources.iter().map(|path| path.display().to_string()).collect();
    if !further.is_empty() {
        unit.comments.push(format!("The stack is made of further files: {}.", further.join(", ")).into());
    }
    unit.section("Unit").add_list("Wants", wants(head));
    let install = unit.section("Install");
    for wanting in wanted_by(head) {
        install.add("WantedBy", wanting);
    }
    apply(&mut unit, &head.stack.systemd, |section, directive| (section, directive) != ("Install", "WantedBy"));
    let Selected { files, profiles } = head.stack.selected.clone();
    Mark { files, profiles, ..head.mark() }.write(&mut unit);
    unit
}

/// What is started with the stack: the units of its services, and the timers of those that have a schedule.
pub fn wants(head: &Head) -> Vec<UnitName> {
    let units = head.stack.services.values().flat_map(|service| match (&service.schedule, service.trigger()) {
        (Some(_), _) => vec![names::timer(head.project(), &service.name)],
        (None, Some(_)) => Vec::new(),
        (None, None) => names::running_units(head.project(), service),
    });
    units.collect()
}

/// What starts the stack once it is enabled: multi-user.target (for a user, default.target), unless `[systemd.Install]` says
/// something else.
pub fn wanted_by(head: &Head) -> Vec<UnitName> {
    let usual = if head.location.reader == Reader::User { "default" } else { "multi-user" };
    let lines = head.stack.systemd.get("Install").into_iter().flatten().filter(|(name, _)| name == "WantedBy");
    let mut units = vec![UnitName::new(usual, UnitKind::Target)];
    for value in lines.flat_map(|(_, values)| values) {
        if value.is_empty() {
            units.clear();
        }
        // What is no name was refused where it stands.
        units.extend(value.split_whitespace().filter_map(|name| UnitName::parse(name).ok()));
    }
    once_each(units)
}
