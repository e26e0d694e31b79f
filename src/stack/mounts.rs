//! A service's `volumes` and `tmpfs`: what is mounted into the container.
//!
//! Source: Compose Specification, services, volumes and tmpfs. Invariant: a bind source comes out absolute and clean, relative
//! ones resolved against the stack file's directory.

use std::path::{Component, Path, PathBuf};

use super::choice::one_of;
use super::decode::{Fields, Item, accept};
use super::model::{Mount, MountKind};
use super::node::{Entry, Value};
use super::problem::{Expected, Invalid, MountFault, Report, Shape};
use super::suggest::nearest;
use super::surroundings::Surroundings;
use super::{amounts, names};

const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];
const MODES: &[&str] = &["ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "shared", "rshared", "slave", "rslave"];
/// Docker Desktop's caching hints, which nothing on Linux acts on.
const CONSISTENCIES: &[&str] = &["consistent", "cached", "delegated"];

/// Reads `volumes` and `tmpfs`.
pub fn read(service: &mut Fields<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> Vec<Mount> {
    let mut mounts = Vec::new();
    if let Some(item) = service.get("volumes") {
        for node in item.elements(Expected::List, report).unwrap_or_default() {
            let item = Item { key: "volumes", node };
            mounts.extend(match &node.value {
                Value::String(text) => short(text, item, surroundings, report),
                Value::Table(_) => long(item, &service.owner, surroundings, report),
                _ => {
                    item.wrong_type(Expected::StringOrTable, report);
                    None
                }
            });
        }
    }
    if let Some(item) = service.get("tmpfs") {
        for text in item.strings(report).unwrap_or_default() {
            let kind_and_target = accept(tmpfs(text.text), &text.node.place, report);
            mounts.extend(kind_and_target.map(|(target, kind)| Mount {
                target,
                read_only: false,
                kind,
                place: text.node.place.clone(),
            }));
        }
    }
    mounts
}

fn invalid(value: &str, fault: MountFault) -> Invalid {
    Invalid::Mount { value: value.to_owned(), fault }
}

/// What the third part of a short form says.
#[derive(Default)]
struct Mode {
    read_only: bool,
    selinux: Option<char>,
    propagation: Option<String>,
    nocopy: bool,
    /// The first option that only a bind mount has.
    bind_only: Option<String>,
    consistency: Option<String>,
}

/// `[SOURCE:]TARGET[:MODE]`
fn short(text: &str, item: Item<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Mount> {
    let parsed = parse_short(text, surroundings).map_err(|fault| invalid(text, fault));
    let (target, mode, kind) = accept(parsed, item.place(), report)?;
    if let Some(consistency) = mode.consistency {
        report.add(item.place(), Shape::Ignored { key: consistency, reason: "it has no effect on Linux" });
    }
    Some(Mount { target, read_only: mode.read_only, kind, place: item.place().clone() })
}

fn parse_short(text: &str, surroundings: &Surroundings<'_>) -> Result<(String, Mode, MountKind), MountFault> {
    if text.is_empty() {
        return Err(MountFault::Empty);
    }
    let parts: Vec<&str> = text.split(':').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(MountFault::EmptyPart);
    }
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, *target, None),
        [source, target] => (Some(*source), *target, None),
        [source, target, options] => (Some(*source), *target, Some(*options)),
        _ => return Err(MountFault::TooManyParts),
    };
    let target = container_path(target)?;
    let mode = options.map(parse_mode).transpose()?.unwrap_or_default();
    let kind = match source {
        Some(source) if source.starts_with(['/', '.', '~']) => MountKind::Bind {
            source: host_path(source, surroundings)?,
            create_host_path: true,
            propagation: mode.propagation.clone(),
            selinux: mode.selinux,
        },
        Some(source) if !names::is_key(source) => return Err(MountFault::NotAName(source.to_owned())),
        _ => {
            if let Some(option) = &mode.bind_only {
                return Err(MountFault::BindModeOnVolume(option.clone()));
            }
            MountKind::Volume { source: source.map(str::to_owned), nocopy: mode.nocopy, subpath: None }
        }
    };
    Ok((target, mode, kind))
}

