//! The containers that this host has units for, from the unit files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::mark::InstalledUnit;
use crate::name::{ProjectName, ServiceName, UnitName};
use crate::spec::{ContainerSpec, OnUnhealthy, instance_name};

/// The unit of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub unit: UnitName,
    pub project: ProjectName,
    pub service: ServiceName,
    /// Of a template, `%i`; else empty.
    pub instance: String,
    /// The container's name at the engine.
    pub container: String,
    pub spec: PathBuf,
    pub on_unhealthy: OnUnhealthy,
    /// Units that are restarted after this one has been.
    pub restarts_with: Vec<UnitName>,
}

/// The containers' units; of templates those instances that the stack wants, or that are among `running`.
pub fn declared(installed: &[InstalledUnit], running: &[UnitName]) -> Vec<Declared> {
    let wanted: BTreeSet<&UnitName> = installed.iter().flat_map(|unit| &unit.mark.wants).chain(running).collect();
    installed.iter().flat_map(|unit| of_unit(unit, &wanted)).collect()
}

/// Whether it is the template of a container's unit.
pub fn is_template(unit: &InstalledUnit) -> bool {
    unit.mark.container.is_some() && unit.name.is_template()
}

fn of_unit(unit: &InstalledUnit, wanted: &BTreeSet<&UnitName>) -> Vec<Declared> {
    let (Some(service), Some(container)) = (&unit.mark.service, &unit.mark.container) else { return Vec::new() };
    let one = Declared {
        unit: unit.name.clone(),
        project: unit.mark.project.clone(),
        service: service.clone(),
        instance: String::new(),
        container: container.to_string(),
        spec: unit.directory.join(ContainerSpec::file_of(&unit.name)),
        on_unhealthy: unit.mark.on_unhealthy,
        restarts_with: unit.mark.restarts_with.clone(),
    };
    if !unit.name.is_template() {
        return vec![one];
    }
    let instances = wanted.iter().filter_map(|name| Some((*name, unit.name.instance_in(name)?)));
    let instances = instances.map(|(name, instance)| Declared {
        unit: name.clone(),
        container: instance_name(container, instance),
        instance: instance.to_owned(),
        ..one.clone()
    });
    instances.collect()
}
