//! What the services of a stack ask of each other: which one is a job, which one must be healthy, which one restarts with
//! which.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::spec::Ready;
use crate::stack::{self, Condition, Restart, Service, Stack};

/// The part that a service plays for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// When its unit is ready; [`Ready::Completed`] marks a job.
    pub ready: Ready,
    pub restart: Restart,
    /// An automatic restart of it restarts the services that require it.
    pub restarts_dependents: bool,
}

/// Each service with its role, in an order in which dependencies come first.
pub fn roles<'a>(stack: &'a Stack, problems: &mut Diagnostics) -> Vec<(&'a Service, Role)> {
    let mut ordered: Vec<&Service> = Vec::with_capacity(stack.services.len());
    let mut seen: Vec<&str> = Vec::new();
    for service in stack.services.values() {
        visit(stack, service, &mut seen, &mut ordered);
    }
    ordered.into_iter().map(|service| (service, role(stack, service, problems))).collect()
}

/// Depth first. A stack has no cycles: the stack room refuses them; a service seen is never entered again.
fn visit<'a>(stack: &'a Stack, service: &'a Service, seen: &mut Vec<&'a str>, ordered: &mut Vec<&'a Service>) {
    if seen.contains(&service.name.as_str()) {
        return;
    }
    seen.push(&service.name);
    for dependency in service.depends_on.keys().filter_map(|name| stack.services.get(name)) {
        visit(stack, dependency, seen, ordered);
    }
    ordered.push(service);
}

fn role(stack: &Stack, service: &Service, problems: &mut Diagnostics) -> Role {
    let asked = |condition: Condition| dependents(stack, service).any(|(_, dep)| dep.condition == condition);
    let job = asked(Condition::CompletedSuccessfully);
    if job && (asked(Condition::Healthy) || asked(Condition::Started)) {
        problems.push(
            Diagnostic::error(format!(
                "service `{}` is waited for both as a job and as a running service",
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
            problems.push(
                Diagnostic::error(format!(
                    "service `{}` is waited for until it completes, so it cannot be restarted whenever it ends",
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
    Role { ready, restart, restarts_dependents: restarts_dependents(stack, service, problems) }
}

/// `Requires=` carries an automatic restart to all dependents or to none (systemd.service(5), RestartMode=).
fn restarts_dependents(stack: &Stack, service: &Service, problems: &mut Diagnostics) -> bool {
    let required = || dependents(stack, service).filter(|(_, dep)| dep.required);
    let wanted = required().any(|(_, dep)| dep.restart);
    if wanted && let Some((other, dep)) = required().find(|(_, dep)| !dep.restart) {
        let message = format!(
            "`restart = true` on `{}` cannot be for some of its dependents only: `{}` does not have it",
            service.name, other.name
        );
        let help =
            format!("add `restart = true` in `{}`, or `required = false`, or remove it from the others", other.name);
        problems.push(Diagnostic::error(message).at(&dep.place).help(help));
    }
    wanted
}

fn dependents<'a>(
    stack: &'a Stack,
    service: &'a Service,
) -> impl Iterator<Item = (&'a Service, &'a stack::Dependency)> {
    stack.services.values().filter_map(|other| Some((other, other.depends_on.get(&service.name)?)))
}
