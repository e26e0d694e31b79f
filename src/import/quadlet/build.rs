//! `[Build]` and `[Image]` → `build` or `image` of the service that names the file.

use super::rules::Translation;
use super::unit::{Line, Unit};
use crate::stack::text::node::Value;

const NO_KEY: &str = "a stack file has no such key for it";
const INSTEAD: &str = "remove it, or see the manual's page build";

/// The image that a `.build` file makes.
pub fn translate(translation: &mut Translation<'_>, unit: &Unit) {
    let text = |line: &Line| Value::String(line.value.replace('$', "$$"));
    let (mut context, mut dockerfile) = (None, None);
    for line in unit.lines.iter().filter(|line| line.section == "Build") {
        match line.key.as_str() {
            "ImageTag" if translation.table.get("image").is_none() => {
                translation.set(&["image"], text(line), &line.place);
            }
            "ImageTag" => translation.push(&["build", "tags"], line.value.replace('$', "$$"), &line.place),
            "SetWorkingDirectory" => context = Some(line),
            "File" => dockerfile = Some(line),
            "Target" => translation.set(&["build", "target"], text(line), &line.place),
            "BuildArg" => translation.push(&["build", "args"], line.value.replace('$', "$$"), &line.place),
            "Label" => translation.push(&["build", "labels"], line.value.replace('$', "$$"), &line.place),
            "Network" if ["host", "none"].contains(&line.value.as_str()) => {
                translation.set(&["build", "network"], text(line), &line.place);
            }
            "Pull" if line.value == "always" => translation.set(&["build", "pull"], Value::Bool(true), &line.place),
            "Pull" => {}
            _ => translation.lose(line, NO_KEY, INSTEAD),
        }
    }
    // `File=` may name a Dockerfile in another directory; without a working directory, that directory is the context.
    let file = dockerfile.map(|line| line.value.as_str());
    let directory = context.map_or("unit", |line| line.value.as_str());
    let (directory, file) = match (directory, file) {
        ("unit", file) => (".", file),
        ("file", Some(file)) => {
            file.rsplit_once('/').map_or((".", Some(file)), |(directory, name)| (directory, Some(name)))
        }
        (directory, file) => (directory, file),
    };
    let place = unit.place();
    translation.set(&["build", "context"], Value::String(directory.replace('$', "$$")), &place);
    if let Some(file) = file {
        translation.set(&["build", "dockerfile"], Value::String(file.replace('$', "$$")), &place);
    }
}

/// The image that an `.image` file fetches.
pub fn image(translation: &mut Translation<'_>, unit: &Unit) {
    for line in unit.lines.iter().filter(|line| line.section == "Image") {
        match line.key.as_str() {
            "Image" => translation.set(&["image"], Value::String(line.value.replace('$', "$$")), &line.place),
            "Policy" if line.value == "newer" => {
                translation.set(&["pull_policy"], Value::String("always".to_owned()), &line.place);
            }
            "Policy" => translation.set(&["pull_policy"], Value::String(line.value.clone()), &line.place),
            "AuthFile" | "Creds" => {
                let because = "the credentials of a registry are the engine's";
                translation.lose(
                    line,
                    because,
                    "log in: `docker login REGISTRY` as root; see the manual's page registries",
                );
            }
            "Arch" | "OS" => {
                let instead = "write `platform = \"OS/ARCHITECTURE\"`";
                translation.lose(line, "the platform is a key of the service", instead);
            }
            _ => translation.lose(line, NO_KEY, "remove it, or see the manual's page registries"),
        }
    }
}
