//! What units need that are to be started: the images, secrets, configs, networks, volumes and ports of their new definitions.
//!
//! In: plans, and which units a run is to start and stop. Out: images that were pulled, and all that cannot be had, for people.
//! Invariant: a run that would stop a container makes sure of what its successor needs first; nothing is written or stopped here.

mod fit;
mod ports;
mod pull;

pub use pull::{Progress, Pull, Silent, WantedImage, running_older_image};

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::engine::{Engine, EngineError};
use crate::name::UnitName;
use crate::plan::Plan;
use crate::run::{missing_external, missing_files};
use crate::spec::{ContainerSpec, Contents, ResourceSpec, from_json};
use crate::systemd::{Manager, ManagerError, Scope, credentials};

/// What is about to be done to units.
#[derive(Debug, Default)]
pub struct Agenda {
    /// Units that are stopped, and not started again.
    pub stopped: Vec<String>,
    /// Units that are restarted.
    pub outdated: Vec<String>,
    /// Units that do not run, and are started.
    pub idle: Vec<String>,
}

/// A container that is to be started.
struct Starting {
    unit: String,
    spec: ContainerSpec,
    /// The text of the planned unit.
    text: String,
    /// The networks and volumes of its stack that it uses, by their names at the engine.
    own: Vec<String>,
}

/// Pulls the images that the units to be started need, as their pull policies say, if any unit is to be stopped for it. Where nothing
/// is stopped, the units themselves try to get their images, and try again. What cannot be had.
///
/// # Errors
/// systemd does not answer.
pub async fn provide<P: Progress>(
    manager: &Manager,
    plans: &[Plan],
    agenda: &Agenda,
    begin: &dyn Fn(&WantedImage) -> P,
) -> Result<Vec<String>, ManagerError> {
    let interrupted: Vec<&String> = agenda.stopped.iter().chain(&agenda.outdated).collect();
    if interrupted.is_empty() {
        return Ok(Vec::new());
    }
    let mut units = dependents(manager, plans, &interrupted).await?;
    units.extend(agenda.outdated.iter().chain(&agenda.idle).cloned());
    let starting: Vec<Starting> = units.iter().filter_map(|unit| Starting::of(unit, plans)).collect();
    let mut missing: Vec<String> = Vec::new();
    for it in &starting {
        missing.extend(it.missing_contents(manager).await?);
    }
    if missing.is_empty() && !starting.is_empty() {
        missing = of_engine(&starting, begin).await.unwrap_or_else(|error| vec![error.to_string()]);
    }
    Ok(missing)
}

/// A warning for each credential that a container of the plans needs and this host, on which systemd runs, does not have.
///
/// # Errors
/// systemd does not answer.
pub async fn missing_credentials(plans: &[Plan]) -> Result<Diagnostics, ManagerError> {
    let manager = Manager::connect(Scope::System).await?;
    let mut warnings = Diagnostics::default();
    let mut known = BTreeSet::new();
    for plan in plans {
        for file in plan.files.iter().filter(|file| file.is_unit()) {
            let Ok(name) = UnitName::parse(&file.name) else { continue };
            // Of several containers the first speaks for all.
            let unit = plan.instances.get(&name).and_then(|instances| instances.first()).unwrap_or(&name);
            let Some(container) = Starting::of(unit, std::slice::from_ref(plan)) else { continue };
            for Contents { source, credential, .. } in container.missing_credentials(&manager).await? {
                if known.insert(credential.clone()) {
                    let message = format!("{source} of {unit}: this host has no credential named {credential}");
                    let help =
                        format!("`wharf secret encrypt {credential}` makes it; without it the unit does not start");
                    warnings.push(Diagnostic::warning(message).help(help));
                }
            }
        }
    }
    Ok(warnings)
}

/// What the engine has not, and cannot get.
async fn of_engine<P: Progress>(
    starting: &[Starting],
    begin: &dyn Fn(&WantedImage) -> P,
) -> Result<Vec<String>, EngineError> {
    let engine = Engine::of_units().await?;
    let mut missing = Vec::new();
    for it in starting {
        let reasons = missing_external(&engine, &it.spec, &it.own).await?;
        missing.extend(reasons.into_iter().map(|why| format!("{}: {why}", it.unit)));
    }
    let wanted = starting.iter().map(|it| (it.unit.as_str(), &it.spec));
    missing.extend(ports::taken(&engine, wanted).await?);
    if missing.is_empty() { images(&engine, starting, begin).await } else { Ok(missing) }
}

