//! Other containers under more names, and with their mounts: `links`, `external_links`, `volumes_from`.
//!
//! Source: Compose Specification, services, of these names.

use super::decode::{Fields, accept};
use super::model::{Link, MountsOwner, VolumesFrom};
use super::names;
use super::problem::{Invalid, MachineFault, Report};

/// Reads `links`: `SERVICE[:ALIAS]`.
pub fn links(service: &mut Fields<'_>, report: &mut Report) -> Vec<Link> {
    let Some(item) = service.get("links") else { return Vec::new() };
    let texts = item.strings(report).unwrap_or_default();
    let link = |text: &str| -> Result<(String, String), Invalid> {
        let (name, alias) = text.split_once(':').unwrap_or((text, text));
        Ok((names::key(name)?, link_alias(alias, text)?))
    };
    let read = texts.iter().filter_map(|text| {
        let (service, alias) = accept(link(text.text), &text.node.place, report)?;
        Some(Link { service, alias, place: text.node.place.clone() })
    });
    read.collect()
}

/// Reads `external_links`: `CONTAINER[:ALIAS]`.
pub fn external_links(service: &mut Fields<'_>, report: &mut Report) -> Vec<String> {
    service.parse_strings("external_links", report, |text| {
        let (name, alias) = text.split_once(':').unwrap_or((text, text));
        Ok(format!("{}:{}", names::engine("container", name)?, link_alias(alias, text)?))
    })
}

fn link_alias(alias: &str, link: &str) -> Result<String, Invalid> {
    let fits = names::is_key(alias);
    fits.then(|| alias.to_owned()).ok_or_else(|| Invalid::Machine(MachineFault::Link { value: link.to_owned() }))
}

/// Reads `volumes_from`: `SERVICE[:ro|rw]` or `container:NAME[:ro|rw]`.
pub fn volumes_from(service: &mut Fields<'_>, report: &mut Report) -> Vec<VolumesFrom> {
    let Some(item) = service.get("volumes_from") else { return Vec::new() };
    let texts = item.strings(report).unwrap_or_default();
    let read = texts.iter().filter_map(|text| {
        let (source, read_only) = accept(mounts_owner(text.text), &text.node.place, report)?;
        Some(VolumesFrom { source, read_only, place: text.node.place.clone() })
    });
    read.collect()
}

fn mounts_owner(text: &str) -> Result<(MountsOwner, bool), Invalid> {
    let invalid = || Invalid::Machine(MachineFault::VolumesFrom { value: text.to_owned() });
    let (text, is_service) = text.strip_prefix("container:").map_or((text, true), |name| (name, false));
    let (name, read_only) = match text.split_once(':') {
        None | Some((_, "rw")) => (text.strip_suffix(":rw").unwrap_or(text), false),
        Some((name, "ro")) => (name, true),
        Some(_) => return Err(invalid()),
    };
    if !names::is_key(name) {
        return Err(invalid());
    }
    let name = name.to_owned();
    Ok((if is_service { MountsOwner::Service(name) } else { MountsOwner::Container(name) }, read_only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_volumes() {
        let service = |name: &str| MountsOwner::Service(name.to_owned());
        let container = |name: &str| MountsOwner::Container(name.to_owned());
        assert_eq!(mounts_owner("db").ok(), Some((service("db"), false)));
        assert_eq!(mounts_owner("db:ro").ok(), Some((service("db"), true)));
        assert_eq!(mounts_owner("db:rw").ok(), Some((service("db"), false)));
        assert_eq!(mounts_owner("container:old:ro").ok(), Some((container("old"), true)));
        for bad in ["", "db:", "db:x", "container:", ":ro", "a:b:ro"] {
            assert!(mounts_owner(bad).is_err(), "{bad}");
        }
    }
}
