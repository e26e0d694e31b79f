//! The loop of wharfd: whatever happens next, and what follows from it.
//!
//! In: events of the engine and of systemd, requests, ends of what was begun. Out: the same to [`Policy`] and [`Agenda`], and what
//! they decide as tasks; facts to the [`Api`]. Invariant: the loop itself waits for nothing but short questions to systemd.

mod events;
mod tasks;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, channel, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::agenda::Agenda;
use super::api::{Api, Response, Update};
use super::audit;
use super::config::{self, Config};
use super::crashes::Crashes;
use super::facts::Facts;
use super::policy::Policy;
use super::watch::watch;
use crate::engine::Engine;
use crate::mark::InstalledUnit;
use crate::name::UnitName;
use crate::signals::{Signal, Signals};
use crate::systemd::{Announcement, Manager, ManagerError, Services, service};
use tasks::Completion;

/// Events of the engine, and requests, that may wait for their turn.
const WAITING: usize = 64;

/// The name on the bus is taken once everything is known, and at the latest after this time.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(5);

/// Why wharfd cannot go on. systemd starts it again.
#[derive(Debug, Error)]
pub enum SuperviseError {
    #[error(transparent)]
    Manager(#[from] ManagerError),
    #[error("cannot listen to signals: {0}")]
    Signals(std::io::Error),
    /// The other thread has ended, as the bus was lost.
    #[error("the connection to the bus ended")]
    Api,
}

/// Supervises until the bus is lost, which is when the process cannot act any more and systemd starts it again.
///
/// # Errors
/// systemd does not answer.
pub async fn supervise(manager: Manager) -> Result<(), SuperviseError> {
    let hangups = Signals::listen(&[Signal::SIGHUP]).map_err(SuperviseError::Signals)?;
    let services = Services::default();
    let mut announcements = taken_at_once(&manager, services.clone()).await?;
    let (to, mut engine_events) = channel(WAITING);
    tokio::spawn(watch(to));
    let (to, mut requests) = channel(WAITING);
    let config = Config::read(Path::new(config::FILE)).unwrap_or_else(|error| {
        tracing::error!("{error}\ngoing on without it");
        Config::default()
    });
    let (api, mut api_ended) = Api::start(to);
    let mut supervisor = Supervisor::new(manager, config, api, services);
    supervisor.refresh_units().await?;
    supervisor.resume();
    let mut watchdog = service::watchdog();
    let first_snapshot = Instant::now() + FIRST_SNAPSHOT;
    loop {
        supervisor.begin_due();
        supervisor.end_crash_loops();
        let next = supervisor.next_due().into_iter().chain((!supervisor.is_ready).then_some(first_snapshot)).min();
        tokio::select! {
            event = engine_events.recv() => match event {
                Some(event) => supervisor.handle_engine(event).await?,
                None => return Ok(()),
            },
            announcement = announcements.recv() => match announcement {
                Some(announcement) => supervisor.handle_announcement(announcement).await?,
                None => return Err(ManagerError::Lost.into()),
            },
            request = requests.recv() => match request {
                Some(request) => supervisor.handle_request(request),
                None => return Err(SuperviseError::Api),
            },
            Some(Ok(completion)) = supervisor.tasks.next() => supervisor.handle_completion(completion).await?,
            _ = &mut api_ended => return Err(SuperviseError::Api),
            () = hangups.wait() => supervisor.reload(),
            () = watchdog.due() => if supervisor.api.is_alive() { service::alive() },
            () = until(next) => {}
        }
        if !supervisor.is_ready && (supervisor.agenda.is_complete() || first_snapshot <= Instant::now()) {
            supervisor.ready();
        }
    }
}

/// What systemd announces, taken off the bus as it comes: see [`Manager::announcements`].
async fn taken_at_once(manager: &Manager, services: Services) -> Result<UnboundedReceiver<Announcement>, ManagerError> {
    let mut announcements = Box::pin(manager.announcements(services).await?);
    let (to, taken) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(announcement) = announcements.next().await {
            if to.send(announcement).is_err() {
                return;
            }
        }
    });
    Ok(taken)
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// An answer that is decided, and who waits for it.
type Answer = (Response, oneshot::Sender<Response>);

