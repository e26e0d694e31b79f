//! systemd's Manager over D-Bus: org.freedesktop.systemd1(5).
//!
//! In: unit names and jobs. Out: properties, and how each job ended. Invariant: no job is started before its end can be seen.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{Stream, StreamExt};
use tokio::sync::OnceCell;
use zbus::message::Type as MessageType;
use zbus::proxy::CacheProperties;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant, fdo, proxy};

/// Which of systemd's managers is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    System,
    /// The manager of the calling user, on the session bus.
    User,
}

/// (type, link, target) of an enablement link that was made or removed.
type Link = (String, String, String);

/// (name, description, load, active, sub state, followed unit, unit path, job id, job type, job path)
type ListedUnit = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

#[proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait SystemdManager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn reload(&self) -> zbus::Result<()>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
    fn enable_unit_files(&self, files: &[&str], runtime: bool, force: bool) -> zbus::Result<(bool, Vec<Link>)>;
    fn disable_unit_files(&self, files: &[&str], runtime: bool) -> zbus::Result<Vec<Link>>;
    fn list_units_by_patterns(&self, states: &[&str], patterns: &[&str]) -> zbus::Result<Vec<ListedUnit>>;

    #[zbus(property)]
    fn unit_path(&self) -> zbus::Result<Vec<String>>;

    #[zbus(signal)]
    fn reloading(&self, active: bool) -> zbus::Result<()>;

    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: OwnedObjectPath, unit: String, result: String) -> zbus::Result<()>;
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

/// What to do to a unit; every job replaces what is queued for it, as `systemctl` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Start,
    Stop,
    Restart,
    /// Restarts the unit and nothing that requires it (job mode `ignore-dependencies`).
    RestartAlone,
}

/// How a job ended: the result of the signal JobRemoved, org.freedesktop.systemd1(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobResult {
    Done,
    Canceled,
    Timeout,
    Failed,
    /// A unit that this one requires could not be started.
    Dependency,
    Skipped,
    Other(String),
}

impl JobResult {
    fn new(result: &str) -> Self {
        match result {
            "done" => Self::Done,
            "canceled" => Self::Canceled,
            "timeout" => Self::Timeout,
            "failed" => Self::Failed,
            "dependency" => Self::Dependency,
            "skipped" => Self::Skipped,
            other => Self::Other(other.to_owned()),
        }
    }

    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

impl fmt::Display for JobResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Canceled => "canceled by another job",
            Self::Timeout => "timed out",
            Self::Failed => "failed",
            Self::Dependency => "dependency failed",
            Self::Skipped => "skipped",
            Self::Other(other) => other,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    pub unit: String,
    pub result: JobResult,
}

/// What systemd knows of one unit; names as in org.freedesktop.systemd1(5). Zero and empty where a unit type lacks one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    pub name: String,
    /// `loaded`, `not-found`, `masked`…
    pub load: String,
    pub active: String,
    pub sub: String,
    pub status_text: String,
    /// Why a service failed: `exit-code`, `signal`, `timeout`… `success` if it did not.
    pub result: String,
    pub exec_main_status: i32,
    pub main_pid: u32,
    pub restarts: u32,
    pub active_since: Option<SystemTime>,
    /// When the main process was executed; of a unit without one, when it became active.
    pub started: Option<SystemTime>,
    pub slice: String,
    pub requires: Vec<String>,
    pub need_daemon_reload: bool,
}

impl UnitState {
    pub fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "refreshing")
    }

    pub fn is_running(&self) -> bool {
        self.active != "inactive" && self.active != "failed"
    }
}

/// What the processes of a slice use; `None` where it is not accounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub cpu: Option<Duration>,
    /// Bytes.
    pub memory: Option<u64>,
}

/// Something that systemd announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// A service's state, or whether a job is under way for it, may have changed: what it is now.
    Service { unit: String, is_running: bool },
    /// Unit files were read anew.
    Reloaded,
}

#[derive(Debug)]
pub enum ManagerError {
    /// The bus or systemd on it does not answer.
    Unreachable { scope: Scope, error: zbus::Error },
    /// A call was refused.
    Call { what: String, error: zbus::Error },
    /// The connection ended while jobs were under way.
    Lost,
}

