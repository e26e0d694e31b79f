//! The short form of a mount: `[SOURCE:]TARGET[:MODE]`.
//!
//! Source: Compose Specification, services, volumes, short syntax.

use std::collections::BTreeMap;

use crate::stack::fields::Item;
use crate::stack::grammar::choice::PROPAGATIONS;
use crate::stack::grammar::names;
use crate::stack::grammar::paths::container_path;
use crate::stack::grammar::suggest::nearest;
use crate::stack::model::{Mount, MountKind, Recursive};
use crate::stack::problem::{Invalid, MountFault, Shape};
use crate::stack::text::host_path::host_path;
use crate::stack::text::surroundings::{Scope, Surroundings};

const MODES: &[&str] = &["ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "shared", "rshared", "slave", "rslave"];
/// Docker Desktop's caching hints, which nothing on Linux acts on.
const CONSISTENCIES: &[&str] = &["consistent", "cached", "delegated"];

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
pub fn read(text: &str, item: Item<'_>, surroundings: &Surroundings<'_>) -> Option<Mount> {
    let parsed = parse_short(text, surroundings.at(item.place())).map_err(|fault| Invalid::mount(text, fault));
    let (target, mode, kind) = item.accept(parsed)?;
    if let Some(consistency) = mode.consistency {
        item.add(Shape::Ignored { key: consistency, reason: "it has no effect on Linux" });
    }
    Some(Mount { target, read_only: mode.read_only, kind, place: item.place().clone() })
}

fn parse_short(text: &str, scope: &Scope<'_>) -> Result<(String, Mode, MountKind), MountFault> {
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
            source: host_path(source, scope)?,
            create_host_path: true,
            propagation: mode.propagation.clone(),
            selinux: mode.selinux,
            recursive: Recursive::default(),
        },
        Some(source) if !names::is_key(source) => return Err(MountFault::NotAName(source.to_owned())),
        _ => {
            if let Some(option) = &mode.bind_only {
                return Err(MountFault::BindModeOnVolume(option.clone()));
            }
            MountKind::Volume {
                source: source.map(str::to_owned),
                nocopy: mode.nocopy,
                subpath: None,
                labels: BTreeMap::new(),
                selinux: mode.selinux,
            }
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn parse(text: &str) -> Result<(String, Mode, MountKind), MountFault> {
        let lookup = |name: &str| (name == "HOME").then(|| "/home/ada".to_owned());
        parse_short(text, &Scope::for_test("/srv/shop", &lookup))
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
