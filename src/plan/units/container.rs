//! The unit of a service.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::{Head, OUTPUT, add_credentials, add_engine, apply, once_each, path_words, sandbox};
use crate::mark::Mark;
use crate::name::{ContainerName, UnitName};
use crate::plan::container::DEFAULT_GRACE;
use crate::plan::files;
use crate::plan::names;
use crate::plan::order::{Dependent, Role};
use crate::spec::{ContainerSpec, Ready, exit, pre_stop_limit};
use crate::stack::{MountKind, Overrides, Restart, RestartTuning, Service};
use crate::unit::{Section, UnitFile, Unwritable, text};

/// Time for wharf-run and the engine beyond the container's own grace period.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// Retries of a crashed service: at once at first, then less and less often, at most every 10 s. A RestartSec= of 0 would turn the
/// growing pauses off; after 1ms systemd looks at its clock up to 250 ms late, while 1us has passed before it waits.
const RESTART: [(&str, &str); 4] =
    [("RestartMode", "direct"), ("RestartSec", "1us"), ("RestartSteps", "8"), ("RestartMaxDelaySec", "10s")];

/// Removes what a failed unit left behind; a start meanwhile waits for it.
const CLEANUP: &str = "wharf-cleanup@%n.service";

/// What ran so long had been started with success, if nothing else is said: as the engine counts.
const LASTED: Duration = Duration::from_secs(10);

/// As RestartMaxDelaySec= above.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub fn container<'h>(
    head: &'h Head,
    service: &'h Service,
    role: Role,
    spec: &ContainerSpec,
) -> Result<UnitFile<'h>, Unwritable> {
    let mut unit = head.unit(&format!("Container {} ({})", spec.wharf.name, service.image.readable()));
    if service.replicas.is_some() {
        let description = format!("Container {}-%i ({})", spec.wharf.name, text(service.image.readable())?);
        unit.section("Unit").override_with("Description", [description]);
    }
    order(head, unit.section("Unit"), service)?;
    unit.section("Unit").add("OnFailure", CLEANUP).add("After", CLEANUP);
    restart_limit(unit.section("Unit"), role.restart, service.restart_tuning);
    let file = names::container_spec(head.project(), &service.name);
    let of_instance = if service.replicas.is_some() { " %i" } else { "" };
    let start = head.run("container", &file)? + of_instance;
    let section = unit.section("Service");
    if role.ready == Ready::Completed {
        section.add("Type", "oneshot");
        // A timer or an update starts it again and again: it is over when it has ended.
        if service.trigger().is_none() {
            section.add("RemainAfterExit", "yes");
        }
    } else {
        section.add("Type", "notify");
    }
    for (directive, value) in OUTPUT {
        section.add(directive, value);
    }
    section.add("NotifyAccess", "main").add("ExecStart", start);
    if service.reload.is_some() {
        section.add("ExecReload", head.run("container-reload", &file)? + of_instance);
    }
    section.add("Slice", names::service_slice(head.project(), &service.name));
    let own = |directive| sets(&service.systemd, "Service", directive);
    let has_own_pause = own("RestartSec") && !own("RestartSteps") && !own("RestartMaxDelaySec");
    restart(section, role, service.restart_tuning.delay, has_own_pause);
    no_restart(section, spec);
    section.add("KillMode", "mixed");
    section.add("TimeoutStopSec", seconds(stop_timeout(service))).add("OOMScoreAdjust", "-500");
    copied_credentials(section, head, service)?;
    let gives_away = spec.wharf.files.iter().any(|file| (file.uid, file.gid) != (0, 0));
    sandbox(section, if gives_away { "CAP_CHOWN" } else { "" }, &service.systemd);
    apply(&mut unit, &service.systemd, |section, _| !matches!(section, "Slice" | "Timer"));
    container_mark(head, service, spec).write(&mut unit);
    Ok(unit)
}

fn container_mark(head: &Head, service: &Service, spec: &ContainerSpec) -> Mark {
    Mark {
        service: Some(service.name.clone()),
        container: ContainerName::parse(&spec.wharf.name).ok(),
        on_unhealthy: service.on_unhealthy,
        restarts_with: restarts_with(head, service),
        update_hooks: service.update_hooks.iter().flat_map(|hooks| hooks.moments.iter().copied()).collect(),
        ..head.mark()
    }
}

/// The units of the services that say `restart = true` of this one. What lives in its namespaces follows it in any case.
fn restarts_with(head: &Head, service: &Service) -> Vec<UnitName> {
    let follows = |(other, dependency): &&Dependent| {
        dependency.restart && other.namespaces.owners().all(|(owner, _)| owner != service.name.as_str())
    };
    let followers = head.dependents().of(&service.name).iter().filter(follows);
    followers.flat_map(|(follower, _)| names::running_units(head.project(), follower)).collect()
}

/// The grace period begins with the stop signal, which the hooks come before.
fn stop_timeout(service: &Service) -> Duration {
    let grace = service.stop_grace_period.unwrap_or(DEFAULT_GRACE);
    let hooks = if service.pre_stop.is_empty() { Duration::ZERO } else { pre_stop_limit(grace) };
    hooks + grace + STOP_MARGIN
}

