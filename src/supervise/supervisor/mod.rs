//! The loop of wharfd: whatever happens next, and what follows from it.
//!
//! In: events of the engine and of systemd, requests, ends of what was begun. Out: the same to [`Policy`], facts to the [`Api`],
//! work. Invariant: the loop itself waits for nothing but short questions to systemd.

mod events;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, channel, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::api::{Api, Response, Update};
use super::audit;
use super::config::{self, Config};
use super::declared::{Declared, declared, is_template};
use super::facts::Facts;
use super::policy::{Policy, UnitActivity};
use super::watch::watch;
use crate::engine::Engine;
use crate::mark::{InstalledUnit, installed_units};
use crate::signals::{Signal, Signals};
use crate::systemd::{Announcement, Manager, ManagerError, Services, UnitState, service};
use work::Completion;

/// Changes at the engine, and requests, that may wait for their turn.
const WAITING: usize = 64;

/// Containers that are looked at side by side.
const LOOKS: usize = 4;

/// So long the first whole snapshot is waited for before the name on the bus is taken.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(5);

/// Why wharfd cannot go on. systemd starts it anew.
#[derive(Debug)]
pub enum SuperviseError {
    Manager(ManagerError),
    Signals(std::io::Error),
    /// The other thread has ended, as the bus was lost.
    Api,
}

impl std::fmt::Display for SuperviseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Manager(error) => error.fmt(f),
            Self::Signals(error) => write!(f, "cannot listen to signals: {error}"),
            Self::Api => f.write_str("the connection to the bus ended"),
        }
    }
}

impl std::error::Error for SuperviseError {}

impl From<ManagerError> for SuperviseError {
    fn from(error: ManagerError) -> Self {
        Self::Manager(error)
    }
}

