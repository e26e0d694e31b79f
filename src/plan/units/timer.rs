//! The timer of a service that runs by schedule (systemd.timer(5)).

use super::{Head, apply};
use crate::stack::{Schedule, Service};
use crate::unit::UnitFile;

/// Started and stopped with the stack; a run that was missed while the host was off is made up for.
pub fn timer<'h>(head: &'h Head, service: &'h Service, schedule: &'h Schedule) -> UnitFile<'h> {
    let mut unit = head.unit(&format!("Schedule of {}-{}", head.project(), service.name));
    unit.section("Unit").add("PartOf", head.target());
    let section = unit.section("Timer");
    for expression in &schedule.on_calendar {
        section.add("OnCalendar", expression);
    }
    section.add("Persistent", "yes");
    apply(&mut unit, &service.systemd, |section, _| section == "Timer");
    head.mark().write(&mut unit);
    unit
}
