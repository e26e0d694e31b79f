//! The loop of wharfd: whatever happens next, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use tokio::sync::mpsc::{UnboundedReceiver, channel, unbounded_channel};
use tokio::sync::oneshot;

use super::acts::{Cause, Order, Outcome, carry_out};
use super::config::{self, Config};
use super::drift::{Aspect, Difference};
use super::face::{Answer, Answered, Face, Request, Update, Wish};
use super::facts::{Facts, Restart, Seen};
use super::inventory::{Declared, declared, instance_patterns, is_template};
use super::policy::{Act, Policy, Standing};
use super::watch::{Told, watch};
use super::{audit, look};
use crate::engine::{Engine, EngineChange, EngineError, Fares, Health, ListedContainer, same_image};
use crate::signals::{Signal, Signals};
use crate::systemd::{Announcement, Manager, ManagerError, UnitState, service};
use crate::unit::{InstalledUnit, installed_units};

/// Changes at the engine, and requests, that may wait for their turn.
const WAITING: usize = 64;

/// Containers that are looked at side by side.
const LOOKS: usize = 4;

/// So long the first whole picture is waited for before the name on the bus is taken.
const FIRST_PICTURE: Duration = Duration::from_secs(5);

/// Why wharfd cannot go on. systemd starts it anew.
#[derive(Debug)]
pub enum SuperviseError {
    Manager(ManagerError),
    Signals(std::io::Error),
    /// The other thread has ended, as the bus was lost.
    Face,
}

impl std::fmt::Display for SuperviseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Manager(error) => error.fmt(f),
            Self::Signals(error) => write!(f, "cannot listen to signals: {error}"),
            Self::Face => f.write_str("the connection to the bus ended"),
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
    let mut announced = taken_at_once(&manager).await?;
    let (to, mut told) = channel(WAITING);
    tokio::spawn(watch(to));
    let (wishes, mut requests) = channel(WAITING);
    let config = Config::read(Path::new(config::FILE)).unwrap_or_else(|error| {
        eprintln!("<3>{error}\n<3>going on without it");
        Config::default()
    });
    let mut supervisor = Supervisor::new(manager, config, Face::start(wishes));
    supervisor.take_stock().await?;
    supervisor.resume();
    let mut watchdog = service::watchdog();
    let first_picture = Instant::now() + FIRST_PICTURE;
    loop {
        supervisor.begin_what_is_due();
        let now = Instant::now();
        let due =
            [supervisor.policy.next_due(now), supervisor.next_check, (!supervisor.is_ready).then_some(first_picture)];
        tokio::select! {
            event = told.recv() => match event {
                Some(event) => supervisor.hear(event).await?,
                None => return Ok(()),
            },
            announcement = announced.recv() => match announcement {
                Some(announcement) => supervisor.heed(announcement).await?,
                None => return Err(ManagerError::Lost.into()),
            },
            request = requests.recv() => match request {
                Some(request) => supervisor.answer(request),
                None => return Err(SuperviseError::Face),
            },
            Some(done) = supervisor.work.next() => supervisor.done(done).await?,
            () = hangups.wait() => supervisor.reload(),
            () = watchdog.due() => if supervisor.face.is_alive() { service::alive() },
            () = until(due.into_iter().flatten().min()) => {}
        }
        if !supervisor.is_ready && (supervisor.is_whole() || first_picture <= Instant::now()) {
            supervisor.ready();
        }
    }
}