/// Secrets and configs. wharf-run puts copies of them, with the owner and permissions that the container is to see, into the
/// runtime directory, which outlives it (a container that is adopted goes on with what it has) but not the unit.
fn copied_credentials(section: &mut Section<'_>, head: &Head, service: &Service) -> Result<(), Unwritable> {
    if add_credentials(section, head, service.into(), &names::values_spec(head.project(), &service.name))? {
        section.add("RuntimeDirectory", "wharf/%N").add("RuntimeDirectoryMode", "0700");
        section.add("RuntimeDirectoryPreserve", "restart");
    }
    Ok(())
}

/// Networks, volumes, dependencies and the paths of bind mounts.
fn order<'h>(head: &'h Head, section: &mut Section<'h>, service: &Service) -> Result<(), Unwritable> {
    let (mut requires, mut wants) = (Vec::new(), Vec::new());
    for key in service.networks.keys() {
        if head.stack.networks.get(key).is_some_and(|network| !network.external) {
            requires.push(names::network_unit(head.project(), key));
        }
    }
    for key in service.named_volumes() {
        if head.stack.volumes.get(key).is_some_and(|volume| !volume.external) {
            requires.push(names::volume_unit(head.project(), key));
        }
    }
    requires.extend(head.builder(service).map(|builder| names::build_unit(head.project(), builder)));
    for (name, dependency) in &service.depends_on {
        let Some(target) = head.stack.services.get(name) else { continue };
        let unit = match target.replicas {
            None => names::service_unit(head.project(), target),
            Some(_) => names::replicas_unit(head.project(), name),
        };
        if dependency.required { requires.push(unit) } else { wants.push(unit) }
    }
    let requires = once_each(requires);
    add_engine(section);
    section.add_list("Requires", &requires).add_list("Wants", &wants);
    section.add_list("After", requires.iter().chain(&wants)).add("PartOf", head.target());
    let paths = bind_sources(service).chain(files::loaded(head.stack, service.into()).map(|(path, _)| path));
    section.add_list("RequiresMountsFor", once_each(path_words(paths)?));
    Ok(())
}

fn bind_sources(service: &Service) -> impl Iterator<Item = &Path> {
    service.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Bind { source, .. } => Some(source.as_path()),
        _ => None,
    })
}

/// `always` never gives up; `on-failure:N` gives up after N restarts, none of which lasted ten seconds (as the engine counts,
/// to which 0 means no limit).
fn restart_limit(section: &mut Section<'_>, restart: Restart, tuning: RestartTuning) {
    let retries = match restart {
        Restart::OnFailure(Some(retries)) if retries > 0 => Some(retries),
        Restart::No => None,
        _ => tuning.max_attempts,
    };
    let Some(retries) = retries else {
        section.add("StartLimitIntervalSec", "0");
        return;
    };
    let starts = retries.saturating_add(1);
    let pause = tuning.delay.unwrap_or(LONGEST_PAUSE).max(LONGEST_PAUSE);
    let each = tuning.window.unwrap_or(LASTED) + pause;
    section.add("StartLimitBurst", starts.to_string());
    section.add("StartLimitIntervalSec", seconds(each.saturating_mul(starts)));
}

/// A container ends with an exit status, wharf-run itself by a signal: `on-abort` restarts the latter alone.
///
/// A pause of the user's own is kept as it is: our steps would stretch it, or cut it to their longest.
fn restart(section: &mut Section<'_>, role: Role, delay: Option<Duration>, has_own_pause: bool) {
    let policy = match role.restart {
        Restart::No => "on-abort",
        Restart::Always | Restart::UnlessStopped => "always",
        Restart::OnFailure(_) => "on-failure",
    };
    section.add("Restart", policy);
    let delay = delay.filter(|delay| !delay.is_zero());
    for (directive, value) in RESTART {
        match (directive, delay) {
            ("RestartSteps" | "RestartMaxDelaySec", _) if has_own_pause || delay.is_some() => (),
            ("RestartSec", Some(delay)) => {
                section.add(directive, seconds(delay));
            }
            _ => {
                section.add(directive, value);
            }
        }
    }
    section.add("RestartForceExitStatus", exit::UNAVAILABLE.to_string());
}

/// What to start again is of no use for: systemd could not even execute wharf-run.
fn no_restart(section: &mut Section<'_>, spec: &ContainerSpec) {
    let credentials = if spec.wharf.files.is_empty() && spec.wharf.variables.is_empty() { "" } else { " CREDENTIALS" };
    section.add("RestartPreventExitStatus", format!("{} EXEC CAPABILITIES{credentials}", exit::CANNOT_START));
}

fn seconds(duration: Duration) -> String {
    let mut text = format!("{}s", duration.as_secs());
    if duration.subsec_micros() > 0 {
        let _infallible = write!(text, " {}us", duration.subsec_micros());
    }
    text
}

fn sets(overrides: &Overrides, section: &str, directive: &str) -> bool {
    overrides.get(section).into_iter().flatten().any(|(name, _)| name == directive)
}
