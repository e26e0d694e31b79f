//! What things are called on the host.

use crate::unit::slice_name;

/// `shop.target`
pub fn target(project: &str) -> String {
    format!("{project}.target")
}

/// `shop-web.service`
pub fn service_unit(project: &str, service: &str) -> String {
    format!("{project}-{service}.service")
}

/// `shop-default-network.service`
pub fn network_unit(project: &str, network: &str) -> String {
    format!("{project}-{network}-network.service")
}

/// `shop-data-volume.service`
pub fn volume_unit(project: &str, volume: &str) -> String {
    format!("{project}-{volume}-volume.service")
}

/// `wharf-shop.slice`
pub fn project_slice(project: &str) -> String {
    slice_name(&["wharf", project])
}

/// `wharf-shop-web.slice`
pub fn service_slice(project: &str, service: &str) -> String {
    slice_name(&["wharf", project, service])
}

/// `shop-web.container.json`, beside `shop-web.service`
pub fn container_spec(project: &str, service: &str) -> String {
    format!("{project}-{service}.container.json")
}

/// `shop-web.values.json`, beside `shop-web.service`
pub fn values_spec(project: &str, service: &str) -> String {
    format!("{project}-{service}.values.json")
}

/// `shop-default.network.json`
pub fn network_spec(project: &str, network: &str) -> String {
    format!("{project}-{network}.network.json")
}

/// `shop-data.volume.json`
pub fn volume_spec(project: &str, volume: &str) -> String {
    format!("{project}-{volume}.volume.json")
}

/// `shop-web`
pub fn container(project: &str, service: &str) -> String {
    format!("{project}-{service}")
}