/// Which images cannot be had, or are of no use.
async fn images<P: Progress>(
    engine: &Engine,
    starting: &[Starting],
    begin: &dyn Fn(&WantedImage) -> P,
) -> Result<Vec<String>, EngineError> {
    let specs: Vec<&ContainerSpec> = starting.iter().map(|it| &it.spec).collect();
    let (pull, absent) = Pull::before_start(engine, &specs).await?;
    let failed = pull.run(engine, begin).await;
    let of = |images: &[WantedImage], why: &str| -> Vec<String> {
        let its = starting.iter().filter(|it| images.contains(&WantedImage::of(&it.spec)));
        its.map(|it| format!("{}: {why}: {}", it.unit, WantedImage::of(&it.spec).reference)).collect()
    };
    let absent = of(&absent, "its image is not on this host, and `pull_policy = \"never\"` does not pull it");
    let unfit = fit::unfit(engine, starting).await?;
    Ok([of(&failed, "its image cannot be pulled"), absent, unfit].concat())
}

impl Starting {
    /// `None`: the unit is no container's.
    fn of(unit: &str, plans: &[Plan]) -> Option<Self> {
        let name = UnitName::parse(unit).ok()?;
        let plan = plans.iter().find(|plan| plan.unit_file(&name).is_some())?;
        let spec = plan.container(&name)?;
        let text = plan.unit_file(&name)?.contents.to_string();
        let own = plan.files.iter().filter(|planned| spec.wharf.resources.contains(&planned.name));
        let own = own.filter_map(|planned| from_json::<ResourceSpec>(&planned.contents).ok());
        let own = own.map(|resource| resource.name().to_owned()).collect();
        Some(Self { unit: unit.to_owned(), spec, text, own })
    }

    /// What its secrets and configs hold and this host has not.
    async fn missing_contents(&self, manager: &Manager) -> Result<Vec<String>, ManagerError> {
        let mut missing = missing_files(&self.spec);
        let text = |Contents { source, credential, .. }: &Contents| {
            format!("{source}: this host has no credential named {credential} (wharf secret encrypt {credential})")
        };
        missing.extend(self.missing_credentials(manager).await?.into_iter().map(text));
        Ok(missing.into_iter().map(|why| format!("{}: {why}", self.unit)).collect())
    }

    /// What is a credential of the host, and not there.
    async fn missing_credentials(&self, manager: &Manager) -> Result<Vec<&Contents>, ManagerError> {
        let part = &self.spec.wharf;
        let files = part.files.iter().map(|file| (&file.contents, &file.path));
        let of_host = files.chain(part.variables.iter().map(|variable| (&variable.contents, &variable.path)));
        let of_host = of_host.filter(|(contents, path)| path.is_none() && contents.value.is_none());
        let absent: Vec<&Contents> = of_host
            .map(|(contents, _)| contents)
            .filter(|contents| !credentials::exists(&contents.credential) && !self.sets(&contents.credential))
            .collect();
        // A drop-in may give the unit credentials of its own.
        let has_drop_ins = !absent.is_empty() && !manager.unit(&self.unit).await?.drop_ins.is_empty();
        Ok(if has_drop_ins { Vec::new() } else { absent })
    }

    /// Whether the stack's own directives give the unit this credential (systemd.exec(5)).
    fn sets(&self, credential: &str) -> bool {
        let directives = ["SetCredential", "SetCredentialEncrypted", "LoadCredential", "LoadCredentialEncrypted"];
        let assignments = self.text.lines().filter_map(|line| line.split_once('='));
        let own = assignments.filter(|(directive, _)| directives.contains(directive));
        own.map(|(_, value)| value.split(':').next().unwrap_or_default()).any(|id| id == credential)
    }
}

/// Units of the plans that run and that systemd stops with one of these (systemd.unit(5), Requires=), directly or by way of others.
async fn dependents(
    manager: &Manager,
    plans: &[Plan],
    interrupted: &[&String],
) -> Result<BTreeSet<String>, ManagerError> {
    let files = plans.iter().flat_map(|plan| &plan.files).filter(|file| file.is_unit());
    let patterns: Vec<String> =
        files.filter_map(|file| UnitName::parse(&file.name).ok()).map(|unit| unit.pattern()).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let mut others = Vec::new();
    for unit in manager.active_units(&patterns).await? {
        let requires = manager.unit(&unit).await?.requires;
        others.push((unit.to_string(), requires));
    }
    let mut known: BTreeSet<String> = interrupted.iter().map(|unit| (*unit).clone()).collect();
    let mut found = BTreeSet::new();
    loop {
        let is_next = |(unit, requires): &&(String, Vec<String>)| {
            !known.contains(unit) && requires.iter().any(|required| known.contains(required))
        };
        let next: Vec<String> = others.iter().filter(is_next).map(|(unit, _)| unit.clone()).collect();
        if next.is_empty() {
            return Ok(found);
        }
        known.extend(next.iter().cloned());
        found.extend(next);
    }
}
