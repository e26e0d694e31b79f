//! Top-level `volumes`.
//!
//! Source: Compose Specification, volumes.

use std::collections::BTreeMap;

use super::decode::{Item, accept};
use super::keys;
use super::labels;
use super::model::Volume;
use super::names;
use super::networks::{external, only_a_name, options};
use super::node::Entry;
use super::problem::Report;
use super::surroundings::Surroundings;
use super::systemd::{self, RESOURCE_SECTIONS};

/// Reads one declared volume.
pub fn read(entry: &Entry, surroundings: &Surroundings<'_>, report: &mut Report) -> Option<Volume> {
    let key = accept(names::key(&entry.key), &entry.key_place, report)?;
    let item = Item { key: &entry.key, node: &entry.node };
    let mut fields = item.fields(&keys::VOLUME, format!("volume `{key}`"), report)?;
    let external = external(&mut fields, report);
    let usual_name = if external { key.clone() } else { format!("{}_{key}", surroundings.project) };
    let mut volume = Volume {
        place: entry.key_place.clone(),
        name: fields.parse("name", report, |text| names::engine("volume", text)).unwrap_or(usual_name),
        external,
        driver: None,
        driver_opts: BTreeMap::new(),
        labels: BTreeMap::new(),
        systemd: systemd::read(&mut fields, RESOURCE_SECTIONS, report),
        key,
    };
    if external {
        only_a_name(&fields, report);
        return Some(volume);
    }
    volume.driver = fields.string("driver", report);
    volume.driver_opts = options(&mut fields, "driver_opts", report);
    volume.labels = labels::read(&mut fields, report);
    fields.finish(report);
    Some(volume)
}
