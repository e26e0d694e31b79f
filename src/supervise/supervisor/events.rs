//! What is heard, and what follows from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::Supervisor;
use super::work::Completion;
use crate::engine::{ContainerChange, ContainerEvent, EngineEvent, Health, same_image};
use crate::supervise::action::{Action, Cause};
use crate::supervise::api::{Operation, Payload, Request, Update};
use crate::supervise::facts::Facts;
use crate::supervise::watch::EngineUpdate;
use crate::systemd::{Announcement, ManagerError};

/// What a container is told in: all that run.
struct Snapshot {
    /// It alone has its unit's label, whatever its name.
    is_alone: bool,
}

impl Supervisor {
    pub(super) async fn handle_engine(&mut self, told: EngineUpdate) -> Result<(), ManagerError> {
        match told {
            EngineUpdate::All(engine, all) => {
                self.engine = Some(engine);
                self.engine_is_known = true;
                self.engine_error = None;
                let now = Instant::now();
                let runs: BTreeSet<&str> = all.iter().map(|fares| fares.unit.as_str()).collect();
                for unit in self.containers.keys().filter(|unit| !runs.contains(unit.as_str())) {
                    self.policy.unknown(unit, now);
                }
                self.to_look.extend(self.containers.keys().cloned());
                self.undeclared_changed = true;
                for (index, fares) in all.iter().enumerate() {
                    let is_alone = !all.iter().enumerate().any(|(other, it)| other != index && it.unit == fares.unit);
                    self.handle_container(fares.clone(), Some(Snapshot { is_alone })).await?;
                }
                self.api.publish(Update::Engine { is_connected: true });
                self.say("Watching");
            }
            EngineUpdate::Change(EngineEvent::Container(fares)) => self.handle_container(fares, None).await?,
            EngineUpdate::Change(EngineEvent::Altered { id, unit }) => {
                let has_id = |facts: &&Arc<Facts>| facts.observed.container_id == id;
                let by_id = || self.containers.values().find(has_id).map(|facts| facts.declared.unit.clone());
                match unit.or_else(by_id).filter(|unit| self.containers.contains_key(unit)) {
                    Some(unit) => {
                        self.to_look.insert(unit);
                    }
                    None => self.undeclared_changed = true,
                }
            }
            EngineUpdate::Change(EngineEvent::Image(names)) => {
                let means = |image: &str| names.iter().any(|name| same_image(name, image));
                let is_of =
                    |facts: &&Arc<Facts>| means(&facts.observed.image) || names.contains(&facts.observed.image_id);
                let units = self.containers.values().filter(is_of);
                self.to_look.extend(units.map(|facts| facts.declared.unit.clone()));
            }
            EngineUpdate::Away(error) => {
                self.engine = None;
                self.deliver(|_| true);
                self.engine_is_known = true;
                self.api.publish(Update::Engine { is_connected: false });
                let because = error.to_string();
                if self.engine_error.as_ref() != Some(&because) {
                    eprintln!("<4>{because}; waiting for the engine");
                    self.engine_error = Some(because);
                }
                self.say("Waiting for the engine");
            }
        }
        Ok(())
    }

    /// `snapshot`: told of what runs now; else of what happened to a container, which may be another by now.
    async fn handle_container(
        &mut self,
        fares: ContainerEvent,
        snapshot: Option<Snapshot>,
    ) -> Result<(), ManagerError> {
        let ContainerEvent { unit, id, name, change } = fares;
        if !self.containers.contains_key(&unit) && !self.unknown_units.contains(&unit) {
            // Its unit may have been written since.
            self.refresh_units().await?;
        }
        let Some(facts) = self.containers.get_mut(&unit) else {
            self.unknown_units.insert(unit);
            self.undeclared_changed = true;
            return Ok(());
        };
        let is_known = facts.observed.container_id == id;
        // A copy (docker commit) has the labels of the original.
        let is_it = name == facts.declared.container || snapshot.as_ref().is_some_and(|snapshot| snapshot.is_alone);
        let is_new = is_it && (snapshot.is_some() || change == ContainerChange::Started);
        if !is_known && !is_new {
            self.undeclared_changed = true;
            return Ok(());
        }
        let now = Instant::now();
        let health = match change {
            ContainerChange::Health(health) => health.to_string(),
            ContainerChange::Started => String::new(),
            ContainerChange::Ended => facts.observed.health.clone(),
        };
        match change {
            ContainerChange::Health(Health::HEALTHY) => self.policy.healthy(&unit, now),
            ContainerChange::Health(Health::UNHEALTHY) => self.policy.unhealthy(&unit, now),
            _ => self.policy.unknown(&unit, now),
        }
        // Whether it has no healthcheck or has just been started, the look will tell.
        let is_news = change != ContainerChange::Health(Health::NONE) && facts.observed.health != health;
        if !is_known || is_news {
            let facts = Arc::make_mut(facts);
            facts.observed.container_id = id;
            if is_news {
                facts.observed.health = health;
            }
            self.show(&unit);
        }
        self.to_look.insert(unit);
        Ok(())
    }

    pub(super) async fn handle_announcement(&mut self, announcement: Announcement) -> Result<(), ManagerError> {
        match announcement {
            Announcement::Service { unit, changed } => match self.containers.get(&unit) {
                Some(facts) => {
                    let mut now = facts.unit.clone();
                    now.apply(*changed);
                    self.stands(unit, now);
                }
                // Of a template, any instance may be started.
                None if self.templates.iter().any(|template| template.instance_of(&unit).is_some()) => {
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

    pub(super) fn answer(&mut self, Request { unit, operation, reply }: Request) {
        let Some(facts) = self.containers.get(&unit) else {
            let _caller_has_left = reply.send(Err(format!("{unit} is no longer on this host")));
            return;
        };
        match operation {
            Operation::Run(verb, caller) => {
                self.begin(Action { unit, verb, cause: Cause::Requested(caller) }, Some(reply))
            }
            Operation::CheckImage => self.check_image(facts.observed.image.clone(), Some((unit, reply))),
            Operation::FileChanges => {
                let (engine, id) = (self.engine.clone(), facts.observed.container_id.clone());
                let work = async move {
                    let answer = match engine {
                        _ if id.is_empty() => Err(format!("{unit} has no container now")),
                        Some(engine) => engine.file_changes(&id).await.map_err(|error| error.to_string()),
                        None => Err("the engine is away".to_owned()),
                    };
                    let _caller_has_left = reply.send(answer.map(Payload::Changes));
                    Completion::Nothing
                };
                self.work.push(tokio::spawn(work));
            }
        }
    }
}
