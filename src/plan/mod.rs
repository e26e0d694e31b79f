//! Stack → Plan: names, order, container specs and units.
//!
//! In: a valid [`Stack`] and where its units will live. Out: every file of the project, byte for byte.
//! Invariant: no I/O and no clock; the same stack gives the same bytes. This is the one room that knows both the stack's
//! vocabulary and systemd's.

mod build;
mod container;
mod files;
mod hash;
mod location;
mod names;
mod order;
mod refused;
mod resource;
mod units;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::mark::{is_spec, seal};
use crate::name::{UnitKind, UnitName};
use crate::parallel;
use crate::spec::{self, ContainerSpec, from_json};
use crate::stack::{Build, HealthTest, Network, PullPolicy, Service, Stack, Volume};
use crate::unit::{UnitFile, Unwritable};
use hash::text_hash;

pub use location::{Location, Reader};

/// Every file of one project, in an order in which each prefix of the list still starts. Serialised, it has neither the contents of its
/// files nor its images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The stack file, as the units name it: an absolute path.
    pub source: PathBuf,
    /// The unit that starts and stops the whole stack, e.g. `shop.target`.
    pub target: UnitName,
    /// What the target starts.
    pub wants: Vec<UnitName>,
    /// Started at boot when found by `wharf-generator`.
    pub autostart: bool,
    /// Units that `systemctl enable` would link, and what wants them: (`shop.target`, `multi-user.target`).
    pub wanted_by: Vec<(UnitName, UnitName)>,
    /// A service has a healthcheck, on whose result wharfd acts.
    pub has_healthcheck: bool,
    pub files: Vec<PlannedFile>,
    /// The instances of each template that belong to the stack: `shop-web@.service` → `shop-web@1.service`…
    pub instances: BTreeMap<UnitName, Vec<UnitName>>,
    /// Images to fetch, without repetition.
    #[serde(skip)]
    pub images: Vec<PlannedImage>,
}

impl Plan {
    /// Its units by their files: a template as such.
    pub fn units(&self) -> impl Iterator<Item = UnitName> {
        self.files.iter().filter(|file| file.is_unit()).filter_map(|file| UnitName::parse(&file.name).ok())
    }

    /// What a unit file runs: the instances of a template that belong to the stack, or else the unit itself.
    pub fn instances_of(&self, unit: &UnitName) -> Vec<UnitName> {
        self.instances.get(unit).cloned().unwrap_or_else(|| vec![unit.clone()])
    }

    /// Whether the unit is one of its own; of an instance, whether it belongs to the stack.
    pub fn has(&self, unit: &UnitName) -> bool {
        match unit.template() {
            Some(template) => self.instances.get(&template).is_some_and(|instances| instances.contains(unit)),
            None => self.files.iter().any(|file| file.name == unit.as_str()),
        }
    }

    /// The file of a unit; of an instance, that of its template.
    pub fn unit_file(&self, unit: &UnitName) -> Option<&PlannedFile> {
        let name = unit.template().unwrap_or_else(|| unit.clone());
        self.files.iter().find(|file| file.name == name.as_str())
    }

    /// The definition of the container that a unit runs; `None`: it runs none.
    pub fn container(&self, unit: &UnitName) -> Option<ContainerSpec> {
        let name = ContainerSpec::file_of(unit);
        let file = self.files.iter().find(|file| file.name == name).filter(|_| unit.is(UnitKind::Service))?;
        let spec: ContainerSpec = from_json(&file.contents).ok()?;
        Some(unit.instance().into_iter().fold(spec, ContainerSpec::of_instance))
    }
}

/// A file directly in the unit directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// e.g. `shop-web.service`, `shop-web.container.json`.
    pub name: String,
    #[serde(skip)]
    pub contents: Arc<str>,
    /// 0o644, or 0o600 where environment values may stand in it.
    pub mode: u32,
    /// The unit to restart when this file changes. `None`: to read it again is enough, or there is nothing to be done to what
    /// is there (a volume keeps its data and its options).
    pub restarts: Option<UnitName>,
}

