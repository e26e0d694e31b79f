//! What a container sees in its file system: volumes, mounts, secrets, masked paths → keys of a service.

use super::entry;
use super::rules::{REMOVE, Translation, string, table_of};
use super::unit::Line;
use crate::import::problem::QuadletFault;
use crate::stack::text::node::{Node, Value};

/// What the Docker Engine (28) masks and protects by itself; a list in a stack file stands instead of it.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Paths with colons between them, besides those that are masked anyway.
pub fn mask(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    start(translation, line, "masked_paths", &MASKED);
    text.split(':').for_each(|path| translation.push(&["masked_paths"], path.to_owned(), &line.place));
}

/// The engine's own paths, on which the others of the list follow.
fn start(translation: &mut Translation<'_>, line: &Line, key: &str, paths: &[&str]) {
    if translation.table.get(key).is_none() {
        let text = |path: &&str| Node { value: string(*path), place: line.place.clone() };
        translation.set(&[key], Value::Array(paths.iter().map(text).collect()), &line.place);
    }
}

/// `ALL`, or paths with colons between them.
pub fn unmask(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    if text == "ALL" {
        return translation.push(&["security_opt"], "systempaths=unconfined".to_owned(), &line.place);
    }
    for path in text.split(':') {
        for (key, paths) in [("masked_paths", &MASKED[..]), ("readonly_paths", &READ_ONLY[..])] {
            if paths.contains(&path) {
                start(translation, line, key, paths);
                translation.retain(key, |value| *value != string(path));
            }
        }
    }
}

/// Podman puts the file of the zone into the container.
pub fn time_zone(translation: &mut Translation<'_>, line: &Line) {
    let Some(zone) = translation.text(line, line.unquoted()) else { return };
    let source = match zone.as_str() {
        "local" => "/etc/localtime".to_owned(),
        zone => format!("/usr/share/zoneinfo/{zone}"),
    };
    translation.push(&["volumes"], format!("{source}:/etc/localtime:ro"), &line.place);
}

/// `NAME[,type=mount|env][,target=…][,uid=…][,gid=…][,mode=…]`; the values are Podman's.
pub fn secret(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let mut parts = text.split(',');
    let name = parts.next().map_or("", |name| name.strip_prefix("source=").unwrap_or(name)).to_owned();
    let options: Vec<(&str, &str)> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    let mut entries = vec![("source", string(&name))];
    for (key, value) in options {
        match key {
            "type" if value == "env" => entries.push(("type", string(value))),
            "target" => entries.push(("target", string(value))),
            "uid" => entries.push(("uid", string(value))),
            "gid" => entries.push(("gid", string(value))),
            "mode" => entries.push(("mode", string(value))),
            _ => {}
        }
    }
    translation.push_value(&["secrets"], table_of(&line.place, entries), &line.place);
    translation.declare("secrets", &name, vec![entry("external", Value::Bool(true), &line.place)]);
    translation.warn(line, &QuadletFault::Secret { name });
}

/// `[SOURCE:]TARGET[:OPTIONS]`
pub fn volume(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let Some((source, rest)) = text.split_once(':') else {
        return translation.push(&["volumes"], text, &line.place);
    };
    let source = source_of(translation, line, source);
    translation.push(&["volumes"], format!("{source}:{rest}"), &line.place);
}

/// The key of a volume, which is declared if no file makes it; a path stays.
fn source_of(translation: &mut Translation<'_>, line: &Line, source: &str) -> String {
    if source.starts_with(['/', '.']) {
        return source.to_owned();
    }
    if let Some(name) = source.strip_suffix(".volume") {
        return name.to_owned();
    }
    translation.declare("volumes", source, vec![entry("name", string(source), &line.place)]);
    source.to_owned()
}

/// Fields with commas between them; one in double quotes may have commas of its own (RFC 4180).
fn comma_separated(text: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().map_or((), |field| field.push(other)),
        }
    }
    fields
}

/// `type=bind,source=…,destination=…`; podman-run(1), --mount.
pub fn mount(translation: &mut Translation<'_>, line: &Line) {
    let Some(text) = translation.text(line, line.unquoted()) else { return };
    let parts = comma_separated(&text);
    let options: Vec<(&str, &str)> = parts.iter().map(|part| part.split_once('=').unwrap_or((part, "true"))).collect();
    let kind = options.iter().find(|(key, _)| *key == "type").map_or("volume", |(_, kind)| *kind).to_owned();
    let mut entries = vec![("type", string(&kind))];
    let mut of_kind: Vec<(&'static str, Value)> = Vec::new();
    for (key, value) in options {
        match (key, kind.as_str()) {
            ("type", _) => {}
            ("source" | "src", "image") => entries.push(("source", string(value))),
            ("source" | "src", _) => entries.push(("source", string(source_of(translation, line, value)))),
            ("destination" | "dst" | "target", _) => entries.push(("target", string(value))),
            ("readonly" | "ro", _) => entries.push(("read_only", Value::Bool(value != "false"))),
            ("rw" | "readwrite", _) => entries.push(("read_only", Value::Bool(value == "false"))),
            ("bind-propagation", "bind") => of_kind.push(("propagation", string(value))),
            ("relabel", "bind") => of_kind.push(("selinux", string(if value == "private" { "Z" } else { "z" }))),
            ("tmpfs-size", "tmpfs") => of_kind.push(("size", string(value))),
            ("tmpfs-mode", "tmpfs") => of_kind.push(("mode", string(value))),
            ("subpath", "volume" | "image") => of_kind.push(("subpath", string(value))),
            _ => {
                let because = format!("the option `{key}` of a mount of type `{kind}` has no equivalent");
                return translation.lose(line, &because, "write the mount without it, as an entry of `volumes`");
            }
        }
    }
    let kind = ["bind", "volume", "tmpfs", "image"].into_iter().find(|known| *known == kind);
    let Some(kind) = kind else {
        return translation.lose(line, "the Docker Engine has no mounts of that type", REMOVE);
    };
    if !of_kind.is_empty() {
        entries.push((kind, table_of(&line.place, of_kind)));
    }
    translation.push_value(&["volumes"], table_of(&line.place, entries), &line.place);
}

/// Podman gives a read-only container some writable directories, unless it is told not to.
pub fn temporary(translation: &mut Translation<'_>) {
    let unit = translation.unit;
    let is_on = |key: &str| unit.own(key).last().map(|line| (line.place.clone(), line.value.to_ascii_lowercase()));
    let yes = |value: &str| ["1", "yes", "true", "on"].contains(&value);
    let place = match (is_on("ReadOnly"), is_on("ReadOnlyTmpfs"), is_on("VolatileTmp")) {
        (Some((place, read_only)), tmpfs, _) if yes(&read_only) => match tmpfs {
            Some((_, tmpfs)) if !yes(&tmpfs) => None,
            _ => Some((place, &["/run", "/tmp", "/var/tmp"][..])),
        },
        (_, _, Some((place, volatile))) if yes(&volatile) => Some((place, &["/tmp"][..])),
        _ => None,
    };
    if let Some((place, directories)) = place {
        directories.iter().for_each(|directory| translation.push(&["tmpfs"], (*directory).to_owned(), &place));
    }
}
