//! Top-level `volumes`.
//!
//! Source: Compose Specification, volumes.

use std::collections::BTreeMap;

use super::external::{external, only_a_name};
use super::maps::{labels, options};
use super::systemd::{self, RESOURCE_SECTIONS};
use crate::stack::fields::{Item, accept};
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::model::Volume;
use crate::stack::problem::Report;
use crate::stack::text::node::Entry;
use crate::stack::text::surroundings::Surroundings;

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
    volume.labels = labels(&mut fields, report);
    fields.finish(report);
    Some(volume)
}
