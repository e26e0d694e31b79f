//! The long form of a mount: a table with its type.
//!
//! Source: Compose Specification, services, volumes, long syntax.

use std::collections::BTreeMap;

use crate::stack::fields::maps;
use crate::stack::fields::quantities::{bytes, permission_bits};
use crate::stack::fields::{Fields, Item};
use crate::stack::grammar::choice::{PROPAGATIONS, one_of};
use crate::stack::grammar::image::reference;
use crate::stack::grammar::names;
use crate::stack::grammar::paths::container_path;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::{Mount, MountKind, Recursive};
use crate::stack::problem::{Expected, Invalid, MountFault, Shape};
use crate::stack::text::host_path::host_path;
use crate::stack::text::surroundings::Surroundings;

/// Reads one table; `owner` is what messages call the service.
pub fn read(item: Item<'_>, owner: &str, surroundings: &Surroundings<'_>) -> Option<Mount> {
    let mut fields = item.fields(&keys::MOUNT, format!("a volume of {owner}"))?;
    let source = fields.get("source");
    let target_item = fields.required("target", "target = \"/path\"");
    let target = target_item.and_then(|target| {
        let text = target.str()?;
        target.accept(container_path(text).map_err(|fault| Invalid::mount(text, fault)))
    });
    let read_only = fields.is_on("read_only");
    let kind_name = fields.required("type", "type = \"bind\"");
    let kind_name = kind_name.and_then(|name| name.parse(Expected::String, mount_type));
    let kind = kind_name.and_then(|name| long_kind(name, source, &mut fields, surroundings));
    // Without a type, nobody can say which of the other keys belong here.
    if kind.is_some() {
        fields.finish();
    }
    Some(Mount { target: target?, read_only, kind: kind?, place: item.place().clone() })
}

fn mount_type(text: &str) -> Result<&'static str, Invalid> {
    const TYPES: &[&str] = &["bind", "volume", "tmpfs", "image"];
    let refused = |reason| Invalid::mount(text, MountFault::TypeRefused { value: text.to_owned(), reason });
    match text {
        "npipe" => Err(refused("are Windows' named pipes")),
        "cluster" => Err(refused("need a swarm, not one host")),
        _ => TYPES.iter().copied().find(|name| *name == text).ok_or_else(|| {
            Invalid::mount(text, MountFault::Type { value: text.to_owned(), nearest: nearest(text, TYPES) })
        }),
    }
}

fn long_kind(
    name: &str,
    source: Option<Item<'_>>,
    fields: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
) -> Option<MountKind> {
    for other in ["bind", "volume", "tmpfs", "image"].into_iter().filter(|other| *other != name) {
        if let Some(item) = fields.get(other) {
            fields.excludes(other, item.key_place, "it applies only to mounts of that type");
        }
    }
    match name {
        "bind" => bind(source, fields, surroundings),
        "volume" => volume(source, fields),
        "image" => image(source, fields),
        _ => {
            if let Some(source) = source {
                fields.excludes("source", source.key_place, "a tmpfs has no source");
            }
            tmpfs_options(fields)
        }
    }
}

fn bind(source: Option<Item<'_>>, fields: &mut Fields<'_>, surroundings: &Surroundings<'_>) -> Option<MountKind> {
    let owner = fields.owner.clone();
    let mut create_host_path = true;
    let mut propagation = None;
    let mut selinux = None;
    let mut recursive = Recursive::default();
    let options_item = fields.get("bind");
    if let Some(mut options) = fields.table("bind", &keys::MOUNT_BIND) {
        create_host_path = options.boolean("create_host_path").unwrap_or(true);
        propagation = options.parse("propagation", |text| one_of("propagation", text, PROPAGATIONS)).map(str::to_owned);
        selinux = options
            .parse("selinux", |text| one_of("selinux", text, &["z", "Z"]))
            .and_then(|letter| letter.chars().next());
        recursive = options.parse("recursive", recursion).unwrap_or_default();
        options.finish();
    }
    let Some(item) = source else {
        let problem = Shape::Missing { key: "source", owner, example: "source = \"/path/on/host\"" };
        fields.report.add(options_item.map_or(fields.place, |item| item.place()), problem);
        return None;
    };
    let source = item.parse(Expected::String, |text| {
        host_path(text, surroundings.at(item.place())).map_err(|fault| Invalid::mount(text, fault))
    })?;
    Some(MountKind::Bind { source, create_host_path, propagation, selinux, recursive })
}

fn volume(source: Option<Item<'_>>, fields: &mut Fields<'_>) -> Option<MountKind> {
    let mut nocopy = false;
    let mut subpath = None;
    let mut labels = BTreeMap::new();
    if let Some(mut options) = fields.table("volume", &keys::MOUNT_VOLUME) {
        nocopy = options.is_on("nocopy");
        subpath = options.string("subpath");
        labels = maps::labels(&mut options);
        options.finish();
    }
    let source = match source {
        None => None,
        Some(item) => Some(item.parse(Expected::String, volume_key)?),
    };
    Some(MountKind::Volume { source, nocopy, subpath, labels, selinux: None })
}

fn volume_key(text: &str) -> Result<String, Invalid> {
    let is_key = names::is_key(text);
    is_key.then(|| text.to_owned()).ok_or_else(|| Invalid::mount(text, MountFault::NotAName(text.to_owned())))
}

fn recursion(text: &str) -> Result<Recursive, Invalid> {
    Ok(match one_of("recursive", text, &["enabled", "disabled", "writable", "readonly"])? {
        "disabled" => Recursive::Disabled,
        "writable" => Recursive::Writable,
        "readonly" => Recursive::Readonly,
        _ => Recursive::Enabled,
    })
}

fn image(source: Option<Item<'_>>, fields: &mut Fields<'_>) -> Option<MountKind> {
    let mut subpath = None;
    if let Some(mut options) = fields.table("image", &keys::MOUNT_IMAGE) {
        subpath = options.string("subpath");
        options.finish();
    }
    let source = source.or_else(|| fields.required("source", "source = \"IMAGE\""))?;
    let reference = source.parse(Expected::String, reference)?;
    Some(MountKind::Image { reference, subpath })
}

fn tmpfs_options(fields: &mut Fields<'_>) -> Option<MountKind> {
    let mut size = None;
    let mut mode = None;
    if let Some(mut options) = fields.table("tmpfs", &keys::MOUNT_TMPFS) {
        size = options.get("size").and_then(bytes);
        mode = options.get("mode").and_then(permission_bits);
        options.finish();
    }
    Some(MountKind::Tmpfs { size, mode, options: None })
}