impl fmt::Display for ManagerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { scope: Scope::System, error } => {
                write!(f, "cannot reach systemd on the system bus: {error}")
            }
            Self::Unreachable { scope: Scope::User, error } => {
                write!(f, "cannot reach the user's systemd on the session bus: {error}")
            }
            Self::Call { what, error } => write!(f, "systemd refused to {what}: {}", reason(error)),
            Self::Lost => {
                f.write_str("the connection to systemd ended while jobs were under way; see `systemctl list-jobs`")
            }
        }
    }
}

impl std::error::Error for ManagerError {}

/// systemd's own sentence, without the error's D-Bus name.
fn reason(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(_, Some(message), _) => message.clone(),
        other => other.to_string(),
    }
}

/// Whether the running init is systemd: sd_booted(3).
pub fn is_booted() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// A connection to one manager.
#[derive(Debug, Clone)]
pub struct Manager {
    connection: Connection,
    proxy: SystemdManagerProxy<'static>,
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
            Scope::System => Connection::system().await,
            Scope::User => Connection::session().await,
        }
        .map_err(unreachable)?;
        let builder = SystemdManagerProxy::builder(&connection).cache_properties(CacheProperties::No);
        let proxy = builder.build().await.map_err(unreachable)?;
        Ok(Self { connection, proxy, subscribed: Arc::default() })
    }

    /// The directories that systemd reads units from, highest priority first.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn unit_path(&self) -> Result<Vec<PathBuf>, ManagerError> {
        let paths = self.proxy.unit_path().await.map_err(refused("tell its unit path"))?;
        Ok(paths.into_iter().map(PathBuf::from).collect())
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

    /// What systemd announces of its services from now on; ends with the connection.
    ///
    /// Whoever calls systemd must not be the one who takes these: a queue of them that is full keeps the answers back.
    ///
    /// # Errors
    /// The bus or systemd refuses.
    pub async fn announcements(&self) -> Result<impl Stream<Item = Announcement> + Send + use<>, ManagerError> {
        let failed = refused("announce changes");
        self.subscribe().await.map_err(&failed)?;
        let changes = MatchRule::builder()
            .msg_type(MessageType::Signal)
            .sender("org.freedesktop.systemd1")
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace(UNITS)
            .add_arg("org.freedesktop.systemd1.Unit")
            .build()
            .map_err(&failed)?;
        let changes = MessageStream::for_match_rule(changes, &self.connection, None).await.map_err(&failed)?;
        let changes = changes.filter_map(|message| std::future::ready(message.ok().and_then(|it| service_change(&it))));
        let reloads = self.proxy.receive_reloading().await.map_err(&failed)?;
        let reloads = reloads.filter_map(|signal| {
            let begins = signal.args().map_or(true, |args| args.active);
            std::future::ready((!begins).then_some(Announcement::Reloaded))
        });
        Ok(futures_util::stream::select(changes, reloads))
    }

    /// Whether a service is active and nothing is under way for it, neither a job nor an end.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn is_running(&self, unit: &str) -> Result<bool, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {unit}"), error };
        let builder = SystemdUnitProxy::builder(&self.connection).cache_properties(CacheProperties::No);
        let proxy = builder.path(path_of(unit)).build().await.map_err(failed)?;
        // At once, and nothing but these: this is between a container that hangs and its restart.
        let (active, sub, job) = tokio::join!(proxy.active_state(), proxy.sub_state(), proxy.job());
        let (active, sub, (job, _)) = (active.map_err(failed)?, sub.map_err(failed)?, job.map_err(failed)?);
        Ok(active == "active" && sub == "running" && job == 0)
    }

    /// The file that a unit was loaded from, if there is one.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn fragment(&self, unit: &str) -> Result<Option<PathBuf>, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {unit}"), error };
        let path = self.proxy.load_unit(unit).await.map_err(failed)?;
        let mut properties = self.properties(&path, "org.freedesktop.systemd1.Unit").await.map_err(failed)?;
        Ok(take::<String>(&mut properties, "FragmentPath").filter(|path| !path.is_empty()).map(PathBuf::from))
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
        let mut removed = self.proxy.receive_job_removed().await.map_err(refused("announce the ends of jobs"))?;
        let mut queueing = std::pin::pin!(self.queue_all(jobs));
        let mut queued: Option<HashSet<OwnedObjectPath>> = None;
        let mut ended = Ended::default();
        // Signals are taken while jobs are still being queued: a full queue of them would keep the answers back.
        while !queued.as_ref().is_some_and(|jobs| jobs.is_subset(&ended.jobs)) {
            tokio::select! {
                jobs = &mut queueing, if queued.is_none() => queued = Some(jobs?),
                signal = removed.next() => {
                    let signal = signal.ok_or(ManagerError::Lost)?;
                    ended.add(&signal.args().map_err(refused("say how a job ended"))?);
                }
            }
        }
        let asked = |unit: &str| jobs.iter().any(|(_, asked)| *asked == unit);
        ended.outcomes.retain(|outcome| asked(&outcome.unit) || also.contains(&outcome.unit));
        Ok(ended.outcomes)
    }

    /// Without it systemd sends no signals. Asked for once; that it has been before is no error.
    async fn subscribe(&self) -> zbus::Result<()> {
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
            Job::RestartAlone => ("restart", self.proxy.restart_unit(unit, "ignore-dependencies").await),
        };
        queued.map_err(|error| ManagerError::Call { what: format!("{verb} {unit}"), error })
    }

    /// `systemctl reset-failed`, for a unit that is about to go; one that systemd does not know is no error.
    pub async fn forget_failure(&self, unit: &str) {
        let _nothing_to_forget = self.proxy.reset_failed_unit(unit).await;
    }

    /// Names of loaded units that match one of the patterns (glob(7)) and run, or are between two attempts.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn active_units(&self, patterns: &[&str]) -> Result<Vec<String>, ManagerError> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let states = ["active", "activating", "reloading", "deactivating"];
        let listed = self.proxy.list_units_by_patterns(&states, patterns).await.map_err(refused("list units"))?;
        Ok(listed.into_iter().map(|unit| unit.0).collect())
    }

    /// What systemd knows of a unit, which is loaded for it if need be.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn unit(&self, name: &str) -> Result<UnitState, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {name}"), error };
        let path = self.proxy.load_unit(name).await.map_err(failed)?;
        let mut properties = self.properties(&path, "org.freedesktop.systemd1.Unit").await.map_err(failed)?;
        if name.ends_with(".service") {
            properties.extend(self.properties(&path, "org.freedesktop.systemd1.Service").await.map_err(failed)?);
        }
        Ok(state(name, properties))
    }

    /// What the units in a slice use.
    ///
    /// # Errors
    /// systemd does not answer.
    pub async fn usage(&self, slice: &str) -> Result<Usage, ManagerError> {
        let failed = |error| ManagerError::Call { what: format!("describe {slice}"), error };
        let path = self.proxy.load_unit(slice).await.map_err(failed)?;
        let mut properties = self.properties(&path, "org.freedesktop.systemd1.Slice").await.map_err(failed)?;
        // "Not accounted" is the largest number.
        let mut accounted = |name: &str| take::<u64>(&mut properties, name).filter(|value| *value != u64::MAX);
        Ok(Usage { cpu: accounted("CPUUsageNSec").map(Duration::from_nanos), memory: accounted("MemoryCurrent") })
    }

    async fn properties(&self, path: &OwnedObjectPath, interface: &'static str) -> zbus::Result<Properties> {
        let builder = fdo::PropertiesProxy::builder(&self.connection).cache_properties(CacheProperties::No);
        let proxy = builder.destination("org.freedesktop.systemd1").path(path.clone()).build().await?;
        let interface = zbus::names::InterfaceName::from_static_str(interface)?;
        Ok(proxy.get_all(interface).await?)
    }
}