impl PlannedFile {
    /// Whether systemd reads it as a unit (a container spec is not one).
    pub fn is_unit(&self) -> bool {
        !is_spec(&self.name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedImage {
    pub reference: String,
    /// `OS[/ARCH[/VARIANT]]`; `None`: the host's own.
    pub platform: Option<String>,
    pub pull_policy: PullPolicy,
}

/// Translates a stack.
///
/// # Errors
/// Two things of the stack that would get the same unit or container name, a name too long for a unit, a dependency that asks for
/// two things at once, a path that no unit file can carry, or a key that neither systemd nor the engine would act on.
pub fn plan(stack: &Stack, location: &Location) -> Result<Plan, Diagnostics> {
    let problems = refused::problems(stack, location);
    let mut files = Files { refused: problems.has_errors(), problems, ..Files::default() };
    let head = units::Head::new(stack, location);
    let whole = Origin { place: &stack.place, restarts: None };
    for network in stack.networks.values().filter(|network| !network.external) {
        files.network(&head, network);
    }
    for volume in stack.volumes.values().filter(|volume| !volume.external) {
        files.volume(&head, volume);
    }
    for service in stack.services.values() {
        if let Some(build) = &service.build {
            files.build(&head, service, build);
        }
    }
    let refused = files.refused;
    let services = order::roles(stack, head.dependents(), &mut files.problems);
    let of_services = parallel::map(&services, |&(service, role)| {
        let mut files = Files { refused, ..Files::default() };
        files.service(&head, service, role);
        files
    });
    of_services.into_iter().for_each(|of_service| files.append(of_service));
    let target = names::target(&stack.name);
    files.unit(whole, &target, Ok(units::target(&head)));
    files.finish().map(|files| Plan {
        project: stack.name.to_string(),
        source: PathBuf::from(stack.source.to_string_lossy().into_owned()),
        wants: units::wants(&head),
        autostart: stack.autostart,
        wanted_by: units::wanted_by(&head).into_iter().map(|wanting| (target.clone(), wanting)).collect(),
        target,
        has_healthcheck: stack.services.values().any(|service| has_healthcheck(service)),
        files,
        instances: instances(stack),
        images: images(stack),
    })
}

fn has_healthcheck(service: &Service) -> bool {
    service.healthcheck.as_ref().is_some_and(|healthcheck| healthcheck.test != HealthTest::Disabled)
}

fn instances(stack: &Stack) -> BTreeMap<UnitName, Vec<UnitName>> {
    let replicated = stack.services.values().map(Box::as_ref).filter(|service| service.replicas.is_some());
    let units =
        |service: &Service| (names::service_unit(&stack.name, service), names::running_units(&stack.name, service));
    replicated.map(units).collect()
}

fn images(stack: &Stack) -> Vec<PlannedImage> {
    let mut images: BTreeMap<(&str, Option<&String>), PullPolicy> = BTreeMap::new();
    for service in stack.services.values() {
        let policy = match (&service.build, service.pull_policy) {
            (Some(_), _) => PullPolicy::Build,
            (None, policy) => policy.unwrap_or(PullPolicy::Missing),
        };
        let image = images.entry((service.image.as_str(), service.platform.as_ref())).or_insert(policy);
        if eagerness(policy) > eagerness(*image) {
            *image = policy;
        }
    }
    let planned = |((reference, platform), pull_policy): ((&str, Option<&String>), PullPolicy)| PlannedImage {
        reference: reference.to_owned(),
        platform: platform.cloned(),
        pull_policy,
    };
    images.into_iter().map(planned).collect()
}

/// Of services that share an image, the one that wants it most decides.
fn eagerness(policy: PullPolicy) -> (u8, Reverse<Duration>) {
    match policy {
        PullPolicy::Never => (0, Reverse(Duration::ZERO)),
        PullPolicy::Missing => (1, Reverse(Duration::ZERO)),
        PullPolicy::Refresh(age) => (2, Reverse(age)),
        PullPolicy::Always => (3, Reverse(Duration::ZERO)),
        // Of what one of them builds, the others take what is built.
        PullPolicy::Build => (4, Reverse(Duration::ZERO)),
    }
}

/// Of a unit (systemd.unit(5)) as of any file.
const LONGEST_NAME: usize = 255;

/// The files so far, and what went wrong.
#[derive(Default)]
struct Files<'a> {
    /// Each with what it is made for.
    files: Vec<(PlannedFile, &'a Place)>,
    problems: Diagnostics,
    /// The stack has what no unit can carry: each place of it is among the problems.
    refused: bool,
}

/// What of the stack a file is made for.
#[derive(Clone, Copy)]
struct Origin<'a, 'r> {
    place: &'a Place,
    /// See [`PlannedFile::restarts`].
    restarts: Option<&'r UnitName>,
}

enum Contents {
    Unit(String),
    Spec(String),
}

impl<'a> Files<'a> {
    fn network(&mut self, head: &units::Head<'a>, network: &'a Network) {
        let stack = head.stack;
        let spec = resource::network_spec(stack, network);
        let unit = names::network_unit(&stack.name, &network.key);
        let origin = Origin { place: &network.place, restarts: Some(&unit) };
        self.spec(origin, &names::network_spec(&stack.name, &network.key), &spec);
        // What defines the network is in its spec.
        self.unit(Origin { restarts: None, ..origin }, &unit, units::network(head, network));
    }

    fn volume(&mut self, head: &units::Head<'a>, volume: &'a Volume) {
        let stack = head.stack;
        let spec = resource::volume_spec(stack, volume);
        let origin = Origin { place: &volume.place, restarts: None };
        self.spec(origin, &names::volume_spec(&stack.name, &volume.key), &spec);
        self.unit(origin, &names::volume_unit(&stack.name, &volume.key), units::volume(head, volume));
    }

    fn service(&mut self, head: &units::Head<'a>, service: &'a Service, role: order::Role) {
        let stack = head.stack;
        let mut spec = container::container_spec(stack, service, role.ready);
        if let Some(builder) = head.builder(service) {
            spec.wharf.pull_policy = spec::PullPolicy::Never;
            spec.wharf.built_by = Some(names::build_unit(&stack.name, builder).into());
        }
        let container_unit = units::container(head, service, role, &spec);
        spec.wharf.unit_hash = container_unit
            .as_ref()
            .map_or_else(|_| String::new(), |unit| text_hash(&unit.text_of("Service", units::is_of_wharf_run)).into());
        let unit = names::service_unit(&stack.name, service);
        let origin = Origin { place: &service.place, restarts: None };
        // A job's run that goes on is left alone: the next one is of the new definition.
        let defining = Origin { restarts: service.trigger().is_none().then_some(&unit), ..origin };
        self.spec(defining, &names::container_spec(&stack.name, &service.name), &spec);
        if let Some(values) = files::values(stack, service.into()) {
            self.spec(defining, &names::values_spec(&stack.name, &service.name), &values);
        }
        self.slice(origin, &names::service_slice(&stack.name, &service.name), units::service_slice(head, service));
        self.unit(origin, &unit, container_unit);
        let has_dependents = !head.dependents().of(&service.name).is_empty();
        if service.replicas.is_some() && has_dependents {
            self.unit(origin, &names::replicas_unit(&stack.name, &service.name), Ok(units::replicas(head, service)));
        }
        if let Some(schedule) = &service.schedule {
            let timer = names::timer(&stack.name, &service.name);
            let origin = Origin { place: &schedule.place, restarts: Some(&timer) };
            self.unit(origin, &timer, Ok(units::timer(head, service, schedule)));
        }
    }

    fn build(&mut self, head: &units::Head<'a>, service: &'a Service, build: &'a Build) {
        let stack = head.stack;
        let spec = build::build_spec(stack, head, service, build);
        let unit = names::build_unit(&stack.name, &service.name);
        let origin = Origin { place: &build.place, restarts: Some(&unit) };
        self.spec(origin, &names::build_spec(&stack.name, &service.name), &spec);
        if let Some(values) = files::values(stack, build.into()) {
            self.spec(origin, &names::build_values_spec(&stack.name, &service.name), &values);
        }
        self.unit(Origin { restarts: None, ..origin }, &unit, units::build(head, service, build));
    }

    /// A slice is a unit, with a file or without.
    fn slice(&mut self, origin: Origin<'a, '_>, name: &str, file: Result<Option<UnitFile<'_>>, Unwritable>) {
        match file {
            Ok(Some(file)) => self.unit(origin, name, Ok(file)),
            Ok(None) => self.check_length(origin, "unit", name),
            Err(unwritable) => self.unit(origin, name, Err(unwritable)),
        }
    }

    fn unit(&mut self, origin: Origin<'a, '_>, name: &str, unit: Result<UnitFile<'_>, Unwritable>) {
        match unit.and_then(|unit| unit.text()) {
            Ok(text) => self.file(origin, name, Contents::Unit(seal(text))),
            // A path that cannot be written has been refused where it stands.
            Err(_) if self.refused => (),
            Err(unwritable) => self.problems.push(Diagnostic::error(unwritable.to_string()).at(origin.place)),
        }
    }

    fn spec<T: serde::Serialize>(&mut self, origin: Origin<'a, '_>, name: &str, spec: &T) {
        self.file(origin, name, Contents::Spec(spec::to_json(spec)));
    }

    fn file(&mut self, origin: Origin<'a, '_>, name: &str, contents: Contents) {
        self.check_length(origin, "file", name);
        self.add(origin, name, contents);
    }

    fn check_length(&mut self, origin: Origin<'a, '_>, what: &str, name: &str) {
        if name.len() > LONGEST_NAME {
            let message =
                format!("a {what} named `{name}` would be needed, which is longer than {LONGEST_NAME} characters");
            self.problems.push(
                Diagnostic::error(message)
                    .at(origin.place)
                    .help("choose a shorter name; in a slice's, a dash takes four characters"),
            );
        }
    }

    fn add(&mut self, origin: Origin<'a, '_>, name: &str, contents: Contents) {
        let (contents, mode) = match contents {
            Contents::Unit(text) => (text, 0o644),
            // It may have passwords in environment variables.
            Contents::Spec(text) => (text, 0o600),
        };
        let file =
            PlannedFile { name: name.to_owned(), contents: contents.into(), mode, restarts: origin.restarts.cloned() };
        self.files.push((file, origin.place));
    }

    fn append(&mut self, other: Files<'a>) {
        self.files.extend(other.files);
        self.problems.append(other.problems);
    }

    fn finish(mut self) -> Result<Vec<PlannedFile>, Diagnostics> {
        let mut taken: HashMap<&str, &Place> = HashMap::with_capacity(self.files.len());
        for (file, place) in &self.files {
            if let Some(first) = taken.insert(&file.name, place) {
                let message = format!("two things of this stack need a file named `{}`", file.name);
                let help = format!("the other one is at {first}; rename one of them");
                self.problems.push(Diagnostic::error(message).at(place).help(help));
            }
        }
        if self.problems.has_errors() {
            return Err(self.problems);
        }
        Ok(self.files.into_iter().map(|(file, _)| file).collect())
    }
}