fn parse_mode(options: &str) -> Result<Mode, MountFault> {
    let mut mode = Mode::default();
    for option in options.split(',') {
        match option {
            "ro" => mode.read_only = true,
            "rw" => mode.read_only = false,
            "z" => mode.selinux = Some('z'),
            "Z" => mode.selinux = Some('Z'),
            "nocopy" => mode.nocopy = true,
            _ if PROPAGATIONS.contains(&option) => {
                mode.propagation = Some(option.to_owned());
                mode.bind_only.get_or_insert_with(|| option.to_owned());
            }
            _ if CONSISTENCIES.contains(&option) => mode.consistency = Some(option.to_owned()),
            _ => {
                return Err(MountFault::Mode { mode: option.to_owned(), nearest: nearest(option, MODES) });
            }
        }
    }
    Ok(mode)
}

fn container_path(target: &str) -> Result<String, MountFault> {
    if !target.starts_with('/') {
        return Err(MountFault::RelativeTarget(target.to_owned()));
    }
    if target.chars().all(|c| c == '/') {
        return Err(MountFault::RootTarget);
    }
    Ok(target.to_owned())
}

/// A host path as the user wrote it, made absolute and rid of `.` and `..` without looking at the disk, as Compose does.
fn host_path(source: &str, surroundings: &Surroundings<'_>) -> Result<PathBuf, MountFault> {
    let path = match source.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = (surroundings.lookup)("HOME").filter(|home| home.starts_with('/')).ok_or(MountFault::NoHome)?;
            Path::new(&home).join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err(MountFault::OtherHome),
        None => surroundings.directory.join(source),
    };
    Ok(clean(&path))
}

fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}

/// `PATH[:OPTIONS]`
fn tmpfs(text: &str) -> Result<(String, MountKind), Invalid> {
    let (target, options) = match text.split_once(':') {
        Some((target, options)) => (target, Some(options.to_owned()).filter(|options| !options.is_empty())),
        None => (text, None),
    };
    let target = container_path(target).map_err(|fault| invalid(text, fault))?;
    Ok((target, MountKind::Tmpfs { size: None, mode: None, options }))
}

fn long(item: Item<'_>, owner: &str, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Mount> {
    let mut fields = item.fields(format!("a volume of {owner}"), report)?;
    let kind_name = fields.get("type");
    let source = fields.get("source");
    let target_item = fields.get("target");
    let target = target_item.and_then(|target| {
        let text = target.str(report)?;
        accept(container_path(text).map_err(|fault| invalid(text, fault)), target.place(), report)
    });
    let read_only = fields.boolean("read_only", report).unwrap_or(false);
    if fields.get("consistency").is_some() {
        let problem = Shape::Ignored { key: "consistency".to_owned(), reason: "it has no effect on Linux" };
        report.add(item.place(), problem);
    }
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
        fields.finish(&[], report);
    }
    Some(Mount { target: target?, read_only, kind: kind?, place: item.place().clone() })
}

fn missing(key: &'static str, example: &'static str, item: Item<'_>, fields: &Fields<'_>, report: &mut Report) {
    report.add(item.place(), Shape::Missing { key, owner: fields.owner.clone(), example });
}

fn mount_type(text: &str) -> Result<&'static str, Invalid> {
    const TYPES: &[&str] = &["bind", "volume", "tmpfs"];
    let refused = |reason| invalid(text, MountFault::TypeRefused { value: text.to_owned(), reason });
    match text {
        "image" => Err(refused("are not supported yet")),
        "npipe" => Err(refused("are Windows' named pipes")),
        "cluster" => Err(refused("need a swarm, not one host")),
        _ => {
            TYPES.iter().copied().find(|name| *name == text).ok_or_else(|| {
                invalid(text, MountFault::Type { value: text.to_owned(), nearest: nearest(text, TYPES) })
            })
        }
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
    let options_item = fields.get("bind");
    if let Some(mut options) = options_item.and_then(|item| item.fields(format!("`bind` of {owner}"), report)) {
        create_host_path = options.boolean("create_host_path", report).unwrap_or(true);
        propagation =
            options.parse("propagation", report, |text| one_of("propagation", text, PROPAGATIONS)).map(str::to_owned);
        selinux = options
            .parse("selinux", report, |text| one_of("selinux", text, &["z", "Z"]))
            .and_then(|letter| letter.chars().next());
        options.finish(&[("recursive", None)], report);
    }
    let Some(item) = source else {
        let problem = Shape::Missing { key: "source", owner, example: "source = \"/path/on/host\"" };
        report.add(options_item.map_or(&fields.place, |item| item.place()), problem);
        return None;
    };
    let source = item.parse(Expected::String, report, |text| {
        if !text.starts_with(['/', '.', '~']) {
            return Err(invalid(text, MountFault::RelativeSource(text.to_owned())));
        }
        host_path(text, surroundings).map_err(|fault| invalid(text, fault))
    })?;
    Some(MountKind::Bind { source, create_host_path, propagation, selinux })
}

