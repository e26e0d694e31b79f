//! What things are called on the host.

use crate::name::{UnitKind, UnitName};
use crate::spec::ContainerSpec;
use crate::stack::{Service, Stack};

/// `shop.target`
pub fn target(project: &str) -> UnitName {
    UnitName::new(project, UnitKind::Target)
}

/// `shop-web.service`; where replicas are spoken of, the template `shop-web@.service`.
pub fn service_unit(project: &str, service: &Service) -> UnitName {
    let unit = UnitName::of_parts(&[project, "-", &service.name], UnitKind::Service);
    if service.replicas.is_some() { unit.as_template() } else { unit }
}

/// The units that run the service: `shop-web.service`, or `shop-web@1.service`, `shop-web@2.service`…
pub fn running_units(project: &str, service: &Service) -> Vec<UnitName> {
    let unit = service_unit(project, service);
    match service.replicas {
        None => vec![unit],
        Some(count) => (1..=count).map(|number| unit.of_instance(&number.to_string())).collect(),
    }
}

/// `shop-web-replicas.service`
pub fn replicas_unit(project: &str, service: &str) -> UnitName {
    UnitName::of_parts(&[project, "-", service, "-replicas"], UnitKind::Service)
}

/// `shop-backup.timer`, which starts `shop-backup.service`
pub fn timer(project: &str, service: &str) -> UnitName {
    UnitName::of_parts(&[project, "-", service], UnitKind::Timer)
}

/// `shop-web-build.service`
pub fn build_unit(project: &str, service: &str) -> UnitName {
    UnitName::of_parts(&[project, "-", service, "-build"], UnitKind::Service)
}

/// `shop-default-network.service`
pub fn network_unit(project: &str, network: &str) -> UnitName {
    UnitName::of_parts(&[project, "-", network, "-network"], UnitKind::Service)
}

/// `shop-data-volume.service`
pub fn volume_unit(project: &str, volume: &str) -> UnitName {
    UnitName::of_parts(&[project, "-", volume, "-volume"], UnitKind::Service)
}

/// `wharf-shop.slice`
pub fn project_slice(project: &str) -> UnitName {
    UnitName::slice(&["wharf", project])
}

/// `wharf-shop-web.slice`
pub fn service_slice(project: &str, service: &str) -> UnitName {
    UnitName::service_slice(project, service)
}

/// `shop-web.build.json`
pub fn build_spec(project: &str, service: &str) -> String {
    format!("{project}-{service}.build.json")
}

/// `shop-web.container.json`, beside `shop-web.service`
pub fn container_spec(project: &str, service: &str) -> String {
    ContainerSpec::file_name(project, service)
}

/// `shop-web.values.json`, beside `shop-web.service`
pub fn values_spec(project: &str, service: &str) -> String {
    format!("{project}-{service}.values.json")
}

/// `shop-web-build.values.json`, beside `shop-web-build.service`
pub fn build_values_spec(project: &str, service: &str) -> String {
    format!("{project}-{service}-build.values.json")
}

/// `shop-default.network.json`
pub fn network_spec(project: &str, network: &str) -> String {
    format!("{project}-{network}.network.json")
}

/// `shop-data.volume.json`
pub fn volume_spec(project: &str, volume: &str) -> String {
    format!("{project}-{volume}.volume.json")
}

/// The names of a service's containers at the engine.
pub fn containers(stack: &Stack, service: &Service) -> Vec<String> {
    let name = service.container_name.clone().unwrap_or_else(|| container(&stack.name, &service.name));
    match service.replicas {
        None => vec![name],
        Some(count) => (1..=count).map(|number| replica(&name, number)).collect(),
    }
}

/// `shop-web-2`
pub fn replica(name: &str, number: u32) -> String {
    format!("{name}-{number}")
}

/// `shop-web`
pub fn container(project: &str, service: &str) -> String {
    format!("{project}-{service}")
}
