//! Other containers under more names, and with their mounts: `links`, `external_links`, `volumes_from`.
//!
//! Source: Compose Specification, services, of these names.

use crate::stack::fields::Fields;
use crate::stack::grammar::links;
use crate::stack::model::{Link, VolumesFrom};

/// Reads `links`: `SERVICE[:ALIAS]`.
pub fn links(service: &mut Fields<'_>) -> Vec<Link> {
    let Some(item) = service.get("links") else { return Vec::new() };
    let texts = item.strings().unwrap_or_default();
    let read = texts.iter().filter_map(|text| {
        let (service, alias) = text.item.accept(links::link(text.text))?;
        Some(Link { service, alias, place: text.item.place().clone() })
    });
    read.collect()
}

/// Reads `external_links`: `CONTAINER[:ALIAS]`.
pub fn external_links(service: &mut Fields<'_>) -> Vec<String> {
    service.parse_strings("external_links", links::external_link)
}

/// Reads `volumes_from`: `SERVICE[:ro|rw]` or `container:NAME[:ro|rw]`.
pub fn volumes_from(service: &mut Fields<'_>) -> Vec<VolumesFrom> {
    let Some(item) = service.get("volumes_from") else { return Vec::new() };
    let texts = item.strings().unwrap_or_default();
    let read = texts.iter().filter_map(|text| {
        let (source, read_only) = text.item.accept(links::mounts_owner(text.text))?;
        Some(VolumesFrom { source, read_only, place: text.item.place().clone() })
    });
    read.collect()
}
