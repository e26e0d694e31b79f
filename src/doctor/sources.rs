//! Where the facts come from: systemd's Manager, the engine, and some files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::facts::{Facts, Firewall, Wharfd};
use crate::engine::{About, DEFAULT_SOCKET, Engine, EngineError, PublishedPort};
use crate::mark::{has_gone, installed_units};
use crate::spec::{self, ContainerSpec, label};
use crate::systemd::manager::is_booted;
use crate::systemd::{Manager, ManagerError, Scope};

/// How long the engine may take to tell about itself.
const PATIENCE: Duration = Duration::from_secs(10);

const WHARFD: &str = "wharfd.service";
const DOCKER: &str = "docker.service";

/// Looks at this host. `docker_host`: the variable of whoever asks; `stack_directory`: where stack files are looked for.
///
/// # Errors
/// systemd runs and does not answer.
pub async fn look(docker_host: Option<String>, stack_directory: &Path) -> Result<Facts, ManagerError> {
    let manager = if is_booted() { Some(Manager::connect(Scope::System).await?) } else { None };
    let (engine, open_ports) = tokio::join!(about(), open_ports());
    let mut facts = Facts {
        systemd: None,
        unified_cgroups: Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
        engine,
        docker_host: docker_host.filter(|host| is_another(host)),
        wharfd: Wharfd::default(),
        healthchecks: Some(Vec::new()),
        without_file: Vec::new(),
        firewall: None,
        open_ports,
    };
    if let Some(manager) = &manager {
        facts.systemd = Some(manager.version().await?);
        facts.wharfd = wharfd(manager).await?;
        facts.healthchecks = healthchecks(manager).await?;
        facts.without_file = without_file(manager, stack_directory).await?;
        facts.firewall = firewall(manager).await?;
    }
    Ok(facts)
}

/// What the engine that units use says of itself, if that can be asked without starting it.
pub async fn engine_of_units(manager: &Manager) -> Option<About> {
    // podman-docker makes it a link to Podman's socket.
    let is_link = fs::symlink_metadata(DEFAULT_SOCKET).is_ok_and(|socket| socket.is_symlink());
    let runs = is_link || manager.unit(DOCKER).await.is_ok_and(|unit| unit.is_active());
    if runs { about().await.ok() } else { None }
}

/// # Errors
/// systemd does not answer.
pub async fn wharfd(manager: &Manager) -> Result<Wharfd, ManagerError> {
    Ok(Wharfd { enabled: manager.is_enabled(WHARFD).await, runs: manager.unit(WHARFD).await?.is_active() })
}

async fn about() -> Result<About, EngineError> {
    let ask = async { Engine::of_units().await?.about().await };
    timeout(PATIENCE, ask).await.unwrap_or(Err(EngineError::Hangs))
}

/// Ports that containers of units publish on all addresses; none if the engine does not answer.
async fn open_ports() -> Vec<(String, String)> {
    let ask = async { Engine::of_units().await?.published_ports().await };
    let published = timeout(PATIENCE, ask).await.ok().and_then(Result::ok).unwrap_or_default();
    let is_open = |port: &PublishedPort| port.labels.contains_key(label::UNIT) && port.address.ip().is_unspecified();
    let open = published.into_iter().filter(is_open).map(|port| (port.container, port.address.to_string()));
    let open: BTreeSet<(String, String)> = open.collect();
    open.into_iter().collect()
}

/// The installed units whose definition has a healthcheck. `None`: only root may read a definition.
async fn healthchecks(manager: &Manager) -> Result<Option<Vec<String>>, ManagerError> {
    let units = installed_units(&manager.unit_path().await?).unwrap_or_default();
    let mut found = Vec::new();
    for unit in units.into_iter().filter(|unit| unit.mark.service.is_some()) {
        let file = unit.directory.join(ContainerSpec::file_of(&unit.name));
        if fs::File::open(&file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            return Ok(None);
        }
        if spec::read(&file).is_ok_and(|spec: ContainerSpec| spec.has_healthcheck()) {
            found.push(unit.name.into());
        }
    }
    Ok(Some(found))
}

/// Each project with a unit that was made from a file of this directory which has gone.
async fn without_file(manager: &Manager, stack_directory: &Path) -> Result<Vec<(String, String)>, ManagerError> {
    let units = installed_units(&manager.unit_path().await?).unwrap_or_default();
    let sources = units.into_iter().filter_map(|unit| Some((unit.mark.project, unit.mark.source?)));
    let gone = sources.filter(|(_, source)| has_gone(source, stack_directory));
    let gone: BTreeSet<_> = gone.map(|(project, source)| (project.to_string(), source.display().to_string())).collect();
    Ok(gone.into_iter().collect())
}

async fn firewall(manager: &Manager) -> Result<Option<Firewall>, ManagerError> {
    if manager.unit("firewalld.service").await?.is_active() {
        return Ok(Some(Firewall::Firewalld));
    }
    // Its unit is active also while it is off.
    let is_on =
        fs::read_to_string("/etc/ufw/ufw.conf").is_ok_and(|text| text.lines().any(|line| line.trim() == "ENABLED=yes"));
    Ok((is_on && manager.unit("ufw.service").await?.is_active()).then_some(Firewall::Ufw))
}

fn is_another(host: &str) -> bool {
    let own = ["", "unix:///run/docker.sock", "unix:///var/run/docker.sock"];
    !own.contains(&host)
}
