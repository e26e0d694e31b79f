//! The timer of a service that runs by schedule (systemd.timer(5)).

use super::{Head, apply, only};
use crate::stack::{Schedule, Service};
use crate::unit::UnitFile;

/// Started and stopped with the stack; a run that was missed while the host was off is made up for.
pub fn timer(head: &Head, service: &Service, schedule: &Schedule) -> UnitFile {
    let mut unit = head.unit(&format!("Schedule of {}-{}", head.project(), service.name));
    unit.section("Unit").add("PartOf", head.target());
    let section = unit.section("Timer");
    for expression in &schedule.on_calendar {
        section.add("OnCalendar", expression);
    }
    section.add("Persistent", "yes");
    apply(&mut unit, &only(&service.systemd, |section| section == "Timer"));
    head.mark().write(&mut unit);
    unit
}
