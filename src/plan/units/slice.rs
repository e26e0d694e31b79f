//! The slices: what `systemctl set-property` and a drop-in act on.

use super::{Head, apply, only};
use crate::stack::Service;
use crate::unit::UnitFile;

pub fn project_slice(head: &Head) -> UnitFile {
    slice(head, &format!("Containers of stack {}", head.project()))
}

pub fn service_slice(head: &Head, service: &Service) -> UnitFile {
    let mut unit = slice(head, &format!("Container {}-{}", head.project(), service.name));
    apply(&mut unit, &only(&service.systemd, |section| section == "Slice"));
    unit
}

/// A slice goes down with the last unit in it, and not by itself at shutdown: that would end the containers all at once and
/// without their order.
fn slice(head: &Head, description: &str) -> UnitFile {
    let mut unit = head.unit(description);
    unit.section("Unit").add("DefaultDependencies", "no").add("StopWhenUnneeded", "yes");
    head.facts(&mut unit, &[]);
    unit
}
