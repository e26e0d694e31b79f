//! Spec → create body for this engine and this image. Pure.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;

use super::handover::Owner;
use crate::engine::{Image, OF_CONTAINER};
use crate::signals::is_known;
use crate::spec::models::{ContainerCreateBody, Mount, MountType};
use crate::spec::{ContainerSpec, label};

/// The spec's body with a name for each volume, the ids of the containers whose namespaces it shares and, if the engine takes
/// `all_networks` at once, each network.
pub fn create_body(spec: &ContainerSpec, owners: &[Owner], image: &Image, all_networks: bool) -> ContainerCreateBody {
    let mut body = spec.container.clone();
    name_owners(&mut body, owners);
    name_volumes(&mut body, spec, image);
    // One that the engine does not know, it takes from the image, and then refuses to send any.
    if body.stop_signal.is_none() && image.stop_signal.as_ref().is_some_and(|signal| !is_known(signal)) {
        body.stop_signal = Some("SIGTERM".to_owned());
    }
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
        let labels = [(label::PROJECT, &spec.wharf.project), (label::IMAGE_VOLUME, &spec.wharf.name)];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.clone()));
        mount.volume_options.get_or_insert_default().labels = Some(HashMap::from(labels));
    }
}

/// The volumes that have no name in the stack, by their names, with the paths in the container.
pub fn own_volumes(body: &ContainerCreateBody) -> impl Iterator<Item = (&str, &str)> {
    let mounts = body.host_config.iter().flat_map(|host| host.mounts.iter().flatten());
    let is_own = |mount: &&Mount| {
        let labels = mount.volume_options.as_ref().and_then(|options| options.labels.as_ref());
        labels.is_some_and(|labels| labels.contains_key(label::IMAGE_VOLUME))
    };
    mounts.filter(is_own).filter_map(|mount| mount.source.as_deref().zip(mount.target.as_deref()))
}

/// The bind mounts' sources, short syntax, that are not there.
pub fn missing_sources(body: &ContainerCreateBody) -> impl Iterator<Item = &str> {
    let binds = body.host_config.iter().flat_map(|host| host.binds.iter().flatten());
    let sources = binds.filter_map(|bind| bind.split_once(':')).map(|(source, _)| source);
    // One that cannot be looked at may well be there.
    let is_missing = |path: &&str| std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    sources.filter(|source| source.starts_with('/')).filter(is_missing)
}

/// Whether a volume with these labels was made for this container. Its name alone does not say so: a volume of another project
/// may have the same, and the image decides about a part of it.
pub fn is_own_volume(spec: &ContainerSpec, labels: &HashMap<String, String>) -> bool {
    labels.get(label::PROJECT) == Some(&spec.wharf.project)
        && match labels.get(label::IMAGE_VOLUME) {
            Some(container) => *container == spec.wharf.name,
            // Made before there was this label; those that a stack declares have a hash.
            None => !labels.contains_key(label::CONFIG_HASH),
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
        let body = create_body(&spec, &[], &image, true);
        assert_eq!(own_volumes(&body).collect::<Vec<_>>(), [("shop-db_var_lib_mysql", "/var/lib/mysql")]);

        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let project = (label::PROJECT, "shop");
        for (is_own, pairs) in [
            (true, &[project, (label::IMAGE_VOLUME, "shop-db")][..]),
            (true, &[project]),
            (false, &[]),
            (false, &[project, (label::CONFIG_HASH, "x")]),
            (false, &[project, (label::IMAGE_VOLUME, "shop-web")]),
            (false, &[(label::PROJECT, "shop-db"), (label::IMAGE_VOLUME, "shop-db")]),
        ] {
            assert_eq!(is_own_volume(&spec, &labels(pairs)), is_own, "{pairs:?}");
        }
    }
}
