//! Spec → create body for this engine and this image. Pure.

use std::collections::{HashMap, HashSet};

use super::handover::Owner;
use crate::engine::{Image, OF_CONTAINER};
use crate::spec::models::{ContainerCreateBody, Mount, MountType};
use crate::spec::{ContainerSpec, label};

/// The spec's body with a name for each volume, the ids of the containers whose namespaces it shares and, if the engine takes
/// `all_networks` at once, each network.
pub fn create_body(spec: &ContainerSpec, owners: &[Owner], image: &Image, all_networks: bool) -> ContainerCreateBody {
    let mut body = spec.container.clone();
    name_owners(&mut body, owners);
    name_volumes(&mut body, spec, image);
    if all_networks && !spec.wharf.networks.is_empty() {
        let endpoints = body.networking_config.get_or_insert_default().endpoints_config.get_or_insert_default();
        endpoints.extend(spec.wharf.networks.iter().map(|network| (network.name.clone(), network.endpoint.clone())));
    }
    body
}

/// An id, unlike a name, cannot mean a later container.
fn name_owners(body: &mut ContainerCreateBody, owners: &[Owner]) {
    let host = body.host_config.get_or_insert_default();
    for mode in [&mut host.network_mode, &mut host.pid_mode, &mut host.ipc_mode].into_iter().flatten() {
        let owner = mode.strip_prefix(OF_CONTAINER).and_then(|name| owners.iter().find(|owner| owner.name == name));
        if let Some(owner) = owner {
            *mode = format!("{OF_CONTAINER}{}", owner.id);
        }
    }
}

/// Gives a name to each volume that the image declares. Each start creates a new container, which must find its data again.
fn name_volumes(body: &mut ContainerCreateBody, spec: &ContainerSpec, image: &Image) {
    let host = body.host_config.get_or_insert_default();
    let mounts = host.mounts.get_or_insert_default();
    let binds = host.binds.iter().flatten().filter_map(|bind| bind.split(':').nth(1));
    let tmpfs = host.tmpfs.iter().flatten().map(|(target, _)| target.as_str());
    let covered: HashSet<&str> = binds.chain(tmpfs).chain(mounts.iter().filter_map(|m| m.target.as_deref())).collect();
    let missing: Vec<String> =
        image.volumes.iter().filter(|path| !covered.contains(path.trim_end_matches('/'))).cloned().collect();
    let declared = |target| Mount { target: Some(target), typ: Some(MountType::VOLUME), ..Default::default() };
    mounts.extend(missing.into_iter().map(declared));
    for mount in mounts.iter_mut().filter(|mount| mount.typ == Some(MountType::VOLUME) && mount.source.is_none()) {
        mount.source = Some(volume_name(spec, mount.target.as_deref().unwrap_or_default()));
        let labels = HashMap::from([(label::PROJECT.to_owned(), spec.wharf.project.clone())]);
        mount.volume_options.get_or_insert_default().labels = Some(labels);
    }
}

/// `shop-db_var_lib_mysql`
fn volume_name(spec: &ContainerSpec, target: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    format!("{}_{}", spec.wharf.name, target.trim_matches('/').chars().map(allowed).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::models::HostConfig;

    #[test]
    fn a_volume_of_the_image_that_no_mount_covers_gets_a_name() {
        let json = r#"{"container": {}, "wharf": {"project": "shop", "service": "db", "name": "shop-db", "config_hash": "",
            "pull_policy": "missing", "ready": "started", "stop_grace_period": 10.0}}"#;
        let mut spec: ContainerSpec = crate::spec::from_json(json).unwrap();
        spec.container.host_config =
            Some(HostConfig { binds: Some(vec!["/srv/log:/var/log:rw".to_owned()]), ..Default::default() });
        let image = Image { volumes: vec!["/var/log/".to_owned(), "/var/lib/mysql".to_owned()], ..Image::default() };
        let mounts = create_body(&spec, &[], &image, true).host_config.unwrap().mounts.unwrap();
        let named: Vec<_> = mounts.iter().map(|mount| (mount.source.as_deref(), mount.target.as_deref())).collect();
        assert_eq!(named, [(Some("shop-db_var_lib_mysql"), Some("/var/lib/mysql"))]);
    }
}
