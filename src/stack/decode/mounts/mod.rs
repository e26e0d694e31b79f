//! A service's `volumes` and `tmpfs`: what is mounted into the container.
//!
//! Source: Compose Specification, services, volumes and tmpfs. Invariant: a bind source comes out absolute and clean, relative
//! ones resolved against the directory of the file that they stand in.

mod long;
mod short;

use crate::stack::fields::Fields;
use crate::stack::grammar::paths::container_path;
use crate::stack::model::{Mount, MountKind};
use crate::stack::problem::{Expected, Invalid};
use crate::stack::text::node::Value;
use crate::stack::text::surroundings::Surroundings;

/// Reads `volumes` and `tmpfs`.
pub fn read(service: &mut Fields<'_>, surroundings: &Surroundings<'_>) -> Vec<Mount> {
    let mut mounts = Vec::new();
    if let Some(item) = service.get("volumes") {
        for item in item.elements(Expected::List) {
            mounts.extend(match &item.node.value {
                Value::String(text) => short::read(text, item, surroundings),
                Value::Table(_) => long::read(item, &service.owner, surroundings),
                _ => {
                    item.wrong_type(Expected::StringOrTable);
                    None
                }
            });
        }
    }
    if let Some(item) = service.get("tmpfs") {
        for text in item.strings().unwrap_or_default() {
            let kind_and_target = text.item.accept(tmpfs(text.text));
            mounts.extend(kind_and_target.map(|(target, kind)| Mount {
                target,
                read_only: false,
                kind,
                place: text.item.place().clone(),
            }));
        }
    }
    mounts
}

/// `PATH[:OPTIONS]`; no options are options too: the engine then gives its own.
fn tmpfs(text: &str) -> Result<(String, MountKind), Invalid> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let target = container_path(target).map_err(|fault| Invalid::mount(text, fault))?;
    Ok((target, MountKind::Tmpfs { size: None, mode: None, options: Some(options.to_owned()) }))
}