fn volume(source: Option<Item<'_>>, fields: &mut Fields<'_>, report: &mut Report) -> Option<MountKind> {
    let mut nocopy = false;
    let mut subpath = None;
    let owner = format!("`volume` of {}", fields.owner);
    if let Some(mut options) = fields.get("volume").and_then(|item| item.fields(owner, report)) {
        nocopy = options.boolean("nocopy", report).unwrap_or(false);
        subpath = options.string("subpath", report);
        options.finish(&[("labels", Some("give the labels to the volume itself, in `[volumes.NAME]`"))], report);
    }
    let source = match source {
        None => None,
        Some(item) => Some(item.parse(Expected::String, report, |text| {
            if names::is_key(text) {
                Ok(text.to_owned())
            } else {
                Err(invalid(text, MountFault::NotAName(text.to_owned())))
            }
        })?),
    };
    Some(MountKind::Volume { source, nocopy, subpath })
}

fn tmpfs_options(fields: &mut Fields<'_>, report: &mut Report) -> Option<MountKind> {
    let owner = format!("`tmpfs` of {}", fields.owner);
    let mut size = None;
    let mut mode = None;
    if let Some(mut options) = fields.get("tmpfs").and_then(|item| item.fields(owner, report)) {
        size = options.get("size").and_then(|item| bytes(item, report));
        mode = options.get("mode").and_then(|item| permission_bits(item, report));
        options.finish(&[], report);
    }
    Some(MountKind::Tmpfs { size, mode, options: None })
}

/// An integer number of bytes, or a string with a unit.
pub fn bytes(item: Item<'_>, report: &mut Report) -> Option<u64> {
    match &item.node.value {
        Value::Integer(_) => item.integer(0, report).and_then(|number| u64::try_from(number).ok()),
        _ => item.parse(Expected::Bytes, report, amounts::bytes),
    }
}

/// Permission bits, which are octal: `0o1777`, or `"1777"`. A plain `1777` is a decimal number and surely not meant.
fn permission_bits(item: Item<'_>, report: &mut Report) -> Option<u32> {
    let octal = |text: &str| u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o7777);
    let (text, bits) = match &item.node.value {
        Value::Integer(number) if item.node.source().starts_with("0o") => {
            (number.to_string(), u32::try_from(*number).ok().filter(|bits| *bits <= 0o7777))
        }
        Value::Integer(number) => (number.to_string(), None),
        Value::String(text) => (text.clone(), octal(text.strip_prefix("0o").unwrap_or(text))),
        _ => {
            item.wrong_type(Expected::Integer, report);
            return None;
        }
    };
    if bits.is_none() {
        report.add(item.place(), invalid(&text, MountFault::OctalMode { value: text.clone() }));
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Mode, MountKind), MountFault> {
        let lookup = |name: &str| (name == "HOME").then(|| "/home/ada".to_owned());
        parse_short(text, &Surroundings::for_test("/srv/shop", &lookup))
    }

    fn bind_source(text: &str) -> Option<PathBuf> {
        match parse(text) {
            Ok((_, _, MountKind::Bind { source, .. })) => Some(source),
            _ => None,
        }
    }

    #[test]
    fn paths_are_bind_mounts_and_come_out_absolute() {
        for (text, source) in [
            ("./data:/data", "/srv/shop/data"),
            (".:/data", "/srv/shop"),
            ("../x/./y:/data", "/srv/x/y"),
            ("/etc//app/:/data", "/etc/app"),
            ("~/x:/data", "/home/ada/x"),
            ("~:/data", "/home/ada"),
            ("../../../..:/data", "/"),
        ] {
            assert_eq!(bind_source(text), Some(PathBuf::from(source)), "{text}");
        }
    }

    #[test]
    fn names_are_volumes_and_a_target_alone_is_anonymous() {
        let source = |text| match parse(text) {
            Ok((target, _, MountKind::Volume { source, .. })) => Some((source, target)),
            _ => None,
        };
        assert_eq!(source("data:/data"), Some((Some("data".into()), "/data".into())));
        assert_eq!(source("/data"), Some((None, "/data".into())));
    }

    #[test]
    fn what_cannot_be_mounted() {
        for bad in
            ["", ":", "a:", ":/a", "data:data", "a:/b:ro:x", "a:/b:rx", "data/x:/b", "~bob:/b", "a:/", "a:/b:rshared"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
