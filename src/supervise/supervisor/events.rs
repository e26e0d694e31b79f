//! What follows from an event of the engine or of systemd, and from a request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::Supervisor;
use super::tasks::Completion;
use crate::engine::{ContainerChange, ContainerEvent, Engine, EngineError, EngineEvent, Health, same_image};
use crate::name::UnitName;
use crate::supervise::action::{Action, Cause};
use crate::supervise::api::{Operation, Payload, Request, Response, Update};
use crate::supervise::audit;
use crate::supervise::facts::Facts;
use crate::supervise::watch::EngineUpdate;
use crate::systemd::cgroup::has_processes;
use crate::systemd::{Announcement, ManagerError};

/// Where a [`ContainerEvent`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The container may be another one by now.
    Event,
    /// A list of all containers that run. `is_alone`: no other container has this unit's label.
    Snapshot { is_alone: bool },
}

impl Supervisor {
    pub(super) async fn handle_engine(&mut self, update: EngineUpdate) -> Result<(), ManagerError> {
        match update {
            EngineUpdate::Snapshot(engine, running) => self.handle_snapshot(*engine, running).await?,
            EngineUpdate::Event(EngineEvent::Container(event)) => self.handle_container(event, Source::Event).await?,
            EngineUpdate::Event(EngineEvent::Altered { id, unit }) => {
                let has_id = |facts: &&Arc<Facts>| facts.observed.container_id == id;
                let by_id = || self.containers.values().find(has_id);
                let facts = unit.map_or_else(by_id, |unit| self.containers.get(unit.as_str()));
                match facts {
                    Some(facts) => self.agenda.changed(&facts.declared.unit),
                    None => self.agenda.list_changed(),
                }
            }
            EngineUpdate::Event(EngineEvent::Image(names)) => {
                let means = |image: &str| names.iter().any(|name| same_image(name, image));
                let has_it =
                    |facts: &&Arc<Facts>| means(&facts.observed.image) || names.contains(&facts.observed.image_id);
                self.containers.values().filter(has_it).for_each(|facts| self.agenda.changed(&facts.declared.unit));
            }
            EngineUpdate::Disconnected(error) => self.handle_disconnect(&error),
        }
        Ok(())
    }

    async fn handle_snapshot(&mut self, engine: Engine, running: Vec<ContainerEvent>) -> Result<(), ManagerError> {
        self.engine = Some(engine);
        self.engine_error = None;
        std::mem::take(&mut self.told_of_hang).iter().for_each(|unit| audit::engine_answers(unit));
        self.agenda.connected();
        self.look_for_lost();
        let now = Instant::now();
        let units: BTreeSet<&str> = running.iter().map(|event| event.unit.as_str()).collect();
        for unit in self.containers.keys().filter(|unit| !units.contains(unit.as_str())) {
            self.policy.unknown(unit, now);
        }
        for event in &running {
            let is_alone = running.iter().filter(|other| other.unit == event.unit).count() == 1;
            self.handle_container(event.clone(), Source::Snapshot { is_alone }).await?;
        }
        self.api.publish(Update::Engine { is_connected: true });
        self.set_status("Watching");
        Ok(())
    }

    fn handle_disconnect(&mut self, error: &EngineError) {
        self.engine = None;
        let answers = self.agenda.disconnected();
        self.deliver(answers);
        self.api.publish(Update::Engine { is_connected: false });
        self.look_for_lost();
        if *error == EngineError::Hangs && self.told_of_hang.is_empty() {
            // Of a closed connection, the supervisor of each container tells.
            let running = self.containers.values().filter(|facts| !facts.observed.container_id.is_empty());
            self.told_of_hang = running.map(|facts| facts.declared.unit.clone()).collect();
            self.told_of_hang.iter().for_each(|unit| audit::engine_hangs(unit));
        }
        let error = error.to_string();
        if self.engine_error.as_ref() != Some(&error) {
            tracing::warn!("{error}; waiting for the engine");
            self.engine_error = Some(error);
        }
        self.set_status("Waiting for the engine");
    }

