//! What systemd knows of units: which it has in memory, and the properties of each.

use std::path::PathBuf;

use zbus::proxy::CacheProperties;
use zbus::{OwnedObjectPath, fdo};

use super::{ListedUnit, Manager, ManagerError, NAME, refused};
use crate::name::{UnitKind, UnitName};
use crate::systemd::path::unit_of;
use crate::systemd::state::{ActiveState, LoadState, Properties, SubState, UnitState};

/// The error of a unit that systemd does not have in memory: org.freedesktop.systemd1(5).
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";

/// A unit that systemd has in memory, as it lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedUnit {
    pub name: UnitName,
    pub load: LoadState,
    pub active: ActiveState,
    pub sub: SubState,
    /// The job that is under way for it; 0: none.
    pub job: u32,
}

impl LoadedUnit {
    /// Whether it runs, or a job is under way for it.
    pub fn is_busy(&self) -> bool {
        self.active.is_running() || self.job != 0
    }
}

/// A process of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitProcess {
    /// Its control group, as cgroups(7) writes it: `/system.slice/ssh.service`.
    pub control_group: PathBuf,
    /// Its command line, in which blanks may stand for anything.
    pub command: String,
}

impl Manager {
    /// Names of loaded units that match one of the patterns (glob(7)) and run, or are between two attempts.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn active_units(&self, patterns: &[&str]) -> Result<Vec<UnitName>, ManagerError> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let states = ["active", "activating", "reloading", "deactivating"];
        Ok(self.list(&states, patterns).await?.into_iter().map(|unit| unit.name).collect())
    }

    /// All loaded units that match one of the patterns (glob(7)), whether they run or not.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn loaded_units(&self, patterns: &[&str]) -> Result<Vec<LoadedUnit>, ManagerError> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        self.list(&[], patterns).await
    }

    /// Units that systemd has in memory without a unit file and that match one of the patterns (glob(7)).
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn units_without_file(&self, patterns: &[&str]) -> Result<Vec<LoadedUnit>, ManagerError> {
        self.list(&[LoadState::NotFound.as_str()], patterns).await
    }

    /// `states`: those of loading, activity or the unit's type; none are all.
    async fn list(&self, states: &[&str], patterns: &[&str]) -> Result<Vec<LoadedUnit>, ManagerError> {
        let listed = self.proxy.list_units_by_patterns(states, patterns).await.map_err(refused("list units"))?;
        let unit = |(name, _, load, active, sub, _, _, job, ..): ListedUnit| {
            Some(LoadedUnit {
                name: UnitName::parse(&name).ok()?,
                load: LoadState::from(load.as_str()),
                active: ActiveState::from(active.as_str()),
                sub: SubState::from(sub.as_str()),
                job,
            })
        };
        Ok(listed.into_iter().filter_map(unit).collect())
    }

    /// The processes of a unit, without those in units below it; none if systemd does not know the unit.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn processes(&self, unit: &str) -> Result<Vec<UnitProcess>, ManagerError> {
        let processes = match self.proxy.get_unit_processes(unit).await {
            Err(zbus::Error::MethodError(name, ..)) if name == NO_SUCH_UNIT => Vec::new(),
            answer => {
                answer.map_err(|error| ManagerError::Call { what: format!("list processes of {unit}"), error })?
            }
        };
        let process = |(control_group, _, command): (String, u32, String)| UnitProcess {
            control_group: control_group.into(),
            command,
        };
        Ok(processes.into_iter().map(process).collect())
    }

    /// Does some work while systemd keeps these units in memory, and with them those that they need or want. Otherwise systemd would load
    /// what does not run again for each question, with all that belongs to it. `work` is given whether they are kept: only root may
    /// ask for that.
    pub async fn while_loaded<T>(&self, units: &[&UnitName], work: impl AsyncFnOnce(bool) -> T) -> T {
        let mut kept: Vec<&UnitName> = Vec::new();
        for &unit in units {
            kept.extend(self.proxy.ref_unit(unit).await.ok().map(|()| unit));
        }
        let result = work(kept.len() == units.len()).await;
        for unit in kept {
            let _is_gone_with_the_connection = self.proxy.unref_unit(unit).await;
        }
        result
    }

    /// What systemd knows of a unit, which is loaded for it if need be.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn unit(&self, name: &str) -> Result<UnitState, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {name}"), error };
        let path = self.proxy.load_unit(name).await.map_err(failed)?;
        self.unit_at(name, &path).await.map_err(failed)
    }

    /// The same of a unit that systemd has in memory. Of another one, it says that it does not run.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn unit_in_memory(&self, name: &str) -> Result<UnitState, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {name}"), error };
        match self.proxy.get_unit(name).await {
            Ok(path) => self.unit_at(name, &path).await.map_err(failed),
            Err(zbus::Error::MethodError(error, ..)) if error == NO_SUCH_UNIT => {
                let (load, active, sub) = (LoadState::Loaded, ActiveState::Inactive, SubState::from("dead"));
                Ok(UnitState { name: name.to_owned(), load, active, sub, ..UnitState::default() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn unit_at(&self, name: &str, path: &OwnedObjectPath) -> zbus::Result<UnitState> {
        let mut properties = self.properties(path, "org.freedesktop.systemd1.Unit").await?;
        let interface = match UnitName::parse(name).map(|unit| unit.kind()) {
            Ok(UnitKind::Service) => Some("org.freedesktop.systemd1.Service"),
            Ok(UnitKind::Timer) => Some("org.freedesktop.systemd1.Timer"),
            _ => None,
        };
        if let Some(interface) = interface {
            properties.extend(self.properties(path, interface).await?);
        }
        Ok(UnitState::new(name, properties.into()))
    }

    /// The unit that a process belongs to, if systemd knows it.
    pub async fn unit_of_process(&self, pid: u32) -> Option<String> {
        unit_of(self.proxy.get_unit_by_pid(pid).await.ok()?.as_str())
    }

    async fn properties(&self, path: &OwnedObjectPath, interface: &'static str) -> zbus::Result<Properties> {
        let builder = fdo::PropertiesProxy::builder(&self.connection).cache_properties(CacheProperties::No);
        let proxy = builder.destination(NAME).path(path.clone()).build().await?;
        let interface = zbus::names::InterfaceName::from_static_str(interface)?;
        Ok(proxy.get_all(interface).await?)
    }
}
