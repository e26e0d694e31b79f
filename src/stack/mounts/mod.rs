//! A service's `volumes` and `tmpfs`: what is mounted into the container.
//!
//! Source: Compose Specification, services, volumes and tmpfs. Invariant: a bind source comes out absolute and clean, relative
//! ones resolved against the directory of the file that they stand in.

mod long;
mod short;

use std::path::{Path, PathBuf};

use super::amounts;
use super::decode::{Fields, Item, accept};
use super::model::{Mount, MountKind};
use super::node::Value;
use super::problem::{Expected, Invalid, MountFault, Report};
use super::surroundings::{Scope, Surroundings};
use crate::path::{clean, clean_text};

pub use long::permission_bits;

/// How mounts below a bind mount spread (mount_namespaces(7)).
const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// Reads `volumes` and `tmpfs`.
pub fn read(service: &mut Fields<'_>, surroundings: &Surroundings<'_>, report: &mut Report) -> Vec<Mount> {
    let mut mounts = Vec::new();
    if let Some(item) = service.get("volumes") {
        for node in item.elements(Expected::List, report).unwrap_or_default() {
            let item = Item { key: "volumes", node };
            mounts.extend(match &node.value {
                Value::String(text) => short::read(text, item, surroundings, report),
                Value::Table(_) => long::read(item, &service.owner, surroundings, report),
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

/// Rid of `.`, `..` and slashes without meaning, as Compose does.
fn container_path(target: &str) -> Result<String, MountFault> {
    if !target.starts_with('/') {
        return Err(MountFault::RelativeTarget(target.to_owned()));
    }
    let path = clean_text(target);
    if path == "/" { Err(MountFault::RootTarget) } else { Ok(path) }
}

/// A host path as the user wrote it, made absolute and rid of `.` and `..` without looking at the disk, as Compose does.
pub fn host_path(source: &str, scope: &Scope<'_>) -> Result<PathBuf, MountFault> {
    let path = match source.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = scope.lookup("HOME").filter(|home| home.starts_with('/')).ok_or(MountFault::NoHome)?;
            Path::new(&home).join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err(MountFault::OtherHome),
        None => scope.directory.join(source),
    };
    Ok(clean(&path))
}

/// `PATH[:OPTIONS]`; no options are options too: the engine then gives its own.
fn tmpfs(text: &str) -> Result<(String, MountKind), Invalid> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let target = container_path(target).map_err(|fault| invalid(text, fault))?;
    Ok((target, MountKind::Tmpfs { size: None, mode: None, options: Some(options.to_owned()) }))
}

/// An integer number of bytes, or a string with a unit.
pub fn bytes(item: Item<'_>, report: &mut Report) -> Option<u64> {
    match &item.node.value {
        Value::Integer(_) => item.integer(0, report).and_then(|number| u64::try_from(number).ok()),
        _ => item.parse(Expected::Bytes, report, amounts::bytes),
    }
}
