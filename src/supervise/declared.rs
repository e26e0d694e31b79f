//! Which containers this host has units for, told from the unit files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::mark::InstalledUnit;
use crate::spec::{ContainerSpec, OnUnhealthy, instance_name};

/// The unit of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    pub unit: String,
    pub project: String,
    pub service: String,
    /// Of a template, `%i`; else empty.
    pub instance: String,
    /// The container's name at the engine.
    pub container: String,
    pub spec: PathBuf,
    pub on_unhealthy: OnUnhealthy,
    /// Units that are restarted after this one has been.
    pub restarts_with: Vec<String>,
}

/// The containers' units; of templates those instances that the stack wants, or that are among `running`.
pub fn declared(installed: &[InstalledUnit], running: &[String]) -> Vec<Declared> {
    let wanted: Vec<&str> = installed
        .iter()
        .flat_map(|unit| &unit.mark.wants)
        .map(|name| name.as_str())
        .chain(running.iter().map(String::as_str))
        .collect();
    installed.iter().flat_map(|unit| of_unit(unit, &wanted)).collect()
}

/// Whether it is the template of a container's unit.
pub fn is_template(unit: &InstalledUnit) -> bool {
    unit.mark.container.is_some() && unit.is_template()
}

fn of_unit(unit: &InstalledUnit, wanted: &[&str]) -> Vec<Declared> {
    let (Some(service), Some(container)) = (&unit.mark.service, &unit.mark.container) else { return Vec::new() };
    let one = Declared {
        unit: unit.name.to_string(),
        project: unit.mark.project.to_string(),
        service: service.to_string(),
        instance: String::new(),
        container: container.to_string(),
        spec: unit.directory.join(ContainerSpec::file_name(&unit.mark.project, service)),
        on_unhealthy: unit.mark.on_unhealthy,
        restarts_with: unit.mark.restarts_with.iter().map(ToString::to_string).collect(),
    };
    if !unit.is_template() {
        return vec![one];
    }
    let names: BTreeSet<(&str, String)> =
        wanted.iter().filter_map(|name| Some((*name, unit.instance_of(name)?))).collect();
    let instances = names.into_iter().map(|(name, instance)| Declared {
        unit: name.to_owned(),
        container: instance_name(container, &instance),
        instance,
        ..one.clone()
    });
    instances.collect()
}
