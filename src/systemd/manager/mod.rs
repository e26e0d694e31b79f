//! systemd's Manager over D-Bus: org.freedesktop.systemd1(5).
//!
//! In: unit names and jobs. Out: properties, and how each job ended.
//! Invariant: no job is started before its end can be seen.

pub(super) mod units;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use thiserror::Error;
use tokio::sync::OnceCell;
use zbus::proxy::CacheProperties;
use zbus::{Connection, MatchRule, Message, OwnedObjectPath, fdo, proxy};

use super::bus;
use super::job::{Job, JobOutcome, JobResult};
use super::path::path_of;
use super::peer::{signal, signals_of};
use super::state::{ActiveState, SubState, is_steady};

/// The well-known name of systemd.
pub(super) const NAME: &str = "org.freedesktop.systemd1";
pub(super) const INTERFACE: &str = "org.freedesktop.systemd1.Manager";
const PATH: &str = "/org/freedesktop/systemd1";

/// One of systemd's managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    System,
    /// The manager of the calling user, on the session bus.
    User,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::System => "systemd on the system bus",
            Self::User => "the user's systemd on the session bus",
        }
    }
}

/// (type, link, target) of an enablement link that was made or removed.
type Link = (String, String, String);

/// (name, description, load, active, sub state, followed unit, unit path, job id, job type, job path)
pub(in crate::systemd) type ListedUnit =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub(super) trait SystemdManager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn reload(&self) -> zbus::Result<()>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn get_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn ref_unit(&self, name: &str) -> zbus::Result<()>;
    fn unref_unit(&self, name: &str) -> zbus::Result<()>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    #[zbus(name = "GetUnitByPID")]
    fn get_unit_by_pid(&self, pid: u32) -> zbus::Result<OwnedObjectPath>;
    fn get_unit_processes(&self, name: &str) -> zbus::Result<Vec<(String, u32, String)>>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
    fn enable_unit_files(&self, files: &[&str], runtime: bool, force: bool) -> zbus::Result<(bool, Vec<Link>)>;
    fn disable_unit_files(&self, files: &[&str], runtime: bool) -> zbus::Result<Vec<Link>>;
    fn list_units_by_patterns(&self, states: &[&str], patterns: &[&str]) -> zbus::Result<Vec<ListedUnit>>;

    fn get_unit_file_state(&self, name: &str) -> zbus::Result<String>;

    #[zbus(property)]
    fn unit_path(&self) -> zbus::Result<Vec<String>>;
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;
}

#[proxy(interface = "org.freedesktop.systemd1.Unit", default_service = "org.freedesktop.systemd1")]
trait SystemdUnit {
    #[zbus(property)]
    fn active_state(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn sub_state(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn job(&self) -> zbus::Result<(u32, OwnedObjectPath)>;
}

#[derive(Debug, Error)]
pub enum ManagerError {
    /// The bus or systemd on it does not answer.
    #[error("cannot reach {}: {error}", .scope.as_str())]
    Unreachable { scope: Scope, error: zbus::Error },
    /// A call was refused.
    #[error("systemd refused to {what}: {}", reason(.error))]
    Call { what: String, error: zbus::Error },
    /// The connection ended while jobs were under way.
    #[error("the connection to systemd ended while jobs were under way; see `systemctl list-jobs`")]
    Lost,
}

/// The sentence of who refuses, without the error's D-Bus name.
pub(crate) fn reason(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(_, Some(why), _) => why.clone(),
        zbus::Error::FDO(error) => match error.as_ref() {
            fdo::Error::AccessDenied(why)
            | fdo::Error::Failed(why)
            | fdo::Error::InteractiveAuthorizationRequired(why)
            | fdo::Error::LimitsExceeded(why) => why.clone(),
            error => error.to_string(),
        },
        error => error.to_string(),
    }
}

/// Whether the running init is systemd: sd_booted(3).
pub fn is_booted() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// A connection to one manager.
#[derive(Debug, Clone)]
pub struct Manager {
    pub(super) connection: Connection,
    pub(super) proxy: SystemdManagerProxy<'static>,
    /// systemd has been asked for signals.
    subscribed: Arc<OnceCell<()>>,
}

impl Manager {
    /// Connects to the system or the session bus.
    ///
    /// # Errors
    /// [`ManagerError::Unreachable`]
    pub async fn connect(scope: Scope) -> Result<Self, ManagerError> {
        let unreachable = |error| ManagerError::Unreachable { scope, error };
        let connection = match scope {
            Scope::System => bus::system().await,
            Scope::User => Connection::session().await,
        }
        .map_err(unreachable)?;
        Self::on(&connection).await.map_err(unreachable)
    }

