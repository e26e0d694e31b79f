//! The units of networks and volumes.

use super::{Head, add_engine, all, apply, sandbox};
use crate::mark::{Made, Mark};
use crate::plan::names;
use crate::spec::exit;
use crate::stack::{Network, Overrides, Volume};
use crate::unit::{UnitFile, Unwritable};

pub fn network<'h>(head: &'h Head, network: &'h Network) -> Result<UnitFile<'h>, Unwritable> {
    let file = names::network_spec(head.project(), &network.key);
    let mut unit = resource(head, &format!("Network {}", network.name), &network.systemd);
    let start = head.run("network", &file)?;
    let stop = head.run("network-remove", &file)?;
    unit.section("Service").add("ExecStart", start).add("ExecStop", stop);
    apply(&mut unit, &network.systemd, all);
    Mark { made: Some(Made::Network(network.name.clone())), ..head.mark() }.write(&mut unit);
    Ok(unit)
}

pub fn volume<'h>(head: &'h Head, volume: &'h Volume) -> Result<UnitFile<'h>, Unwritable> {
    let file = names::volume_spec(head.project(), &volume.key);
    let mut unit = resource(head, &format!("Volume {}", volume.name), &volume.systemd);
    let start = head.run("volume", &file)?;
    unit.section("Service").add("ExecStart", start);
    apply(&mut unit, &volume.systemd, all);
    Mark { made: Some(Made::Volume(volume.name.clone())), ..head.mark() }.write(&mut unit);
    Ok(unit)
}

/// What exists at the engine while its unit is active.
fn resource<'h>(head: &'h Head, description: &str, overrides: &Overrides) -> UnitFile<'h> {
    let mut unit = head.unit(description);
    let section = unit.section("Unit");
    add_engine(section);
    section.add("PartOf", head.target());
    let section = unit.section("Service");
    section
        .add("Type", "oneshot")
        .add("RemainAfterExit", "yes")
        .add("NotifyAccess", "exec")
        .add("Slice", names::project_slice(head.project()))
        // An engine that is away is waited for, and what needs the network or volume with it.
        .add("RestartMode", "direct")
        .add("RestartSec", "1s")
        .add("RestartForceExitStatus", exit::UNAVAILABLE.to_string());
    sandbox(section, "", overrides);
    unit
}
