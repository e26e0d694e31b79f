//! What the services of a stack ask of each other: which one is a job, which one must be healthy, which one restarts with
//! which.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::spec::Ready;
use crate::stack::{self, Condition, Dependency, Restart, Service, Stack};

/// The part that a service plays for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// When its unit is ready; [`Ready::Completed`] marks a job.
    pub ready: Ready,
    pub restart: Restart,
}

/// Each service with its role, in an order in which dependencies come first.
pub fn roles<'a>(stack: &'a Stack, dependents: &Dependents, problems: &mut Diagnostics) -> Vec<(&'a Service, Role)> {
    let role = |service: &'a Service| (service, role(service, dependents.of(&service.name), problems));
    dependencies_first(stack).into_iter().map(role).collect()
}

/// Which service depends on another, and how.
pub type Dependent<'a> = (&'a Service, &'a Dependency);

/// The dependents of each service.
pub struct Dependents<'a>(HashMap<&'a str, Vec<Dependent<'a>>>);

impl<'a> Dependents<'a> {
    pub fn new(stack: &'a Stack) -> Self {
        let mut dependents: HashMap<&str, Vec<Dependent>> = HashMap::new();
        for service in stack.services.values() {
            for (name, dependency) in &service.depends_on {
                dependents.entry(name).or_default().push((service, dependency));
            }
        }
        Self(dependents)
    }

    /// Sorted by name.
    pub fn of(&self, service: &str) -> &[Dependent<'a>] {
        self.0.get(service).map_or(&[], Vec::as_slice)
    }
}

/// Depth first, by name. A stack has no cycles: the stack room refuses them.
fn dependencies_first(stack: &Stack) -> Vec<&Service> {
    let mut ordered: Vec<&Service> = Vec::with_capacity(stack.services.len());
    let mut entered: HashSet<&str> = HashSet::new();
    for service in stack.services.values() {
        // A list, not recursion: a chain of dependencies may be as long as the stack.
        let mut path: Vec<(&Service, bool)> = vec![(service, false)];
        while let Some((service, left)) = path.pop() {
            if left {
                ordered.push(service);
            } else if entered.insert(&service.name) {
                path.push((service, true));
                let dependencies = service.depends_on.keys().rev().filter_map(|name| stack.services.get(name));
                path.extend(dependencies.map(|dependency| (&**dependency, false)));
            }
        }
    }
    ordered
}

fn role(service: &Service, dependents: &[Dependent], problems: &mut Diagnostics) -> Role {
    let asked = |condition: Condition| dependents.iter().any(|(_, dep)| dep.condition == condition);
    let trigger = service.trigger();
    let job = trigger.is_some() || asked(Condition::CompletedSuccessfully);
    if job && asked(Condition::Healthy) {
        problems.push(
            Diagnostic::error(format!(
                "service `{}` is waited for both until it completes and until it is healthy",
                service.name
            ))
            .at(&service.place)
            .help(
                "use `condition = \"service_completed_successfully\"` in every service that depends on it, or in none",
            ),
        );
    }
    let restart = match service.restart {
        Some(Restart::Always | Restart::UnlessStopped) if job => {
            let why = match trigger {
                Some((key, _)) => format!("is run by its `{key}`"),
                None => "is waited for until it completes".to_owned(),
            };
            problems.push(
                Diagnostic::error(format!(
                    "service `{}` {why}, so it cannot be restarted whenever it ends",
                    service.name
                ))
                .at(&service.place)
                .help("set `restart = \"no\"` or `restart = \"on-failure\"`"),
            );
            Restart::No
        }
        Some(restart) => restart,
        None if job => Restart::No,
        None => Restart::Always,
    };
    let ready = match (job, service.ready) {
        (true, _) => Ready::Completed,
        (false, Some(stack::Ready::Healthy)) => Ready::Healthy,
        (false, _) if asked(Condition::Healthy) => Ready::Healthy,
        (false, _) => Ready::Started,
    };
    Role { ready, restart }
}