    /// The manager on a bus that is connected already.
    pub(crate) async fn on(connection: &Connection) -> zbus::Result<Self> {
        let builder = SystemdManagerProxy::builder(connection).cache_properties(CacheProperties::No);
        Ok(Self { connection: connection.clone(), proxy: builder.build().await?, subscribed: Arc::default() })
    }

    /// The directories that systemd reads units from, highest priority first.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn unit_path(&self) -> Result<Vec<PathBuf>, ManagerError> {
        let paths = self.proxy.unit_path().await.map_err(refused("name its unit path"))?;
        Ok(paths.into_iter().map(PathBuf::from).collect())
    }

    /// systemd's version, as `257.9-1~deb13u1`.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn version(&self) -> Result<String, ManagerError> {
        self.proxy.version().await.map_err(refused("name its version"))
    }

    /// Whether a unit is enabled, for good or until the next boot: `systemctl is-enabled`. One that is not there is not.
    pub async fn is_enabled(&self, unit: &str) -> bool {
        let state = self.proxy.get_unit_file_state(unit).await;
        state.is_ok_and(|state| state.starts_with("enabled"))
    }

    /// `systemctl daemon-reload`
    ///
    /// # Errors
    /// The reload failed, or the caller may not ask for it.
    pub async fn reload(&self) -> Result<(), ManagerError> {
        self.proxy.reload().await.map_err(refused("reload its units"))
    }

    /// `systemctl enable`, without a reload.
    ///
    /// # Errors
    /// A link cannot be made.
    pub async fn enable(&self, units: &[&str], runtime: bool) -> Result<(), ManagerError> {
        let what = || format!("enable {}", units.join(", "));
        self.proxy
            .enable_unit_files(units, runtime, false)
            .await
            .map_err(|error| ManagerError::Call { what: what(), error })?;
        Ok(())
    }

    /// `systemctl disable`, without a reload.
    ///
    /// # Errors
    /// A link cannot be removed.
    pub async fn disable(&self, units: &[&str], runtime: bool) -> Result<(), ManagerError> {
        let what = || format!("disable {}", units.join(", "));
        self.proxy
            .disable_unit_files(units, runtime)
            .await
            .map_err(|error| ManagerError::Call { what: what(), error })?;
        Ok(())
    }

    /// Whether a service is active and nothing is under way for it, neither a job nor an end.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn is_steady(&self, unit: &str) -> Result<bool, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {unit}"), error };
        let builder = SystemdUnitProxy::builder(&self.connection).cache_properties(CacheProperties::No);
        let proxy = builder.path(path_of(unit)).build().await.map_err(failed)?;
        // At once, and nothing but these: this is between a container that hangs and its restart.
        let (active, sub, job) = tokio::join!(proxy.active_state(), proxy.sub_state(), proxy.job());
        let (active, sub, (job, _)) = (active.map_err(failed)?, sub.map_err(failed)?, job.map_err(failed)?);
        Ok(is_steady(&ActiveState::from(active.as_str()), &SubState::from(sub.as_str()), job))
    }

    /// Queues jobs and waits until all have ended, and how those ended that they pulled in for `also`.
    ///
    /// # Errors
    /// systemd refuses to queue one, or the connection ends.
    pub async fn run(&self, jobs: &[(Job, &str)], also: &BTreeSet<String>) -> Result<Vec<JobOutcome>, ManagerError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.subscribe().await.map_err(refused("announce the ends of jobs"))?;
        let removed = self.own_signals("JobRemoved").await.map_err(refused("announce the ends of jobs"))?;
        let mut removed = std::pin::pin!(removed);
        let mut queueing = std::pin::pin!(self.queue_all(jobs));
        let mut queued: Option<HashSet<OwnedObjectPath>> = None;
        let mut ended = Ended::default();
        // Signals are taken while jobs are still being queued: a full queue of them would keep the answers back.
        while !queued.as_ref().is_some_and(|jobs| jobs.is_subset(&ended.jobs)) {
            tokio::select! {
                jobs = &mut queueing, if queued.is_none() => queued = Some(jobs?),
                signal = removed.next() => {
                    let signal = signal.ok_or(ManagerError::Lost)?;
                    ended.add(signal.body().deserialize().map_err(refused("say how a job ended"))?);
                }
            }
        }
        let asked = |unit: &str| jobs.iter().any(|(_, asked)| *asked == unit);
        ended.outcomes.retain(|outcome| asked(&outcome.unit) || also.contains(&outcome.unit));
        Ok(ended.outcomes)
    }

    /// Queues the start of a unit, and does not wait for its end.
    ///
    /// # Errors
    /// systemd refuses to queue it.
    pub async fn begin(&self, unit: &str) -> Result<(), ManagerError> {
        self.queue(Job::Start, unit).await.map(drop)
    }

    /// Signals of the manager itself, from systemd and nobody else.
    pub(super) async fn own_signals(
        &self,
        member: &'static str,
    ) -> zbus::Result<impl Stream<Item = Message> + Send + use<>> {
        let signals = MatchRule::builder().path(PATH).interface(INTERFACE).member(member);
        Ok(signals_of(&self.connection, NAME, signals).await?.filter_map(signal))
    }

    /// Without it systemd sends no signals. Asked for once; that it has been before is no error.
    pub(super) async fn subscribe(&self) -> zbus::Result<()> {
        let ask = || async {
            match self.proxy.subscribe().await {
                Err(zbus::Error::MethodError(name, ..)) if name == "org.freedesktop.systemd1.AlreadySubscribed" => {
                    Ok(())
                }
                other => other,
            }
        };
        self.subscribed.get_or_try_init(ask).await.copied()
    }

    async fn queue_all(&self, jobs: &[(Job, &str)]) -> Result<HashSet<OwnedObjectPath>, ManagerError> {
        let mut queued = HashSet::new();
        for (job, unit) in jobs {
            queued.insert(self.queue(*job, unit).await?);
        }
        Ok(queued)
    }

    async fn queue(&self, job: Job, unit: &str) -> Result<OwnedObjectPath, ManagerError> {
        let (verb, queued) = match job {
            Job::Start => ("start", self.proxy.start_unit(unit, "replace").await),
            Job::Stop => ("stop", self.proxy.stop_unit(unit, "replace").await),
            Job::Restart => ("restart", self.proxy.restart_unit(unit, "replace").await),
            Job::StopAlone => ("stop", self.proxy.stop_unit(unit, "ignore-dependencies").await),
            Job::RestartAlone => ("restart", self.proxy.restart_unit(unit, "ignore-dependencies").await),
        };
        queued.map_err(|error| ManagerError::Call { what: format!("{verb} {unit}"), error })
    }

    /// `systemctl reset-failed`, for a unit that is about to go; one that systemd does not know is no error.
    pub async fn forget_failure(&self, unit: &str) {
        let _nothing_to_forget = self.proxy.reset_failed_unit(unit).await;
    }
}

/// The arguments of JobRemoved: (id, job, unit, result)
type JobRemoved = (u32, OwnedObjectPath, String, String);

/// The jobs that have ended so far; of several for one unit the last one's result counts.
#[derive(Default)]
struct Ended {
    jobs: HashSet<OwnedObjectPath>,
    outcomes: Vec<JobOutcome>,
}

impl Ended {
    fn add(&mut self, (_, job, unit, result): JobRemoved) {
        self.jobs.insert(job);
        self.outcomes.retain(|outcome| outcome.unit != unit);
        self.outcomes.push(JobOutcome { unit, result: JobResult::new(&result) });
    }
}

pub(super) fn refused(what: &'static str) -> impl Fn(zbus::Error) -> ManagerError {
    move |error| ManagerError::Call { what: what.to_owned(), error }
}
