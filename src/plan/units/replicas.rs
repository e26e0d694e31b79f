//! The gate of a service with replicas: what depends on the service depends on this unit.
//!
//! It is active once the start of every replica has ended and one of them runs. So a dependent waits for all of them, fails if
//! none runs, and is left alone when the administrator stops, restarts or adds a replica.

use super::{Head, sandbox};
use crate::plan::{Reader, names};
use crate::stack::{Overrides, Service};
use crate::unit::UnitFile;

pub fn replicas<'h>(head: &'h Head, service: &Service) -> UnitFile<'h> {
    let mut unit = head.unit(&format!("Replicas of {}-{}", head.project(), service.name));
    let instances = names::running_units(head.project(), service);
    let section = unit.section("Unit");
    section.add_list("Wants", &instances).add_list("After", &instances).add("PartOf", head.target());
    let manager = if head.location.reader == Reader::User { "--user " } else { "" };
    // Of several units, one that is active is enough (systemctl(1), is-active).
    let check = if instances.is_empty() {
        "true".to_owned()
    } else {
        format!("systemctl {manager}is-active --quiet {}", instances.join(" "))
    };
    let section = unit.section("Service");
    section
        .add("Type", "oneshot")
        .add("RemainAfterExit", "yes")
        .add("ExecStart", check)
        .add("Slice", names::project_slice(head.project()));
    sandbox(section, "", &Overrides::new());
    head.mark().write(&mut unit);
    unit
}
