//! wharfd's interface io.wharf.Supervisor1 on the system bus, as its callers see it.
//!
//! In: properties and answers. Out: typed facts. Invariant: what wharfd does not know is `None`; wharfd itself uses only the
//! names of this.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use futures_util::{Stream, StreamExt, TryFutureExt};
use serde::{Serialize, Serializer};
use thiserror::Error;
use zbus::fdo::{self, DBusProxy, ObjectManagerProxy};
use zbus::proxy::CacheProperties;
use zbus::{Connection, MatchRule, proxy};

use crate::systemd::bus;
use crate::systemd::manager::reason;
use crate::systemd::path::encode;
use crate::systemd::peer::signals_of;
use crate::systemd::state::{Properties, take, take_word};
use crate::systemd::word::words;

/// The well-known name.
pub const NAME: &str = "io.wharf.Supervisor1";
/// The object of the manager; those of the containers lie below it.
pub const ROOT: &str = "/io/wharf/Supervisor1";
const CONTAINER: &str = "io.wharf.Supervisor1.Container";

/// The object of a container, by its unit.
pub fn path_of(unit: &str) -> String {
    format!("{ROOT}/container/{}", encode(unit))
}

/// The object of a project.
pub fn path_of_project(project: &str) -> String {
    format!("{ROOT}/project/{}", encode(project))
}

/// So long an answer is waited for: wharfd that is just being started answers after at most five seconds.
const PATIENCE: Duration = Duration::from_secs(10);

#[proxy(
    interface = "io.wharf.Supervisor1.Manager",
    default_service = "io.wharf.Supervisor1",
    default_path = "/io/wharf/Supervisor1"
)]
trait Manager {
    #[zbus(property)]
    fn engine_connected(&self) -> zbus::Result<bool>;
    fn list_undeclared_containers(&self) -> zbus::Result<Vec<(String, String, String)>>;
    fn list_health_outputs(&self) -> zbus::Result<HashMap<String, String>>;
}

#[proxy(interface = "io.wharf.Supervisor1.Container", default_service = "io.wharf.Supervisor1")]
trait Container {
    #[zbus(allow_interactive_auth)]
    fn check_image(&self) -> zbus::Result<String>;
    #[zbus(allow_interactive_auth)]
    fn get_file_changes(&self) -> zbus::Result<(Vec<(String, String)>, bool)>;
}

/// What wharfd knows of this host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether the engine answers. While it does not, this is what was known of the containers last.
    pub engine_connected: bool,
    /// The engine's containers that no stack declares, by name. `None`: the caller may not see them.
    pub undeclared: Option<Vec<Undeclared>>,
    /// By unit.
    pub containers: HashMap<String, KnownContainer>,
    /// Why `undeclared` and the output of healthchecks are missing.
    pub withheld: Option<String>,
}

/// A container of the engine that no stack of this host declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Undeclared {
    pub name: String,
    pub id: String,
    pub image: String,
}

words! {
    /// The result of a container's healthcheck.
    Health {
        /// There is no healthcheck.
        None = "none",
        Starting = "starting",
        Healthy = "healthy",
        Unhealthy = "unhealthy",
    }
}

/// What wharfd knows of one container; the properties of io.wharf.Supervisor1.Container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KnownContainer {
    pub health: Option<Health>,
    /// What the healthcheck printed last; `None` also if the caller may not see it.
    pub health_output: Option<String>,
    pub container_id: Option<String>,
    /// As declared.
    pub image: Option<String>,
    /// Of the image that the container was made of.
    pub image_id: Option<String>,
    /// SHA-256 of the definition on disk.
    pub spec_hash: Option<String>,
    /// SHA-256 of the definition that the container was made of.
    pub running_spec_hash: Option<String>,
    /// `None`: there is no container to compare.
    pub drift: Option<Vec<Drift>>,
    /// The published ports, as `docker ps` shows them.
    pub ports: Option<Vec<String>>,
    /// Restarts that were not an administrator's own, since wharfd was started.
    pub restart_count: Option<u32>,
    #[serde(serialize_with = "rfc3339")]
    pub last_restart: Option<SystemTime>,
    pub last_restart_reason: Option<String>,
    /// systemd restarts it again and again.
    pub crash_loop: bool,
}

