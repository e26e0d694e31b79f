//! `io.wharf.Supervisor1` on the system bus: an object for each container, and what changes about it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::StreamExt;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use zbus::fdo::{DBusProxy, ObjectManager, Properties};
use zbus::names::InterfaceName;
use zbus::object_server::{Interface, SignalEmitter};
use zbus::{Connection, Variant};

use super::caller::Gate;
use super::container::{ContainerObject, ContainerObjectSignals, Slot};
use super::host::{ManagerObject, ManagerObjectSignals};
use super::metrics::listen;
use super::project::ProjectObject;
use super::{Request, Shared, Snapshot, Update};
use crate::engine::ListedContainer;
use crate::name::{ProjectName, UnitName};
use crate::supervise::facts::Facts;
use crate::supervisor1::{NAME, ROOT, path_of, path_of_project};
use crate::systemd::bus::{self, Calls};

/// Serves until nobody sends updates, or the bus is lost.
pub(super) async fn serve(
    mut updates: UnboundedReceiver<Update>,
    requests: Sender<Request>,
    is_alive: Arc<AtomicBool>,
) -> zbus::Result<()> {
    let snapshot: Shared = Arc::new(RwLock::new(Snapshot::default()));
    let calls = Calls::default();
    let gate = Arc::new(Gate::new(&bus::system().await?, calls.clone(), requests).await?);
    // Both are there before the first call is read.
    let connection = bus::service(&calls).await?.serve_at(ROOT, ObjectManager);
    let connection = connection.serve_at(ROOT, ManagerObject::new(snapshot.clone(), gate.clone())).build().await?;
    let mut bus = Bus { connection, snapshot, gate, slots: BTreeMap::new(), projects: BTreeSet::new(), is_alive };
    // Nobody takes the name away: the end of this stream is the end of the connection.
    let mut lost = DBusProxy::new(&bus.connection).await?.receive_name_lost().await?;
    loop {
        tokio::select! {
            update = updates.recv() => match update {
                // That the bus is lost, shows below.
                Some(update) => if let Err(error) = bus.apply(update).await {
                    tracing::warn!("cannot publish a change on the bus: {error}");
                },
                None => return Ok(()),
            },
            lost = lost.next() => if lost.is_none() { return Ok(()) },
        }
    }
}

struct Bus {
    connection: Connection,
    snapshot: Shared,
    gate: Arc<Gate>,
    /// The facts that each object shows.
    slots: BTreeMap<UnitName, Slot>,
    projects: BTreeSet<ProjectName>,
    /// Set when asked whether it is.
    is_alive: Arc<AtomicBool>,
}

impl Bus {
    async fn apply(&mut self, update: Update) -> zbus::Result<()> {
        match update {
            Update::Facts(facts) => self.show(facts).await,
            Update::Gone(unit) => {
                self.slots.remove(&unit);
                self.update_snapshot(|snapshot| {
                    snapshot.containers.remove(&unit);
                });
                self.connection.object_server().remove::<ContainerObject, _>(path_of(&unit)).await?;
                self.show_projects().await
            }
            Update::Undeclared(undeclared) => self.show_undeclared(undeclared).await,
            Update::Engine { is_connected } => {
                self.publish_manager(|snapshot| snapshot.engine_is_connected = is_connected).await
            }
            Update::Restarted { unit, restart } => {
                self.emitter(&unit)?.restarted(restart.reason.as_str(), &restart.detail).await
            }
            Update::Stopped { unit, reason, detail } => self.emitter(&unit)?.stopped(reason.as_str(), &detail).await,
            Update::Failed { unit, verb, reason, why } => {
                self.emitter(&unit)?.job_failed(verb.as_str(), reason.as_str(), &why).await
            }
            Update::Response { response, reply } => {
                let _caller_has_left = reply.send(response);
                Ok(())
            }
            Update::Ready => {
                listen(&self.snapshot);
                if let Err(error) = self.connection.request_name(NAME).await {
                    // Without it nobody finds the objects, but what hangs is still restarted.
                    tracing::error!("cannot own {NAME} on the system bus, is its policy installed? {error}");
                }
                Ok(())
            }
            Update::Ping => {
                self.is_alive.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    async fn show(&mut self, facts: Arc<Facts>) -> zbus::Result<()> {
        let unit = facts.declared.unit.clone();
        self.update_snapshot(|snapshot| {
            snapshot.containers.insert(unit.clone(), facts.clone());
        });
        match self.slots.get(&unit) {
            Some(slot) => {
                let before = slot.replace(facts.clone());
                let has_new_output = before.observed.health_output != facts.observed.health_output;
                let (before, now) = (self.object(Slot::new(before)), self.object(Slot::new(facts)));
                let emitter = self.emitter(&unit)?;
                changed(&emitter, ContainerObject::name(), before.differences(&now)).await?;
                if has_new_output { emitter.health_output_changed().await } else { Ok(()) }
            }
            None => {
                let slot = Slot::new(facts);
                self.connection.object_server().at(path_of(&unit), self.object(slot.clone())).await?;
                self.slots.insert(unit, slot);
                self.show_projects().await
            }
        }
    }

    /// An object for each project that has a container.
    async fn show_projects(&mut self) -> zbus::Result<()> {
        let projects: BTreeSet<ProjectName> =
            self.slots.values().map(|slot| slot.get().declared.project.clone()).collect();
        let server = self.connection.object_server();
        for project in projects.difference(&self.projects) {
            server.at(path_of_project(project), ProjectObject::new(project.clone(), self.gate.clone())).await?;
        }
        for project in self.projects.difference(&projects) {
            server.remove::<ProjectObject, _>(path_of_project(project)).await?;
        }
        self.projects = projects;
        Ok(())
    }

    async fn show_undeclared(&self, undeclared: Vec<ListedContainer>) -> zbus::Result<()> {
        let mut is_new = false;
        self.update_snapshot(|snapshot| {
            is_new = snapshot.undeclared != undeclared;
            snapshot.undeclared = undeclared;
        });
        if !is_new {
            return Ok(());
        }
        SignalEmitter::new(&self.connection, ROOT)?.undeclared_containers_changed().await
    }

    fn object(&self, slot: Slot) -> ContainerObject {
        ContainerObject::new(slot, self.gate.clone())
    }

    async fn publish_manager(&mut self, change: impl FnOnce(&mut Snapshot)) -> zbus::Result<()> {
        let host = ManagerObject::new(self.snapshot.clone(), self.gate.clone());
        let before = host.values();
        self.update_snapshot(change);
        let differences = host.values().into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect();
        let emitter = SignalEmitter::new(&self.connection, ROOT)?;
        changed(&emitter, ManagerObject::name(), differences).await
    }

    fn update_snapshot(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.snapshot.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn emitter(&self, unit: &str) -> zbus::Result<SignalEmitter<'static>> {
        SignalEmitter::new(&self.connection, path_of(unit))
    }
}

/// One signal for all that changed at a time.
async fn changed(
    emitter: &SignalEmitter<'_>,
    interface: InterfaceName<'_>,
    values: HashMap<&'static str, Variant<'static>>,
) -> zbus::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    Properties::properties_changed(emitter, interface, values, (&[]).into()).await
}
