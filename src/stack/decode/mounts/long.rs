//! The long form of a mount: a table with its type.
//!
//! Source: Compose Specification, services, volumes, long syntax.

use std::collections::BTreeMap;

use crate::stack::decode::maps;
use crate::stack::decode::paths::host_path;
use crate::stack::decode::quantities::{bytes, permission_bits};
use crate::stack::fields::{Fields, Item, accept};
use crate::stack::grammar::choice::{PROPAGATIONS, one_of};
use crate::stack::grammar::names;
use crate::stack::grammar::paths::container_path;
use crate::stack::grammar::suggest::nearest;
use crate::stack::keys;
use crate::stack::model::{Mount, MountKind, Recursive};
use crate::stack::problem::{Expected, Invalid, MountFault, Report, Shape};
use crate::stack::text::node::Entry;
use crate::stack::text::surroundings::Surroundings;

/// Reads one table; `owner` is what messages call the service.
pub fn read(item: Item<'_>, owner: &str, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Mount> {
    let mut fields = item.fields(&keys::MOUNT, format!("a volume of {owner}"), report)?;
    let kind_name = fields.get("type");
    let source = fields.get("source");
    let target_item = fields.get("target");
    let target = target_item.and_then(|target| {
        let text = target.str(report)?;
        accept(container_path(text).map_err(|fault| Invalid::mount(text, fault)), target.place(), report)
    });
    let read_only = fields.boolean("read_only", report).unwrap_or(false);
    let kind = match kind_name {
        Some(name) => {
            let name = name.parse(Expected::String, report, mount_type);
            name.and_then(|name| long_kind(name, source, &mut fields, surroundings, report))
        }
        None => {
            missing("type", "type = \"bind\"", item, &fields, report);
            None
        }
    };
    if target_item.is_none() {
        missing("target", "target = \"/path\"", item, &fields, report);
    }
    // Without a type, nobody can say which of the other keys belong here.
    if kind.is_some() {
        fields.finish(report);
    }
    Some(Mount { target: target?, read_only, kind: kind?, place: item.place().clone() })
}

fn missing(key: &'static str, example: &'static str, item: Item<'_>, fields: &Fields<'_>, report: &mut Report) {
    report.add(item.place(), Shape::Missing { key, owner: fields.owner.clone(), example });
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
    report: &mut Report,
) -> Option<MountKind> {
    for other in ["bind", "volume", "tmpfs", "image"].into_iter().filter(|other| *other != name) {
        excluded(fields.entry(other), "it is for mounts of the type of that name", fields, report);
    }
    match name {
        "bind" => bind(source, fields, surroundings, report),
        "volume" => volume(source, fields, report),
        "image" => image(source, fields, report),
        _ => {
            excluded(fields.entry("source"), "a tmpfs has no source", fields, report);
            tmpfs_options(fields, report)
        }
    }
}

fn excluded(entry: Option<&Entry>, because: &'static str, fields: &Fields<'_>, report: &mut Report) {
    if let Some(entry) = entry {
        let problem = Shape::Excludes { key: entry.key.clone(), owner: fields.owner.clone(), because };
        report.add(&entry.key_place, problem);
    }
}

fn bind(
    source: Option<Item<'_>>,
    fields: &mut Fields<'_>,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Option<MountKind> {
    let owner = fields.owner.clone();
    let mut create_host_path = true;
    let mut propagation = None;
    let mut selinux = None;
    let mut recursive = Recursive::default();
    let options_item = fields.get("bind");
    if let Some(mut options) =
        options_item.and_then(|item| item.fields(&keys::MOUNT_BIND, format!("`bind` of {owner}"), report))
    {
        create_host_path = options.boolean("create_host_path", report).unwrap_or(true);
        propagation =
            options.parse("propagation", report, |text| one_of("propagation", text, PROPAGATIONS)).map(str::to_owned);
        selinux = options
            .parse("selinux", report, |text| one_of("selinux", text, &["z", "Z"]))
            .and_then(|letter| letter.chars().next());
        recursive = options.parse("recursive", report, recursion).unwrap_or_default();
        options.finish(report);
    }
    let Some(item) = source else {
        let problem = Shape::Missing { key: "source", owner, example: "source = \"/path/on/host\"" };
        report.add(options_item.map_or(&fields.place, |item| item.place()), problem);
        return None;
    };
    let source = item.parse(Expected::String, report, |text| {
        if !text.starts_with(['/', '.', '~']) {
            return Err(Invalid::mount(text, MountFault::RelativeSource(text.to_owned())));
        }
        host_path(text, surroundings.at(item.place())).map_err(|fault| Invalid::mount(text, fault))
    })?;
    Some(MountKind::Bind { source, create_host_path, propagation, selinux, recursive })
}

fn volume(source: Option<Item<'_>>, fields: &mut Fields<'_>, report: &mut Report) -> Option<MountKind> {
    let mut nocopy = false;
    let mut subpath = None;
    let mut labels = BTreeMap::new();
    let owner = format!("`volume` of {}", fields.owner);
    if let Some(mut options) = fields.get("volume").and_then(|item| item.fields(&keys::MOUNT_VOLUME, owner, report)) {
        nocopy = options.boolean("nocopy", report).unwrap_or(false);
        subpath = options.string("subpath", report);
        labels = maps::labels(&mut options, report);
        options.finish(report);
    }
    let source = match source {
        None => None,
        Some(item) => Some(item.parse(Expected::String, report, |text| {
            if names::is_key(text) {
                Ok(text.to_owned())
            } else {
                Err(Invalid::mount(text, MountFault::NotAName(text.to_owned())))
            }
        })?),
    };
    Some(MountKind::Volume { source, nocopy, subpath, labels })
}

fn recursion(text: &str) -> Result<Recursive, Invalid> {
    Ok(match one_of("recursive", text, &["enabled", "disabled", "writable", "readonly"])? {
        "disabled" => Recursive::Disabled,
        "writable" => Recursive::Writable,
        "readonly" => Recursive::Readonly,
        _ => Recursive::Enabled,
    })
}

fn image(source: Option<Item<'_>>, fields: &mut Fields<'_>, report: &mut Report) -> Option<MountKind> {
    let mut subpath = None;
    let owner = format!("`image` of {}", fields.owner);
    if let Some(mut options) = fields.get("image").and_then(|item| item.fields(&keys::MOUNT_IMAGE, owner, report)) {
        subpath = options.string("subpath", report);
        options.finish(report);
    }
    let source = source.or_else(|| fields.required("source", "source = \"IMAGE\"", report))?;
    let reference = source.parse(Expected::String, report, crate::stack::grammar::image::reference)?;
    Some(MountKind::Image { reference, subpath })
}

fn tmpfs_options(fields: &mut Fields<'_>, report: &mut Report) -> Option<MountKind> {
    let owner = format!("`tmpfs` of {}", fields.owner);
    let mut size = None;
    let mut mode = None;
    if let Some(mut options) = fields.get("tmpfs").and_then(|item| item.fields(&keys::MOUNT_TMPFS, owner, report)) {
        size = options.get("size").and_then(|item| bytes(item, report));
        mode = options.get("mode").and_then(|item| permission_bits(item, report));
        options.finish(report);
    }
    Some(MountKind::Tmpfs { size, mode, options: None })
}