/// The jobs that have ended so far; of several for one unit the last one's result counts.
#[derive(Default)]
struct Ended {
    jobs: HashSet<OwnedObjectPath>,
    outcomes: Vec<JobOutcome>,
}

impl Ended {
    fn add(&mut self, args: &JobRemovedArgs<'_>) {
        self.jobs.insert(args.job.clone());
        self.outcomes.retain(|outcome| outcome.unit != args.unit);
        self.outcomes.push(JobOutcome { unit: args.unit.clone(), result: JobResult::new(&args.result) });
    }
}

type Properties = HashMap<String, OwnedVariant>;

/// Where systemd's units are on the bus.
const UNITS: &str = "/org/freedesktop/systemd1/unit";

fn is_running(properties: &Properties) -> bool {
    let is = |name: &str, value: &str| {
        properties.get(name).and_then(|found| found.downcast_ref::<&str>().ok()).is_some_and(|found| found == value)
    };
    // (id, path) of the job that is under way; 0: none.
    let job = properties.get("Job").and_then(|job| job.downcast_ref::<zbus::Structure<'_>>().ok());
    let is_idle = job.is_none_or(|job| matches!(job.fields().first(), Some(zbus::Variant::U32(0))));
    is("ActiveState", "active") && is("SubState", "running") && is_idle
}

/// A PropertiesChanged signal of a service, which systemd sends with all that ever changes (org.freedesktop.systemd1(5)).
fn service_change(message: &Message) -> Option<Announcement> {
    let header = message.header();
    let unit = unit_of(header.path()?.as_str()).filter(|unit| unit.ends_with(".service"))?;
    let body = message.body();
    let (_, changed, _): (&str, Properties, Vec<&str>) = body.deserialize().ok()?;
    changed.contains_key("ActiveState").then(|| Announcement::Service { unit, is_running: is_running(&changed) })
}

/// The object path of a unit.
fn path_of(unit: &str) -> String {
    let mut path = format!("{UNITS}/");
    for (index, byte) in unit.bytes().enumerate() {
        match byte {
            b'0'..=b'9' if index > 0 => path.push(char::from(byte)),
            b'a'..=b'z' | b'A'..=b'Z' => path.push(char::from(byte)),
            other => {
                let _infallible = write!(path, "_{other:02x}");
            }
        }
    }
    path
}

/// The unit of an object path: what is neither a letter nor a digit is `_` and two hexadecimal digits (sd_bus_path_encode(3)).
fn unit_of(path: &str) -> Option<String> {
    let mut bytes = path.strip_prefix(UNITS)?.strip_prefix('/')?.bytes();
    let mut unit = Vec::new();
    while let Some(byte) = bytes.next() {
        let code = match byte {
            b'_' => [bytes.next()?, bytes.next()?],
            other => {
                unit.push(other);
                continue;
            }
        };
        unit.push(u8::from_str_radix(std::str::from_utf8(&code).ok()?, 16).ok()?);
    }
    String::from_utf8(unit).ok()
}

fn state(name: &str, mut properties: Properties) -> UnitState {
    let properties = &mut properties;
    let text = |properties: &mut Properties, name: &str| take::<String>(properties, name).unwrap_or_default();
    let active_since = take(properties, "ActiveEnterTimestamp").and_then(timestamp);
    UnitState {
        name: name.to_owned(),
        load: text(properties, "LoadState"),
        active: text(properties, "ActiveState"),
        sub: text(properties, "SubState"),
        status_text: text(properties, "StatusText"),
        result: text(properties, "Result"),
        slice: text(properties, "Slice"),
        exec_main_status: take(properties, "ExecMainStatus").unwrap_or_default(),
        main_pid: take(properties, "MainPID").unwrap_or_default(),
        restarts: take(properties, "NRestarts").unwrap_or_default(),
        active_since,
        started: take(properties, "ExecMainStartTimestamp").and_then(timestamp).or(active_since),
        requires: take(properties, "Requires").unwrap_or_default(),
        need_daemon_reload: take(properties, "NeedDaemonReload").unwrap_or_default(),
    }
}

fn take<T: TryFrom<OwnedVariant>>(properties: &mut Properties, name: &str) -> Option<T> {
    T::try_from(properties.remove(name)?).ok()
}

/// Microseconds since 1970; zero: never.
fn timestamp(microseconds: u64) -> Option<SystemTime> {
    (microseconds > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds))
}

fn refused(what: &'static str) -> impl Fn(zbus::Error) -> ManagerError {
    move |error| ManagerError::Call { what: what.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_the_path_that_systemd_gives_it() {
        assert_eq!(path_of("shop-web@1.service"), format!("{UNITS}/shop_2dweb_401_2eservice"));
        assert_eq!(path_of("1.service"), format!("{UNITS}/_31_2eservice"));
        for unit in ["shop-web@1.service", "1.service", "a\\x2db.service"] {
            assert_eq!(unit_of(&path_of(unit)).as_deref(), Some(unit));
        }
    }
}
