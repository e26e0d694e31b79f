//! Stack → Plan: names, order, container specs and units.
//!
//! In: a valid [`Stack`] and where its units will live. Out: every file of the project, byte for byte.
//! Invariant: no I/O and no clock; the same stack gives the same bytes. This is the one room that knows both the stack's
//! vocabulary and systemd's.

mod container;
mod hash;
mod names;
mod order;
mod refused;
mod resource;
mod units;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::spec;
use crate::stack::{PullPolicy, Stack};
use crate::unit::{UnitFile, Unwritable};

/// Where the generated files will be found by systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The directory of the units as systemd will see it (without `--root`), e.g. /etc/systemd/system.
    pub unit_dir: PathBuf,
    /// The program that container units run, e.g. /usr/libexec/wharf/wharf-run.
    pub wharf_run: PathBuf,
    pub reader: Reader,
}

/// Which manager reads the units, and what brings them up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The system's manager; `wharf generate` writes them.
    System,
    /// The system's manager, which has them made anew at every daemon-reload (systemd.generator(7)).
    SystemByGenerator,
    /// A user's manager; `wharf generate --user` writes them.
    User,
}

/// Every file of one project, in an order in which each prefix of the list still starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The unit that starts and stops the whole stack, e.g. `shop.target`.
    pub target: String,
    /// Started at boot when found by `wharf-generator`.
    pub autostart: bool,
    /// Units that `systemctl enable` would link, and what wants them: (`shop.target`, `multi-user.target`).
    pub wanted_by: Vec<(String, String)>,
    pub files: Vec<PlannedFile>,
    /// Images to fetch, without repetition.
    pub images: Vec<PlannedImage>,
    pub containers: Vec<PlannedContainer>,
    /// Names at the engine, without external ones.
    pub networks: Vec<String>,
    /// Names at the engine, without external ones.
    pub volumes: Vec<String>,
}

/// A file directly in the unit directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// e.g. `shop-web.service`, `shop-web.container.json`.
    pub name: String,
    pub contents: String,
    /// 0o644, or 0o600 where environment values may stand in it.
    pub mode: u32,
}

