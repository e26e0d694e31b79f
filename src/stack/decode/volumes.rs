//! Top-level `volumes`.
//!
//! Source: Compose Specification, volumes.

use std::collections::BTreeMap;

use super::external::{external, only_a_name};
use super::systemd::{self, RESOURCE_SECTIONS};
use crate::stack::fields::Item;
use crate::stack::fields::maps::{labels, options};
use crate::stack::grammar::names;
use crate::stack::keys;
use crate::stack::model::Volume;
use crate::stack::text::surroundings::Surroundings;

/// Reads one declared volume.
pub fn read(item: Item<'_>, surroundings: &Surroundings<'_>) -> Option<Volume> {
    let key = item.report.accept(item.key_place, names::key(item.key))?;
    let mut fields = item.fields(&keys::VOLUME, format!("volume `{key}`"))?;
    let external = external(&mut fields);
    let usual_name = if external { key.clone() } else { format!("{}_{key}", surroundings.project) };
    let mut volume = Volume {
        place: item.key_place.clone(),
        name: fields.parse("name", |text| names::engine("volume", text)).unwrap_or(usual_name),
        external,
        driver: None,
        driver_opts: BTreeMap::new(),
        labels: BTreeMap::new(),
        systemd: systemd::read(&mut fields, RESOURCE_SECTIONS),
        key,
    };
    if external {
        only_a_name(&fields);
        return Some(volume);
    }
    volume.driver = fields.string("driver");
    volume.driver_opts = options(&mut fields, "driver_opts");
    volume.labels = labels(&mut fields);
    fields.finish();
    Some(volume)
}
