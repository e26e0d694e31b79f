//! What a valid stack says but neither a unit nor the engine can carry out: refused rather than dropped.

use std::path::Path;

use super::Location;
use super::container::goes_as_bind;
use super::files::{self, Grants};
use super::names;
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::name::UnitName;
use crate::stack::{Mount, MountKind, Overrides, Stack};
use crate::unit::path_word;

pub fn problems(stack: &Stack, location: &Location) -> Diagnostics {
    let mut problems = Diagnostics::default();
    for path in [&stack.source, &location.unit_dir, &location.libexec].into_iter().chain(&stack.further_sources) {
        path_problem(path, &stack.place, &mut problems);
    }
    for mount in stack.services.values().flat_map(|service| &service.mounts) {
        bind(mount, &mut problems);
    }
    for build in stack.services.values().filter_map(|service| service.build.as_ref()) {
        for directory in build.directories() {
            path_problem(directory, &build.place, &mut problems);
        }
    }
    for service in stack.services.values() {
        provided_files(stack, service.as_ref().into(), &|| names::service_unit(&stack.name, service), &mut problems);
        if let Some(build) = &service.build {
            let unit = || names::build_unit(&stack.name, &service.name);
            provided_files(stack, build.as_ref().into(), &unit, &mut problems);
        }
    }
    let of_services = stack.services.values().map(|service| (&service.systemd, &service.place));
    let of_networks = stack.networks.values().map(|network| (&network.systemd, &network.place));
    let of_volumes = stack.volumes.values().map(|volume| (&volume.systemd, &volume.place));
    let of_target = std::iter::once((&stack.systemd, &stack.place));
    for (overrides, place) in of_services.chain(of_networks).chain(of_volumes).chain(of_target) {
        continued_lines(overrides, place, &mut problems);
    }
    external(stack, &mut problems);
    problems
}

fn bind(mount: &Mount, problems: &mut Diagnostics) {
    let MountKind::Bind { source, selinux, .. } = &mount.kind else { return };
    path_problem(source, &mount.place, problems);
    if selinux.is_some() && !goes_as_bind(mount) {
        let message = format!("the engine cannot relabel {} for SELinux in this mount", source.display());
        let help = "leave `create_host_path` at `true` and the paths without a colon, or relabel it once with chcon(1)";
        problems.push(Diagnostic::error(message).at(&mount.place).help(help));
    }
}

fn provided_files(stack: &Stack, grants: Grants, unit: &dyn Fn() -> UnitName, problems: &mut Diagnostics) {
    for (path, place) in files::loaded(stack, grants) {
        path_problem(path, place, problems);
    }
    problems.append(files::problems(stack, grants, unit));
}

/// Unit files and JSON are UTF-8, and a unit file has one line for each value.
fn path_problem(path: &Path, place: &Place, problems: &mut Diagnostics) {
    let problem = match path.to_str().map(path_word) {
        None => format!("{} is not UTF-8, as a unit file must be", path.display()),
        Some(Err(unwritable)) => unwritable.to_string(),
        Some(Ok(_)) => return,
    };
    problems.push(Diagnostic::error(problem).at(place).help("rename the file or directory"));
}

/// A backslash at the end of a line joins the next one to it (systemd.syntax(7)), which is another directive.
fn continued_lines(overrides: &Overrides, place: &Place, problems: &mut Diagnostics) {
    for (name, values) in overrides.values().flatten() {
        if values.iter().any(|value| value.ends_with('\\')) {
            let message = format!(
                "the value of `{name}` ends with a backslash: systemd would take the next line for a part of it"
            );
            problems
                .push(Diagnostic::error(message).at(place).help("put the value into quotes, or remove the backslash"));
        }
    }
}

/// Only what Wharf makes has a unit.
fn external(stack: &Stack, problems: &mut Diagnostics) {
    let networks = stack.networks.values().filter(|network| network.external);
    let networks = networks.map(|network| ("network", &network.key, &network.place, &network.systemd));
    let volumes = stack.volumes.values().filter(|volume| volume.external);
    let volumes = volumes.map(|volume| ("volume", &volume.key, &volume.place, &volume.systemd));
    for (what, key, place, _) in networks.chain(volumes).filter(|(.., overrides)| !overrides.is_empty()) {
        let message = format!("{what} `{key}` is external and has no unit: its `systemd` table would do nothing");
        let help = format!("remove the table, or give its directives to the services that use the {what}");
        problems.push(Diagnostic::error(message).at(place).help(help));
    }
}