/// What systemd announces, taken off the bus as it comes: see [`Manager::announcements`].
async fn taken_at_once(manager: &Manager) -> Result<UnboundedReceiver<Announcement>, ManagerError> {
    let mut announcements = Box::pin(manager.announcements().await?);
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

/// Something that was begun has ended.
enum Done {
    Order {
        order: Order,
        outcome: Result<Outcome, ManagerError>,
        reply: Option<oneshot::Sender<Answer>>,
    },
    Look {
        unit: String,
        seen: Result<Seen, EngineError>,
    },
    Others(Result<Vec<ListedContainer>, EngineError>),
    /// What the registry has under this name.
    Image {
        image: String,
        digest: Result<Option<String>, EngineError>,
        reply: Option<oneshot::Sender<Answer>>,
    },
    Nothing,
}

struct Supervisor {
    manager: Manager,
    config: Config,
    policy: Policy,
    face: Face,
    /// The templates of containers' units.
    templates: Vec<InstalledUnit>,
    /// The containers that have units, by unit; what the face shows is not kept twice.
    containers: BTreeMap<String, Arc<Facts>>,
    /// Containers whose label names a unit that is none of those.
    strangers: BTreeSet<String>,
    /// As it was found last.
    engine: Option<Engine>,
    /// Whether it has been found, or found to be away.
    has_heard: bool,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Units whose containers are to be looked at, and those that are being looked at.
    to_look: BTreeSet<String>,
    looking: BTreeSet<String>,
    /// Containers may have come or gone that no stack declares.
    others_changed: bool,
    /// The digests that the registries had for the images.
    registry: BTreeMap<String, String>,
    next_check: Option<Instant>,
    is_ready: bool,
    /// The line that `systemctl status` shows.
    status: &'static str,
}

impl Supervisor {
    fn new(manager: Manager, config: Config, face: Face) -> Self {
        Self {
            manager,
            policy: Policy::new(config.pauses()),
            next_check: config.check_images().map(|every| Instant::now() + every),
            config,
            face,
            templates: Vec::new(),
            containers: BTreeMap::new(),
            strangers: BTreeSet::new(),
            engine: None,
            has_heard: false,
            work: FuturesUnordered::new(),
            to_look: BTreeSet::new(),
            looking: BTreeSet::new(),
            others_changed: false,
            registry: BTreeMap::new(),
            is_ready: false,
            status: "Connecting to the engine",
        }
    }

    /// Which units of containers there are, from the unit files; those that are new with how they stand.
    async fn take_stock(&mut self) -> Result<(), ManagerError> {
        let directories = self.manager.unit_path().await?;
        let installed = match installed_units(&directories) {
            Ok(installed) => installed,
            Err(error) => {
                eprintln!("<3>{error}");
                return Ok(());
            }
        };
        let patterns = instance_patterns(&installed);
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let instances = self.manager.active_units(&patterns).await?;
        let declared = declared(&installed, &instances);
        self.templates = installed.into_iter().filter(is_template).collect();
        let gone: Vec<String> = {
            let names: BTreeSet<&str> = declared.iter().map(|one| one.unit.as_str()).collect();
            self.containers.keys().filter(|unit| !names.contains(unit.as_str())).cloned().collect()
        };
        for unit in gone {
            self.containers.remove(&unit);
            self.policy.forget(&unit);
            self.face.tell(Update::Gone(unit));
        }
        for one in declared {
            self.learn(one).await?;
        }
        self.strangers.clear();
        self.others_changed = true;
        Ok(())
    }

    async fn learn(&mut self, declared: Declared) -> Result<(), ManagerError> {
        let unit = declared.unit.clone();
        self.policy.wants(&unit, declared.on_unhealthy);
        match self.containers.get_mut(&unit) {
            Some(known) => Arc::make_mut(known).declared = declared,
            None => {
                let mut state = self.manager.unit(&unit).await?;
                // Not needed, and long.
                state.requires = Vec::new();
                self.policy.stands(&unit, standing(&state));
                let facts = Facts { declared, unit: state, ..Facts::default() };
                self.containers.insert(unit.clone(), Arc::new(facts));
            }
        }
        self.to_look.insert(unit.clone());
        self.show(&unit);
        Ok(())
    }

    /// Takes up the pauses where an earlier wharfd left them.
    fn resume(&mut self) {
        let now = Instant::now();
        for past in audit::past_acts() {
            if let Some(then) = now.checked_sub(past.ago).filter(|_| self.containers.contains_key(&past.unit)) {
                self.policy.resume(&past.unit, past.attempt, then);
            }
        }
    }

    fn show(&self, unit: &str) {
        if let Some(facts) = self.containers.get(unit) {
            self.face.tell(Update::Facts(facts.clone()));
        }
    }

    fn say(&mut self, status: &'static str) {
        self.status = status;
        service::status(status);
    }

    /// Nothing is left to look at, or nothing can be looked at.
    fn is_whole(&self) -> bool {
        self.has_heard && (self.engine.is_none() || (self.to_look.is_empty() && self.looking.is_empty()))
    }

    fn ready(&mut self) {
        self.is_ready = true;
        self.face.tell(Update::Ready);
        service::ready(self.status);
    }

    /// Begins what the policy decides, then looks at what may have changed.
    fn begin_what_is_due(&mut self) {
        let now = Instant::now();
        for decision in self.policy.take_due(now) {
            let cause = Cause::Unhealthy { attempt: decision.attempt };
            self.begin(Order { unit: decision.unit, act: decision.act, cause }, None);
        }
        let Some(engine) = self.engine.clone() else { return };
        while self.looking.len() < LOOKS
            && let Some(unit) = self.to_look.iter().find(|unit| !self.looking.contains(*unit)).cloned()
        {
            self.to_look.remove(&unit);
            self.begin_look(&engine, unit);
        }
        if self.others_changed && self.to_look.is_empty() {
            self.others_changed = false;
            let list = async move { Done::Others(engine.all_containers().await) };
            self.work.push(list.boxed());
        }
        if self.next_check.is_some_and(|check| check <= now) {
            self.next_check = self.config.check_images().map(|every| now + every);
            let images: BTreeSet<String> = self.containers.values().map(|facts| facts.seen.image.clone()).collect();
            images.into_iter().filter(|image| !image.is_empty()).for_each(|image| self.check_image(image, None));
        }
    }

    fn begin(&mut self, order: Order, reply: Option<oneshot::Sender<Answer>>) {
        let facts = self.containers.get(&order.unit);
        let followers = facts.map(|facts| facts.declared.restarts_with.clone()).unwrap_or_default();
        let container = facts.map(|facts| facts.seen.container_id.clone()).filter(|id| !id.is_empty());
        let (manager, engine) = (self.manager.clone(), self.engine.clone());
        let work = async move {
            let probe = last_probe(engine.zip(container));
            let outcome = carry_out(&manager, &order, &followers, probe).await;
            Done::Order { order, outcome, reply }
        };
        self.work.push(work.boxed());
    }

    fn begin_look(&mut self, engine: &Engine, unit: String) {
        let Some(facts) = self.containers.get(&unit) else { return };
        let registry = self.registry.get(&facts.seen.image).cloned();
        let (declared, id) = (facts.declared.clone(), facts.seen.container_id.clone());
        let engine = engine.clone();
        self.looking.insert(unit.clone());
        let work =
            async move { Done::Look { seen: look::look(&engine, &declared, &id, registry.as_deref()).await, unit } };
        self.work.push(work.boxed());
    }

    fn check_image(&mut self, image: String, reply: Option<oneshot::Sender<Answer>>) {
        let engine = self.engine.clone();
        let work = async move {
            let digest = match engine {
                Some(engine) => engine.registry_digest(&image).await,
                None => Err(EngineError::Unreachable("wharfd waits for it".to_owned())),
            };
            Done::Image { image, digest, reply }
        };
        self.work.push(work.boxed());
    }

    async fn hear(&mut self, told: Told) -> Result<(), ManagerError> {
        match told {
            Told::All(engine, all) => {
                self.engine = Some(engine);
                self.has_heard = true;
                let now = Instant::now();
                let runs: BTreeSet<&str> = all.iter().map(|fares| fares.unit.as_str()).collect();
                for unit in self.containers.keys().filter(|unit| !runs.contains(unit.as_str())) {
                    self.policy.unknown(unit, now);
                }
                self.to_look.extend(self.containers.keys().cloned());
                self.others_changed = true;
                for fares in all {
                    self.fares(fares).await?;
                }
                self.face.tell(Update::Engine { is_connected: true });
                self.say("Watching");
            }
            Told::Change(EngineChange::Fares(fares)) => self.fares(fares).await?,
            Told::Change(EngineChange::Altered { id, unit }) => {
                let has_id = |facts: &&Arc<Facts>| facts.seen.container_id == id;
                let by_id = || self.containers.values().find(has_id).map(|facts| facts.declared.unit.clone());
                match unit.or_else(by_id).filter(|unit| self.containers.contains_key(unit)) {
                    Some(unit) => {
                        self.to_look.insert(unit);
                    }
                    None => self.others_changed = true,
                }
            }
            Told::Change(EngineChange::Image(names)) => {
                let means = |image: &str| names.iter().any(|name| same_image(name, image));
                let is_of = |facts: &&Arc<Facts>| means(&facts.seen.image) || names.contains(&facts.seen.image_id);
                let units = self.containers.values().filter(is_of);
                self.to_look.extend(units.map(|facts| facts.declared.unit.clone()));
            }
            Told::Away(error) => {
                self.engine = None;
                self.has_heard = true;
                self.face.tell(Update::Engine { is_connected: false });
                eprintln!("<4>{error}; waiting for the engine");
                self.say("Waiting for the engine");
            }
        }
        Ok(())
    }

    async fn fares(&mut self, Fares { unit, id, health }: Fares) -> Result<(), ManagerError> {
        if !self.containers.contains_key(&unit) && !self.strangers.contains(&unit) {
            // Its unit may have been written since.
            self.take_stock().await?;
        }
        let Some(facts) = self.containers.get_mut(&unit) else {
            self.strangers.insert(unit);
            self.others_changed = true;
            return Ok(());
        };
        let now = Instant::now();
        match health {
            Some(Health::HEALTHY) => self.policy.healthy(&unit, now),
            Some(Health::UNHEALTHY) => self.policy.unhealthy(&unit, now),
            _ => self.policy.unknown(&unit, now),
        }
        if facts.seen.container_id != id {
            Arc::make_mut(facts).seen.container_id = id;
        }
        self.to_look.insert(unit);
        Ok(())
    }

    async fn heed(&mut self, announcement: Announcement) -> Result<(), ManagerError> {
        match announcement {
            Announcement::Service { unit, changed } => match self.containers.get_mut(&unit) {
                Some(facts) => {
                    let mut now = facts.unit.clone();
                    now.apply(*changed);
                    if now == facts.unit {
                        return Ok(());
                    }
                    let facts = Arc::make_mut(facts);
                    let restart = facts.restarts.compare(&facts.unit, &now);
                    self.policy.stands(&unit, standing(&now));
                    facts.unit = now;
                    self.show(&unit);
                    if let Some(restart) = restart {
                        self.face.tell(Update::Restarted { unit, restart });
                    }
                }
                // Of a template, any instance may be started.
                None if self.templates.iter().any(|template| template.instance_of(&unit).is_some()) => {
                    self.take_stock().await?;
                }
                None => {}
            },
            Announcement::Reloaded => self.take_stock().await?,
        }
        Ok(())
    }

    async fn look_at_unit(&mut self, unit: &str) {
        if self.containers.contains_key(unit) {
            // Of what systemd does not know, hands off. That the bus is gone shows at the announcements.
            let is_steady = self.manager.is_steady(unit).await.unwrap_or(false);
            self.policy.stands(unit, if is_steady { Standing::Running } else { Standing::Other });
        }
    }

    fn answer(&mut self, Request { unit, wish, reply }: Request) {
        let Some(facts) = self.containers.get(&unit) else {
            let _caller_has_left = reply.send(Err(format!("{unit} is no longer on this host")));
            return;
        };
        match wish {
            Wish::Act(act, caller) => self.begin(Order { unit, act, cause: Cause::Requested(caller) }, Some(reply)),
            Wish::CheckImage => self.check_image(facts.seen.image.clone(), Some(reply)),
            Wish::FileChanges => {
                let (engine, id) = (self.engine.clone(), facts.seen.container_id.clone());
                let work = async move {
                    let answer = match engine {
                        _ if id.is_empty() => Err(format!("{unit} has no container now")),
                        Some(engine) => engine.file_changes(&id).await.map_err(|error| error.to_string()),
                        None => Err("the engine is away".to_owned()),
                    };
                    let _caller_has_left = reply.send(answer.map(Answered::Changes));
                    Done::Nothing
                };
                self.work.push(work.boxed());
            }
        }
    }

    async fn done(&mut self, done: Done) -> Result<(), ManagerError> {
        match done {
            Done::Order { order, outcome, reply } => {
                if matches!(order.cause, Cause::Unhealthy { .. }) {
                    self.policy.ended(&order.unit);
                }
                let outcome = outcome?;
                self.look_at_unit(&order.unit).await;
                self.tell_outcome(&order, &outcome);
                if let Some(reply) = reply {
                    let answer = match outcome {
                        Outcome::Failed(why) => Err(format!("{}: {why}", order.unit)),
                        Outcome::Done { .. } | Outcome::LeftAlone => Ok(Answered::Done),
                    };
                    let _caller_has_left = reply.send(answer);
                }
            }
            Done::Look { unit, seen } => {
                self.looking.remove(&unit);
                match (self.containers.get_mut(&unit), seen) {
                    (Some(facts), Ok(seen)) if facts.seen != seen => {
                        let news = news(&facts.seen.drift, &seen.drift);
                        Arc::make_mut(facts).seen = seen;
                        self.show(&unit);
                        let tell = async move {
                            for difference in news {
                                audit::drifted(&unit, &difference).await;
                            }
                            Done::Nothing
                        };
                        self.work.push(tell.boxed());
                    }
                    // If the engine is away, everything is looked at when it is back.
                    (Some(_), Err(error)) => eprintln!("<4>{unit}: cannot look at its container: {error}"),
                    (_, Ok(_) | Err(_)) => {}
                }
            }
            Done::Others(Ok(all)) => {
                let is_declared = |container: &ListedContainer| {
                    container.unit.as_ref().is_some_and(|unit| self.containers.contains_key(unit))
                };
                let others = all.into_iter().filter(|container| !is_declared(container)).collect();
                self.face.tell(Update::Others(others));
            }
            Done::Image { image, digest, reply } => {
                if let Ok(Some(digest)) = &digest {
                    self.registry.insert(image.clone(), digest.clone());
                    let has_it = self.containers.values().filter(|facts| facts.seen.image == image);
                    self.to_look.extend(has_it.map(|facts| facts.declared.unit.clone()));
                }
                match (digest, reply) {
                    (digest, Some(reply)) => {
                        let answer = digest.map(|digest| Answered::Digest(digest.unwrap_or_default()));
                        let _caller_has_left = reply.send(answer.map_err(|error| error.to_string()));
                    }
                    (Err(error), None) => eprintln!("<4>cannot check image {image}: {error}"),
                    (Ok(_), None) => {}
                }
            }
            Done::Others(Err(_)) | Done::Nothing => {}
        }
        Ok(())
    }

    /// What became of an order, for those who watch.
    fn tell_outcome(&mut self, order: &Order, outcome: &Outcome) {
        let reason = order.cause.reason().to_owned();
        let at = SystemTime::now();
        match outcome {
            Outcome::Done { detail, followers } if order.act == Act::Restart => {
                let restart = Restart { at, reason, detail: detail.clone() };
                self.restarted(&order.unit, restart);
                for follower in followers {
                    let detail = order.unit.clone();
                    self.restarted(follower, Restart { at, reason: "dependency".to_owned(), detail });
                }
            }
            Outcome::Done { detail, .. } if order.act == Act::Stop => {
                self.face.tell(Update::Stopped { unit: order.unit.clone(), reason, detail: detail.clone() });
            }
            Outcome::Failed(why) => {
                let unit = order.unit.clone();
                self.face.tell(Update::Failed { unit, act: order.act, reason, why: why.clone() });
            }
            Outcome::Done { .. } | Outcome::LeftAlone => {}
        }
    }

    fn restarted(&mut self, unit: &str, restart: Restart) {
        if let Some(facts) = self.containers.get_mut(unit).map(Arc::make_mut) {
            facts.restarts.add(restart.clone());
            self.show(unit);
            self.face.tell(Update::Restarted { unit: unit.to_owned(), restart });
        }
    }

    /// `systemctl reload wharfd`: what is wrong in the file changes nothing.
    fn reload(&mut self) {
        service::reloading();
        match Config::read(Path::new(config::FILE)) {
            Ok(config) => {
                self.config = config;
                self.policy.pause_for(config.pauses());
                self.next_check = config.check_images().map(|every| Instant::now() + every);
                eprintln!("<6>{} was read anew", config::FILE);
            }
            Err(error) => eprintln!("<3>{error}\n<3>going on as before"),
        }
        service::ready(self.status);
    }
}

fn standing(state: &UnitState) -> Standing {
    if state.is_steady() { Standing::Running } else { Standing::Other }
}

/// What differs now and did not before. That a stack was changed is no news to who changed it.
fn news(before: &[Difference], now: &[Difference]) -> Vec<Difference> {
    let is_news = |one: &&Difference| one.aspect != Aspect::Definition && !before.contains(one);
    now.iter().filter(is_news).cloned().collect()
}

/// What the healthcheck of a container said last; empty if that cannot be learned any more.
async fn last_probe(container: Option<(Engine, String)>) -> String {
    let Some((engine, id)) = container else { return String::new() };
    let container = engine.container(&id).await.ok().flatten();
    container.map(|container| container.health.output.trim().to_owned()).unwrap_or_default()
}
