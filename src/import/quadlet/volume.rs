//! `[Volume]` → a volume.

use super::rules::Rule::{By, No, Nothing, Pairs, Text};
use super::rules::{Rule, Translation};
use super::unit::Line;
use crate::stack::text::node::Value;

#[rustfmt::skip]
const RULES: &[(&str, Rule)] = &[
    ("ContainersConfModule", No("containers.conf is Podman's", "remove it")),
    ("Copy", By(copy)),
    ("Device", Text("driver_opts.device")),
    ("Driver", Text("driver")),
    ("GID", By(owner)),
    ("GlobalArgs", No("it is an option of podman's command line", "use the key for it: see the manual's page keys")),
    ("Group", By(owner)),
    ("Image", No("a volume of the Docker Engine has no image", "mount the image: an entry of `volumes` with `type = \"image\"`")),
    ("Label", Pairs("labels")),
    ("Options", Nothing),
    ("PodmanArgs", No("it is an option of podman's command line", "use the key for it: see the manual's page keys")),
    ("ServiceName", No("a unit is named after its project and volume", "name the volume in the stack file as you want it")),
    ("Type", Text("driver_opts.type")),
    ("UID", By(owner)),
    ("User", By(owner)),
    ("VolumeName", Text("name")),
];

pub fn translate(translation: &mut Translation<'_>) {
    translation.apply(RULES);
    if let Some(line) = translation.unit.own("Options").last()
        && let Some(options) = translation.text(line, &line.value)
    {
        translation.set(&["driver_opts", "o"], Value::String(options), &line.place);
    }
}

/// To copy what the image has is the default.
fn copy(translation: &mut Translation<'_>, line: &Line) {
    if translation.boolean(line) == Some(false) {
        translation.lose(
            line,
            "it is a setting of each mount",
            "write the mount as a table with `volume.nocopy = true`",
        );
    }
}

fn owner(translation: &mut Translation<'_>, line: &Line) {
    translation.lose(line, "the Docker Engine takes the owner from the image", "change it in the volume: chown(1)");
}
