//! Volumes, bind mounts and tmpfs → the engine's `Binds`, `Mounts` and `Tmpfs`.

use std::collections::HashMap;

use super::{signed, some_map, sorted};
use crate::spec::models::{
    Mount as EngineMount, MountBindOptions, MountBindOptionsPropagationEnum, MountImageOptions, MountTmpfsOptions,
    MountType, MountVolumeOptions,
};
use crate::stack::{Mount, MountKind, Recursive, Service, Stack};

/// What can go as `Binds` does (there the engine makes a missing source directory); the rest goes as `Mounts`.
pub fn mounts(stack: &Stack, service: &Service) -> (Vec<String>, Vec<EngineMount>) {
    let mut binds = Vec::new();
    let mut mounts = Vec::new();
    for mount in &service.mounts {
        match as_bind(mount).or_else(|| as_labelled_volume(stack, mount)) {
            Some(bind) => binds.push(bind),
            None => mounts.extend(as_mount(stack, mount)),
        }
    }
    (binds, mounts)
}

/// Only there does the engine relabel for SELinux.
pub fn goes_as_bind(mount: &Mount) -> bool {
    as_bind(mount).is_some()
}

fn as_bind(mount: &Mount) -> Option<String> {
    let MountKind::Bind { source, create_host_path: true, propagation, selinux, recursive: Recursive::Enabled } =
        &mount.kind
    else {
        return None;
    };
    let source = source.to_str().filter(|source| !source.contains(':'))?;
    if mount.target.contains(':') {
        return None;
    }
    let mut options: Vec<String> = vec![if mount.read_only { "ro" } else { "rw" }.to_owned()];
    options.extend(selinux.map(String::from));
    options.extend(propagation.clone());
    Some(format!("{source}:{}:{}", mount.target, options.join(",")))
}

/// A named volume that the engine is to relabel.
fn as_labelled_volume(stack: &Stack, mount: &Mount) -> Option<String> {
    let MountKind::Volume { source: Some(key), nocopy, selinux: Some(label), .. } = &mount.kind else { return None };
    let access = if mount.read_only { "ro" } else { "rw" };
    let nocopy = if *nocopy { ",nocopy" } else { "" };
    Some(format!("{}:{}:{access},{label}{nocopy}", volume_name(stack, key), mount.target))
}

fn as_mount(stack: &Stack, mount: &Mount) -> Option<EngineMount> {
    let mut engine = EngineMount {
        target: Some(mount.target.clone()),
        read_only: mount.read_only.then_some(true),
        ..Default::default()
    };
    match &mount.kind {
        MountKind::Bind { source, create_host_path, propagation, recursive, .. } => {
            engine.typ = Some(MountType::BIND);
            engine.source = Some(source.to_string_lossy().into_owned());
            engine.bind_options = Some(MountBindOptions {
                propagation: propagation.as_deref().and_then(propagation_mode),
                create_mountpoint: create_host_path.then_some(true),
                non_recursive: (*recursive == Recursive::Disabled).then_some(true),
                read_only_non_recursive: (*recursive == Recursive::Writable).then_some(true),
                read_only_force_recursive: (*recursive == Recursive::Readonly).then_some(true),
            });
        }
        MountKind::Volume { source, nocopy, subpath, labels, .. } => {
            engine.typ = Some(MountType::VOLUME);
            engine.source = source.as_ref().map(|key| volume_name(stack, key));
            if *nocopy || subpath.is_some() || !labels.is_empty() {
                engine.volume_options = Some(MountVolumeOptions {
                    no_copy: nocopy.then_some(true),
                    subpath: subpath.clone(),
                    labels: some_map(sorted(labels)),
                    ..Default::default()
                });
            }
        }
        MountKind::Image { reference, subpath } => {
            engine.typ = Some(MountType::IMAGE);
            engine.source = Some(reference.to_string());
            engine.image_options = subpath.clone().map(|subpath| MountImageOptions { subpath: Some(subpath) });
        }
        MountKind::Tmpfs { options: Some(_), .. } => return None,
        MountKind::Tmpfs { size, mode, options: None } => {
            engine.typ = Some(MountType::TMPFS);
            if size.is_some() || mode.is_some() {
                engine.tmpfs_options = Some(MountTmpfsOptions {
                    size_bytes: size.map(signed),
                    mode: mode.map(i64::from),
                    ..Default::default()
                });
            }
        }
    }
    Some(engine)
}

fn propagation_mode(word: &str) -> Option<MountBindOptionsPropagationEnum> {
    word.parse().ok()
}

/// The service key `tmpfs`, whose options the engine takes as they are written.
pub fn tmpfs(service: &Service) -> HashMap<String, String> {
    let with_options = |mount: &Mount| match &mount.kind {
        MountKind::Tmpfs { options: Some(options), .. } => Some((mount.target.clone(), options.clone())),
        _ => None,
    };
    service.mounts.iter().filter_map(with_options).collect()
}

fn volume_name(stack: &Stack, key: &str) -> String {
    stack.volumes.get(key).map_or_else(|| key.to_owned(), |volume| volume.name.clone())
}