    /// Finds the containers that have ended with the engine. Those that outlive it (live-restore) are as they were known last.
    fn look_for_lost(&mut self) {
        let is_away = self.engine.is_none();
        let is_lost = |facts: &Facts| {
            let (slice, id) = (facts.unit.slice.as_ref(), &facts.observed.container_id);
            let slice = slice.filter(|_| is_away && !id.is_empty());
            slice.is_some_and(|slice| has_processes(slice, Some(id)) == Some(false))
        };
        let states = self.containers.iter().map(|(unit, facts)| (unit.clone(), facts.is_lost, is_lost(facts)));
        let changed: Vec<(UnitName, bool)> =
            states.filter(|(_, before, now)| before != now).map(|(unit, _, now)| (unit, now)).collect();
        for (unit, is_lost) in changed {
            if let Some(facts) = self.containers.get_mut(&unit) {
                Arc::make_mut(facts).is_lost = is_lost;
                self.publish(&unit);
            }
        }
    }

    async fn handle_container(&mut self, event: ContainerEvent, source: Source) -> Result<(), ManagerError> {
        let ContainerEvent { unit, id, name, change } = event;
        if !self.containers.contains_key(unit.as_str()) && !self.unknown_units.contains(&unit) {
            // Its unit may have been written since.
            self.refresh_units().await?;
        }
        let Some(facts) = self.containers.get_mut(unit.as_str()) else {
            self.unknown_units.insert(unit);
            self.agenda.list_changed();
            return Ok(());
        };
        let unit = facts.declared.unit.clone();
        let is_known = facts.observed.container_id == id;
        // A copy (docker commit) has the labels of the original.
        let is_it = name == facts.declared.container || source == (Source::Snapshot { is_alone: true });
        let is_new = is_it && (source != Source::Event || change == ContainerChange::Started);
        if !is_known && !is_new {
            self.agenda.list_changed();
            return Ok(());
        }
        let now = Instant::now();
        if !is_known {
            // Labels and names prove nothing: what it is, and its health, the inspection shows.
            self.policy.unknown(&unit, now);
            Arc::make_mut(facts).candidate = id;
            self.agenda.changed(&unit);
            return Ok(());
        }
        match change {
            ContainerChange::Health(Health::HEALTHY) => self.policy.healthy(&unit, now),
            ContainerChange::Health(Health::UNHEALTHY) => self.policy.unhealthy(&unit, now),
            _ => self.policy.unknown(&unit, now),
        }
        let health = match change {
            // Whether it has no healthcheck or has just been started, the inspection shows.
            ContainerChange::Health(Health::NONE) | ContainerChange::Ended => facts.observed.health,
            ContainerChange::Health(health) => Some(health),
            ContainerChange::Started => None,
        };
        if facts.observed.health != health {
            let observed = &mut Arc::make_mut(facts).observed;
            observed.health = health;
            // That of a probe before this one.
            observed.health_output.clear();
            self.publish(&unit);
        }
        self.agenda.changed(&unit);
        Ok(())
    }

    pub(super) async fn handle_announcement(&mut self, announcement: Announcement) -> Result<(), ManagerError> {
        match announcement {
            Announcement::Service { unit, changed } => match self.containers.get(&unit) {
                Some(facts) => {
                    let mut state = facts.unit.clone();
                    state.apply(*changed);
                    self.set_unit_state(&unit, state);
                }
                // Of a template, any instance may be started.
                None if self.templates.iter().any(|template| template.name.instance_in(&unit).is_some()) => {
                    self.refresh_units().await?;
                }
                None => {}
            },
            Announcement::Reloaded => {
                self.unknown_units.clear();
                self.refresh_units().await?;
            }
        }
        Ok(())
    }

    pub(super) fn handle_request(&mut self, Request { unit, operation, reply }: Request) {
        let Some(facts) = self.containers.get(&unit) else {
            let _caller_has_left = reply.send(Err(format!("{unit} is no longer on this host")));
            return;
        };
        match operation {
            Operation::Run(verb, caller) => {
                self.begin(Action { unit, verb, cause: Cause::Requested(caller) }, Some(reply));
            }
            Operation::CheckImage => self.check_image(facts.observed.image.clone(), Some((unit, reply))),
            Operation::FileChanges => {
                let changes = file_changes(self.engine.clone(), unit, facts.observed.container_id.clone());
                self.tasks.push(tokio::spawn(async {
                    let _caller_has_left = reply.send(changes.await);
                    Completion::Nothing
                }));
            }
        }
    }
}

async fn file_changes(engine: Option<Engine>, unit: UnitName, container: String) -> Response {
    if container.is_empty() {
        return Err(format!("{unit} has no container now"));
    }
    let engine = engine.ok_or("the engine is away")?;
    engine.file_changes(&container).await.map(Payload::Changes).map_err(|error| error.to_string())
}