/// One difference between a container and its definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    pub aspect: String,
    /// In words.
    pub text: String,
}

/// One change in the file system of a container since it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// `A`, `C` or `D`, as `docker diff` says.
    pub change: String,
    pub path: String,
}

/// Why there is no answer from wharfd.
#[derive(Debug, Clone, Error)]
pub enum SupervisorError {
    /// The bus knows no such name.
    #[error("wharfd is not installed")]
    NotInstalled,
    /// The bus knows it, and may not start it.
    #[error("wharfd is not enabled: `systemctl enable --now wharfd`")]
    NotEnabled,
    /// And nobody shall start it now.
    #[error("wharfd does not run")]
    NotRunning,
    /// Not in [`PATIENCE`].
    #[error("wharfd has not answered for {} s", PATIENCE.as_secs())]
    Silent,
    /// It cannot be started, or there is no bus; why.
    #[error("wharfd cannot be reached: {0}")]
    Unreachable(String),
    /// It refuses.
    #[error("{}", reason(.0).trim_end_matches('.'))]
    Refused(zbus::Error),
}

impl SupervisorError {
    /// For a call that wharfd refuses to nobody: it was the bus, or systemd, which cannot start it.
    fn before_it(self) -> Self {
        match self {
            Self::Refused(error) => Self::Unreachable(reason(&error).trim_end_matches('.').to_owned()),
            other => other,
        }
    }
}

impl From<zbus::Error> for SupervisorError {
    fn from(error: zbus::Error) -> Self {
        match &error {
            zbus::Error::FDO(inner) if matches!(**inner, fdo::Error::ServiceUnknown(_)) => Self::NotInstalled,
            zbus::Error::MethodError(name, ..) if name.as_str() == "org.freedesktop.systemd1.NoSuchUnit" => {
                Self::NotEnabled
            }
            _ => Self::Refused(error),
        }
    }
}

impl From<fdo::Error> for SupervisorError {
    fn from(error: fdo::Error) -> Self {
        zbus::Error::from(error).into()
    }
}

/// Whether a call may start wharfd, by bus activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Start,
    Never,
}

/// A connection to the bus that wharfd is on.
#[derive(Debug, Clone)]
pub struct Supervisor {
    connection: Connection,
    bus: DBusProxy<'static>,
}

impl Supervisor {
    /// Connects to the system bus; wharfd need not run.
    ///
    /// # Errors
    /// There is no bus.
    pub async fn connect() -> Result<Self, SupervisorError> {
        let connect = async {
            let connection = bus::system().await?;
            let bus = DBusProxy::new(&connection).await?;
            Ok(Self { connection, bus })
        };
        connect.await.map_err(SupervisorError::before_it)
    }

    /// All that wharfd knows.
    ///
    /// # Errors
    /// It is not there, or does not answer.
    pub async fn snapshot(&self, activation: Activation) -> Result<Snapshot, SupervisorError> {
        if activation == Activation::Never && !self.bus.name_has_owner(NAME.try_into()?).await? {
            return Err(SupervisorError::NotRunning);
        }
        soon(self.ask()).await.map_err(SupervisorError::before_it)
    }

    async fn ask(&self) -> Result<Snapshot, SupervisorError> {
        let objects = ObjectManagerProxy::builder(&self.connection).destination(NAME).path(ROOT);
        let objects = objects.cache_properties(CacheProperties::No).build().await?.get_managed_objects().await?;
        let manager = ManagerProxy::builder(&self.connection).cache_properties(CacheProperties::No).build().await?;
        let containers = objects.into_values().filter_map(|mut interfaces| interfaces.remove(CONTAINER));
        let containers = containers
            .filter_map(|mut properties| Some((take(&mut properties, "Unit")?, KnownContainer::from(properties))));
        let engine_connected = manager.engine_connected().await?;
        let mut snapshot = Snapshot { engine_connected, containers: containers.collect(), ..Snapshot::default() };
        let withheld = snapshot.add_private(&manager).await.err();
        snapshot.withheld = withheld.map(|error| reason(&error).trim_end_matches('.').to_owned());
        Ok(snapshot)
    }