struct Supervisor {
    manager: Manager,
    config: Config,
    policy: Policy,
    agenda: Agenda<Answer>,
    crashes: Crashes,
    api: Api,
    /// The units of containers, for systemd's announcements.
    services: Services,
    /// The templates of containers' units.
    templates: Vec<InstalledUnit>,
    /// The containers that have units, by unit; shared with the API.
    containers: BTreeMap<UnitName, Arc<Facts>>,
    /// Units that labels of containers name and that are not on this host.
    unknown_units: BTreeSet<String>,
    /// `None`: it is away.
    engine: Option<Engine>,
    /// Why it was found to be away last.
    engine_error: Option<String>,
    /// The units in whose journal it says that the engine hangs.
    told_of_hang: Vec<UnitName>,
    tasks: FuturesUnordered<JoinHandle<Completion>>,
    /// The digests that the registries had for the images.
    registry: Arc<BTreeMap<String, String>>,
    is_ready: bool,
    /// The line that `systemctl status` shows.
    status: &'static str,
}

impl Supervisor {
    fn new(manager: Manager, config: Config, api: Api, services: Services) -> Self {
        Self {
            manager,
            policy: Policy::new(config.pauses()),
            agenda: Agenda::new(config.check_images(), Instant::now()),
            config,
            crashes: Crashes::default(),
            api,
            services,
            templates: Vec::new(),
            containers: BTreeMap::new(),
            unknown_units: BTreeSet::new(),
            engine: None,
            engine_error: None,
            told_of_hang: Vec::new(),
            tasks: FuturesUnordered::new(),
            registry: Arc::default(),
            is_ready: false,
            status: "Connecting to the engine",
        }
    }

    /// Takes up the pauses where an earlier wharfd left them. What has not been acted on for longer than the longest pause, and
    /// than it takes to recover, has been healthy meanwhile.
    fn resume(&mut self) {
        let now = Instant::now();
        let pauses = self.config.pauses();
        for past in audit::past_actions(pauses.longest.max(pauses.recovered)) {
            if let Some(then) = now.checked_sub(past.ago).filter(|_| self.containers.contains_key(&past.unit)) {
                self.policy.resume(&past.unit, past.attempt, then);
            }
        }
    }

    /// When there is something to begin, if nothing else happens.
    fn next_due(&self) -> Option<Instant> {
        let due = [self.policy.next_due(Instant::now()), self.agenda.next_due(), self.crashes.next_due()];
        due.into_iter().flatten().min()
    }

    fn publish(&self, unit: &UnitName) {
        if let Some(facts) = self.containers.get(unit) {
            self.api.publish(Update::Facts(facts.clone()));
        }
    }

    /// Gives answers, after what was published before.
    fn deliver(&self, answers: impl IntoIterator<Item = Answer>) {
        for (response, reply) in answers {
            self.api.publish(Update::Response { response, reply });
        }
    }

    fn set_status(&mut self, status: &'static str) {
        self.status = status;
        service::status(status);
    }

    fn ready(&mut self) {
        self.is_ready = true;
        self.api.publish(Update::Ready);
        service::ready(self.status);
    }

    /// `systemctl reload wharfd`: a file with an error changes nothing.
    fn reload(&mut self) {
        service::reloading();
        match Config::read(Path::new(config::FILE)) {
            Ok(config) => {
                self.config = config;
                self.policy.set_pauses(config.pauses());
                self.agenda.check_images_every(config.check_images(), Instant::now());
                tracing::debug!("{} was read again", config::FILE);
            }
            Err(error) => tracing::error!("{error}\ngoing on as before"),
        }
        service::ready(self.status);
    }
}
