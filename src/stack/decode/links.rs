//! Other containers under more names, and with their mounts: `links`, `external_links`, `volumes_from`.
//!
//! Source: Compose Specification, services, of these names.

use crate::stack::fields::{Fields, accept};
use crate::stack::grammar::links;
use crate::stack::model::{Link, VolumesFrom};
use crate::stack::problem::Report;

/// Reads `links`: `SERVICE[:ALIAS]`.
pub fn links(service: &mut Fields<'_>, report: &mut Report) -> Vec<Link> {
    let Some(item) = service.get("links") else { return Vec::new() };
    let texts = item.strings(report).unwrap_or_default();
    let read = texts.iter().filter_map(|text| {
        let (service, alias) = accept(links::link(text.text), &text.node.place, report)?;
        Some(Link { service, alias, place: text.node.place.clone() })
    });
    read.collect()
}

/// Reads `external_links`: `CONTAINER[:ALIAS]`.
pub fn external_links(service: &mut Fields<'_>, report: &mut Report) -> Vec<String> {
    service.parse_strings("external_links", report, links::external_link)
}

/// Reads `volumes_from`: `SERVICE[:ro|rw]` or `container:NAME[:ro|rw]`.
pub fn volumes_from(service: &mut Fields<'_>, report: &mut Report) -> Vec<VolumesFrom> {
    let Some(item) = service.get("volumes_from") else { return Vec::new() };
    let texts = item.strings(report).unwrap_or_default();
    let read = texts.iter().filter_map(|text| {
        let (source, read_only) = accept(links::mounts_owner(text.text), &text.node.place, report)?;
        Some(VolumesFrom { source, read_only, place: text.node.place.clone() })
    });
    read.collect()
}