impl PlannedFile {
    /// Whether systemd reads it as a unit (a container spec is not one).
    pub fn is_unit(&self) -> bool {
        !self.name.ends_with(".json")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedImage {
    pub reference: String,
    pub pull_policy: PullPolicy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedContainer {
    pub service: String,
    /// e.g. `shop-web.service`
    pub unit: String,
    /// The container's name at the engine.
    pub name: String,
}

/// Translates a stack.
///
/// # Errors
/// Two things of the stack that would get the same unit or container name, a name too long for a unit, a dependency that asks for
/// two things at once, a path that no unit file can carry, or a key that neither systemd nor the engine would act on.
pub fn plan(stack: &Stack, location: &Location) -> Result<Plan, Diagnostics> {
    let mut files = Files { problems: refused::problems(stack, location), ..Files::default() };
    let source = stack.source.display().to_string();
    let head = units::Head::new(stack, location, &source);
    files.unit(&stack.place, &names::project_slice(&stack.name), Ok(units::project_slice(&head)));
    for network in stack.networks.values().filter(|network| !network.external) {
        let spec = resource::network_spec(stack, network);
        files.spec(&network.place, &names::network_spec(&stack.name, &network.key), &spec);
        files.unit(
            &network.place,
            &names::network_unit(&stack.name, &network.key),
            units::network(&head, network, &spec),
        );
    }
    for volume in stack.volumes.values().filter(|volume| !volume.external) {
        let spec = resource::volume_spec(stack, volume);
        files.spec(&volume.place, &names::volume_spec(&stack.name, &volume.key), &spec);
        files.unit(&volume.place, &names::volume_unit(&stack.name, &volume.key), units::volume(&head, volume, &spec));
    }
    for (service, role) in order::roles(stack, &mut files.problems) {
        let spec = container::container_spec(stack, service, role.ready);
        files.spec(&service.place, &names::container_spec(&stack.name, &service.name), &spec);
        files.unit(
            &service.place,
            &names::service_slice(&stack.name, &service.name),
            Ok(units::service_slice(&head, service)),
        );
        let unit = units::container(&head, service, role, &spec);
        files.unit(&service.place, &names::service_unit(&stack.name, &service.name), unit);
    }
    let target = names::target(&stack.name);
    files.unit(&stack.place, &target, Ok(units::target(&head)));
    files.finish().map(|files| Plan {
        project: stack.name.clone(),
        autostart: stack.autostart,
        wanted_by: units::wanted_by(&head).into_iter().map(|wanting| (target.clone(), wanting)).collect(),
        target,
        files,
        images: images(stack),
        containers: containers(stack),
        networks: stack.networks.values().filter(|n| !n.external).map(|n| n.name.clone()).collect(),
        volumes: stack.volumes.values().filter(|v| !v.external).map(|v| v.name.clone()).collect(),
    })
}

fn images(stack: &Stack) -> Vec<PlannedImage> {
    let mut images: BTreeMap<&str, PullPolicy> = BTreeMap::new();
    for service in stack.services.values() {
        let policy = service.pull_policy.unwrap_or(PullPolicy::Missing);
        let image = images.entry(&service.image).or_insert(policy);
        if eagerness(policy) > eagerness(*image) {
            *image = policy;
        }
    }
    let planned =
        |(reference, pull_policy): (&str, PullPolicy)| PlannedImage { reference: reference.to_owned(), pull_policy };
    images.into_iter().map(planned).collect()
}

/// Of services that share an image, the one that wants it most decides.
fn eagerness(policy: PullPolicy) -> u8 {
    match policy {
        PullPolicy::Never => 0,
        PullPolicy::Missing => 1,
        PullPolicy::Always => 2,
    }
}

fn containers(stack: &Stack) -> Vec<PlannedContainer> {
    let planned = |service: &crate::stack::Service| PlannedContainer {
        service: service.name.clone(),
        unit: names::service_unit(&stack.name, &service.name),
        name: container::container_name(stack, service),
    };
    stack.services.values().map(planned).collect()
}

/// Of a unit (systemd.unit(5)) as of any file.
const LONGEST_NAME: usize = 255;

/// The files so far, and what went wrong.
#[derive(Default)]
struct Files {
    files: Vec<PlannedFile>,
    owners: BTreeMap<String, Place>,
    problems: Diagnostics,
}

impl Files {
    fn unit(&mut self, place: &Place, name: &str, unit: Result<UnitFile, Unwritable>) {
        match unit {
            Ok(unit) => self.add(place, PlannedFile { name: name.to_owned(), contents: unit.to_string(), mode: 0o644 }),
            // A path that cannot be written has been refused where it stands.
            Err(_) if self.problems.has_errors() => (),
            Err(unwritable) => self.problems.push(Diagnostic::error(unwritable.to_string()).at(place)),
        }
    }

    fn spec<T: serde::Serialize>(&mut self, place: &Place, name: &str, spec: &T) {
        let contents = spec::to_json(spec).expect("a spec is plain data with string keys");
        self.add(place, PlannedFile { name: name.to_owned(), contents, mode: 0o600 });
    }

    fn add(&mut self, place: &Place, file: PlannedFile) {
        if file.name.len() > LONGEST_NAME {
            let message =
                format!("a file named `{}` would be needed, which is longer than {LONGEST_NAME} characters", file.name);
            self.problems.push(
                Diagnostic::error(message)
                    .at(place)
                    .help("choose a shorter name; in a slice's, a dash takes four characters"),
            );
        }
        if let Some(first) = self.owners.insert(file.name.clone(), place.clone()) {
            let message = format!("two things of this stack need a file named `{}`", file.name);
            let help = format!("the other one is at {first}; rename one of them");
            self.problems.push(Diagnostic::error(message).at(place).help(help));
        }
        self.files.push(file);
    }

    fn finish(self) -> Result<Vec<PlannedFile>, Diagnostics> {
        if self.problems.has_errors() { Err(self.problems) } else { Ok(self.files) }
    }
}