    /// An item whenever properties of wharfd change, or it comes or goes; ends with the connection.
    ///
    /// # Errors
    /// The bus refuses.
    pub async fn changes(&self) -> Result<impl Stream<Item = ()> + Send + use<>, SupervisorError> {
        let signals = MatchRule::builder().path_namespace(ROOT);
        Ok(signals_of(&self.connection, NAME, signals).await?.map(drop))
    }

    /// What changed in the file system of a unit's container since it was made, by path, and whether there is more. Asks polkit.
    ///
    /// # Errors
    /// The caller may not ask, or the engine does not answer.
    pub async fn file_changes(&self, unit: &str) -> Result<(Vec<FileChange>, bool), SupervisorError> {
        let (changes, is_truncated) = self.container(unit).await?.get_file_changes().await?;
        let mut changes: Vec<_> = changes.into_iter().map(|(change, path)| FileChange { change, path }).collect();
        changes.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok((changes, is_truncated))
    }

    /// Has wharfd ask the registry what the image of a unit's container means there now. Asks polkit.
    ///
    /// # Errors
    /// The caller may not ask, or the registry does not answer.
    pub async fn check_image(&self, unit: &str) -> Result<(), SupervisorError> {
        let _digest = self.container(unit).await?.check_image().await?;
        Ok(())
    }

    async fn container(&self, unit: &str) -> Result<ContainerProxy<'static>, SupervisorError> {
        let builder = ContainerProxy::builder(&self.connection).cache_properties(CacheProperties::No);
        Ok(builder.path(path_of(unit)).build().await?)
    }
}

impl Snapshot {
    /// Adds what wharfd tells only root and users that polkit authorises.
    async fn add_private(&mut self, manager: &ManagerProxy<'_>) -> zbus::Result<()> {
        let undeclared = manager.list_undeclared_containers().await?;
        let mut undeclared: Vec<_> =
            undeclared.into_iter().map(|(name, id, image)| Undeclared { name, id, image }).collect();
        undeclared.sort_unstable();
        self.undeclared = Some(undeclared);
        for (unit, output) in manager.list_health_outputs().await? {
            if let Some(known) = self.containers.get_mut(&unit) {
                known.health_output = Some(output);
            }
        }
        Ok(())
    }
}

async fn soon<T>(answer: impl Future<Output = Result<T, SupervisorError>>) -> Result<T, SupervisorError> {
    tokio::time::timeout(PATIENCE, answer).unwrap_or_else(|_| Err(SupervisorError::Silent)).await
}

impl From<Properties> for KnownContainer {
    fn from(mut properties: Properties) -> Self {
        let all = &mut properties;
        let mut text = |name| take::<String>(all, name).filter(|text| !text.is_empty());
        let mut known = Self {
            container_id: text("ContainerId"),
            image: text("Image"),
            image_id: text("ImageId"),
            spec_hash: text("SpecHash"),
            running_spec_hash: text("RunningSpecHash"),
            last_restart_reason: text("LastRestartReason"),
            ..Self::default()
        };
        known.health =
            take_word(all, "Health").filter(|health| ![Health::Unset, Health::from("unknown")].contains(health));
        known.restart_count = take(all, "RestartCount");
        known.crash_loop = take(all, "CrashLoop").unwrap_or(false);
        let last_restart = take(all, "LastRestart").filter(|microseconds| *microseconds > 0);
        known.last_restart =
            last_restart.map(|microseconds| SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds));
        if known.container_id.is_some() {
            let drift: Option<Vec<(String, String)>> = take(all, "Drift");
            known.drift = drift.map(|drift| drift.into_iter().map(|(aspect, text)| Drift { aspect, text }).collect());
            known.ports = take(all, "Ports");
        }
        known
    }
}

pub(crate) fn rfc3339<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&humantime::format_rfc3339_micros(*time)),
        None => serializer.serialize_none(),
    }
}