/// Watches until the bus is lost, which is when the process cannot act any more and systemd starts it anew.
///
/// # Errors
/// systemd does not answer.
pub async fn supervise(manager: Manager) -> Result<(), SuperviseError> {
    let hangups = Signals::listen(&[Signal::SIGHUP]).map_err(SuperviseError::Signals)?;
    let services = Services::default();
    let mut announced = taken_at_once(&manager, services.clone()).await?;
    let (to, mut told) = channel(WAITING);
    tokio::spawn(watch(to));
    let (wishes, mut requests) = channel(WAITING);
    let config = Config::read(Path::new(config::FILE)).unwrap_or_else(|error| {
        eprintln!("<3>{error}\n<3>going on without it");
        Config::default()
    });
    let (api, mut api_ended) = Api::start(wishes);
    let mut supervisor = Supervisor::new(manager, config, api, services);
    supervisor.refresh_units().await?;
    supervisor.resume();
    let mut watchdog = service::watchdog();
    let first_snapshot = Instant::now() + FIRST_SNAPSHOT;
    loop {
        supervisor.begin_what_is_due();
        let now = Instant::now();
        let due =
            [supervisor.policy.next_due(now), supervisor.next_check, (!supervisor.is_ready).then_some(first_snapshot)];
        tokio::select! {
            event = told.recv() => match event {
                Some(event) => supervisor.handle_engine(event).await?,
                None => return Ok(()),
            },
            announcement = announced.recv() => match announcement {
                Some(announcement) => supervisor.handle_announcement(announcement).await?,
                None => return Err(ManagerError::Lost.into()),
            },
            request = requests.recv() => match request {
                Some(request) => supervisor.answer(request),
                None => return Err(SuperviseError::Api),
            },
            Some(Ok(done)) = supervisor.work.next() => supervisor.done(done).await?,
            _ = &mut api_ended => return Err(SuperviseError::Api),
            () = hangups.wait() => supervisor.reload(),
            () = watchdog.due() => if supervisor.api.is_alive() { service::alive() },
            () = until(due.into_iter().flatten().min()) => {}
        }
        if !supervisor.is_ready && (supervisor.is_whole() || first_snapshot <= Instant::now()) {
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

struct Supervisor {
    manager: Manager,
    config: Config,
    policy: Policy,
    api: Api,
    /// The units of containers, for systemd's announcements.
    services: Services,
    /// The templates of containers' units.
    templates: Vec<InstalledUnit>,
    /// The containers that have units, by unit; what the API shows is not kept twice.
    containers: BTreeMap<String, Arc<Facts>>,
    /// Containers whose label names a unit that is none of those.
    unknown_units: BTreeSet<String>,
    /// As it was found last.
    engine: Option<Engine>,
    /// Why it was found to be away.
    engine_error: Option<String>,
    /// Whether it has been found, or found to be away.
    engine_is_known: bool,
    work: FuturesUnordered<JoinHandle<Completion>>,
    /// Units whose containers are to be looked at, those that are being looked at, and those for which an action is under way.
    to_look: BTreeSet<String>,
    looking: BTreeSet<String>,
    acting: BTreeSet<String>,
    /// Answers that wait for a look at the unit's container.
    answers: Vec<(String, Response, oneshot::Sender<Response>)>,
    /// Containers may have come or gone that no stack declares.
    undeclared_changed: bool,
    /// Whether they are being listed.
    listing: bool,
    /// The digests that the registries had for the images.
    registry: Arc<BTreeMap<String, String>>,
    next_check: Option<Instant>,
    is_ready: bool,
    /// The line that `systemctl status` shows.
    status: &'static str,
}

impl Supervisor {
    fn new(manager: Manager, config: Config, api: Api, services: Services) -> Self {
        Self {
            manager,
            policy: Policy::new(config.pauses()),
            next_check: config.check_images().map(|every| Instant::now() + every),
            config,
            api,
            services,
            templates: Vec::new(),
            containers: BTreeMap::new(),
            unknown_units: BTreeSet::new(),
            engine: None,
            engine_error: None,
            engine_is_known: false,
            work: FuturesUnordered::new(),
            to_look: BTreeSet::new(),
            looking: BTreeSet::new(),
            acting: BTreeSet::new(),
            answers: Vec::new(),
            undeclared_changed: false,
            listing: false,
            registry: Arc::default(),
            is_ready: false,
            status: "Connecting to the engine",
        }
    }

    /// Which units of containers there are, from the unit files; those that are new with how they stand.
    async fn refresh_units(&mut self) -> Result<(), ManagerError> {
        let directories = self.manager.unit_path().await?;
        let installed = match installed_units(&directories) {
            Ok(installed) => installed,
            Err(error) => {
                eprintln!("<3>{error}");
                return Ok(());
            }
        };
        let patterns: Vec<String> =
            installed.iter().filter(|unit| is_template(unit)).map(InstalledUnit::instances).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let instances = self.manager.active_units(&patterns).await?;
        let declared = declared(&installed, &instances);
        self.templates = installed.into_iter().filter(is_template).collect();
        let gone: Vec<String> = {
            let names: BTreeSet<&str> = declared.iter().map(|one| one.unit.as_str()).collect();
            self.containers.keys().filter(|unit| !names.contains(unit.as_str())).cloned().collect()
        };
        // Before they are asked for, so that nothing falls in between.
        *self.services.write().unwrap_or_else(PoisonError::into_inner) =
            declared.iter().map(|one| one.unit.clone()).collect();
        for unit in gone {
            self.containers.remove(&unit);
            self.policy.forget(&unit);
            self.api.publish(Update::Gone(unit));
        }
        for one in declared {
            self.add_unit(one).await?;
        }
        self.undeclared_changed = true;
        Ok(())
    }

    async fn add_unit(&mut self, declared: Declared) -> Result<(), ManagerError> {
        let unit = declared.unit.clone();
        self.policy.set_on_unhealthy(&unit, declared.on_unhealthy);
        match self.containers.get_mut(&unit) {
            Some(known) => Arc::make_mut(known).declared = declared,
            None => {
                let mut state = self.manager.unit(&unit).await?;
                // Not needed, and long.
                state.requires = Vec::new();
                self.policy.set_activity(&unit, activity(&state));
                let facts = Facts { declared, unit: state, ..Facts::default() };
                self.containers.insert(unit.clone(), Arc::new(facts));
            }
        }
        self.to_look.insert(unit.clone());
        self.show(&unit);
        Ok(())
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

    fn show(&self, unit: &str) {
        if let Some(facts) = self.containers.get(unit) {
            self.api.publish(Update::Facts(facts.clone()));
        }
    }

    fn say(&mut self, status: &'static str) {
        self.status = status;
        service::status(status);
    }

    /// Nothing is left to look at, or nothing can be looked at.
    fn is_whole(&self) -> bool {
        self.engine_is_known && (self.engine.is_none() || (self.to_look.is_empty() && self.looking.is_empty()))
    }

    fn ready(&mut self) {
        self.is_ready = true;
        self.api.publish(Update::Ready);
        service::ready(self.status);
    }

    async fn look_at_unit(&mut self, unit: String) {
        if self.containers.contains_key(&unit) {
            // Of what systemd does not know, hands off. That the bus is gone shows at the announcements.
            match self.manager.unit(&unit).await {
                Ok(now) => self.stands(unit, now),
                Err(_) => self.policy.set_activity(&unit, UnitActivity::Other),
            }
        }
    }

    /// How systemd has a unit stand.
    fn stands(&mut self, unit: String, mut now: UnitState) {
        // Not needed, and long.
        now.requires = Vec::new();
        let Some(facts) = self.containers.get_mut(&unit).filter(|facts| facts.unit != now) else { return };
        let facts = Arc::make_mut(facts);
        let restart = facts.restarts.compare(&facts.unit, &now);
        if now.has_ended() {
            facts.last_exit = Some(now.exec_main_status);
        }
        self.policy.set_activity(&unit, activity(&now));
        facts.unit = now;
        self.show(&unit);
        if let Some(restart) = restart {
            self.api.publish(Update::Restarted { unit, restart });
        }
    }

    /// `systemctl reload wharfd`: what is wrong in the file changes nothing.
    fn reload(&mut self) {
        service::reloading();
        match Config::read(Path::new(config::FILE)) {
            Ok(config) => {
                self.config = config;
                self.policy.set_pauses(config.pauses());
                self.next_check = config.check_images().map(|every| Instant::now() + every);
                eprintln!("<6>{} was read anew", config::FILE);
            }
            Err(error) => eprintln!("<3>{error}\n<3>going on as before"),
        }
        service::ready(self.status);
    }
}

fn activity(state: &UnitState) -> UnitActivity {
    if state.is_steady() { UnitActivity::Running } else { UnitActivity::Other }
}
