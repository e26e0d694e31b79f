//! `[Unit]`, `[Service]` and `[Install]` → `depends_on`, `restart` and directives in `systemd` tables.

use super::rules::Translation;
use super::unit::{Kind, Line};
use super::words::words;
use crate::stack::grammar::directives::is_resource_control;
use crate::stack::text::node::Value;

/// Directives by which units name each other.
const RELATIONS: [&str; 20] = [
    "After",
    "Alias",
    "Also",
    "Before",
    "BindsTo",
    "Conflicts",
    "OnFailure",
    "OnSuccess",
    "PartOf",
    "PropagatesReloadTo",
    "PropagatesStopTo",
    "ReloadPropagatedFrom",
    "RequiredBy",
    "Requires",
    "Requisite",
    "StopPropagatedFrom",
    "UpheldBy",
    "Upholds",
    "WantedBy",
    "Wants",
];

/// Those that become `depends_on`.
const NEEDS: [&str; 4] = ["BindsTo", "Requires", "Requisite", "Wants"];

/// What Wharf writes itself for every unit.
const GENERATED: [&str; 9] = [
    "ExecReload",
    "ExecStart",
    "ExecStop",
    "FileDescriptorStoreMax",
    "KillMode",
    "NotifyAccess",
    "Slice",
    "SyslogIdentifier",
    "Type",
];

pub fn translate(translation: &mut Translation<'_>) {
    let unit = translation.unit;
    for line in &unit.lines {
        match line.section.as_str() {
            section if section == unit.kind.section() || section.starts_with("X-") => {}
            "Unit" if line.key == "Description" || line.key == "SourcePath" => directive(translation, line),
            "Unit" => related(translation, line),
            "Service" => service(translation, line),
            "Install" => install(translation, line),
            "Quadlet" => translation.lose(line, "Wharf's units have their own default dependencies", "remove it"),
            _ => translation.lose(line, "a stack file has no such section", "remove it"),
        }
    }
}

/// The unit that another file becomes.
fn unit_name(translation: &Translation<'_>, name: &str) -> Option<String> {
    let unit = translation.quadlet.by_unit_name(name)?;
    let project = &translation.quadlet.project;
    Some(match unit.kind {
        Kind::Container => format!("{project}-{}.service", unit.name),
        Kind::Volume => format!("{project}-{}-volume.service", unit.name),
        Kind::Network => format!("{project}-{}-network.service", unit.name),
        _ => return None,
    })
}

/// A directive of `[Unit]`: what it needs of the stack itself becomes `depends_on`.
fn related(translation: &mut Translation<'_>, line: &Line) {
    if !RELATIONS.contains(&line.key.as_str()) {
        return directive(translation, line);
    }
    let mut others = Vec::new();
    let is_needed = |word: &str| {
        let mut needs =
            translation.unit.lines.iter().filter(|line| line.section == "Unit" && NEEDS.contains(&line.key.as_str()));
        needs.any(|line| units(line).iter().any(|needed| needed == word))
    };
    let mut named = units(line);
    if line.key == "After" {
        // `depends_on` orders, too.
        named.retain(|word| !(is_needed(word) && is_container(translation, word)));
    }
    for word in &named {
        let container = translation.quadlet.by_unit_name(word).filter(|_| is_container(translation, word));
        let required = match line.key.as_str() {
            "Requires" | "BindsTo" | "Requisite" => Some(true),
            "Wants" => Some(false),
            _ => None,
        };
        match (container, required) {
            (Some(container), Some(required)) => {
                let started = Value::String("service_started".to_owned());
                translation.set(&["depends_on", &container.name, "condition"], started, &line.place);
                if !required {
                    translation.set(&["depends_on", &container.name, "required"], Value::Bool(false), &line.place);
                }
            }
            _ => others.push(unit_name(translation, word).unwrap_or_else(|| word.to_owned())),
        }
    }
    if !others.is_empty() || line.value.is_empty() {
        value(translation, line, &line.section, others.join(" "));
    }
}

/// The units that a line names.
fn units(line: &Line) -> Vec<String> {
    words(&line.value).unwrap_or_else(|| vec![line.value.clone()])
}

fn is_container(translation: &Translation<'_>, name: &str) -> bool {
    let unit = translation.quadlet.by_unit_name(name);
    translation.unit.kind == Kind::Container && unit.is_some_and(|unit| unit.kind == Kind::Container)
}

fn directive(translation: &mut Translation<'_>, line: &Line) {
    value(translation, line, &line.section, line.value.clone());
}

fn value(translation: &mut Translation<'_>, line: &Line, section: &str, text: String) {
    translation.add(&["systemd", section, &line.key], text.replace('$', "$$"), &line.place);
}

fn service(translation: &mut Translation<'_>, line: &Line) {
    let is_container = translation.unit.kind == Kind::Container;
    match line.key.as_str() {
        "Restart" if is_container && ["no", "always", "on-failure"].contains(&line.value.as_str()) => {
            translation.set(&["restart"], Value::String(line.value.clone()), &line.place);
        }
        "Type" if line.value == "oneshot" && is_container => {
            let instead = "nothing is to be done: others wait for it with `service_completed_successfully`";
            translation.lose(line, "a service that is not restarted is a job", instead);
        }
        key if GENERATED.contains(&key) => translation.lose(line, "Wharf writes it for every unit", "remove it"),
        // With Podman the unit's own control group has the container's processes; here the slice has them.
        key if is_container && is_resource_control(key) => {
            value(translation, line, "Slice", line.value.clone());
        }
        _ => directive(translation, line),
    }
}

/// The stack's target is what is enabled: `wharf generate --enable`.
fn install(translation: &mut Translation<'_>, line: &Line) {
    let at_boot = ["default.target", "multi-user.target"];
    if line.key == "WantedBy" && units(line).iter().all(|unit| at_boot.contains(&unit.as_str())) {
        return;
    }
    if line.key == "DefaultInstance" {
        return translation.lose(line, "a service with replicas is a template of Wharf's own", "use `scale`");
    }
    related(translation, line);
}
