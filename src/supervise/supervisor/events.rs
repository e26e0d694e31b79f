//! What is heard, and what follows from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;

use super::Supervisor;
use super::work::Done;
use crate::engine::{EngineChange, Fares, Health, same_image};
use crate::supervise::acts::{Cause, Order};
use crate::supervise::face::{Answered, Request, Update, Wish};
use crate::supervise::facts::Facts;
use crate::supervise::watch::Told;
use crate::systemd::{Announcement, ManagerError};

impl Supervisor {
    pub(super) async fn hear(&mut self, told: Told) -> Result<(), ManagerError> {
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
                self.deliver(|_| true);
                self.has_heard = true;
                self.face.tell(Update::Engine { is_connected: false });
                eprintln!("<4>{error}; waiting for the engine");
                self.say("Waiting for the engine");
            }
        }
        Ok(())
    }

    pub(super) async fn fares(&mut self, Fares { unit, id, health }: Fares) -> Result<(), ManagerError> {
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
        let health = health.map_or_else(|| facts.seen.health.clone(), |health| health.to_string());
        if facts.seen.container_id != id || facts.seen.health != health {
            let facts = Arc::make_mut(facts);
            facts.seen.container_id = id;
            facts.seen.health = health;
            self.show(&unit);
        }
        self.to_look.insert(unit);
        Ok(())
    }

    pub(super) async fn heed(&mut self, announcement: Announcement) -> Result<(), ManagerError> {
        match announcement {
            Announcement::Service { unit, changed } => match self.containers.get(&unit) {
                Some(facts) => {
                    let mut now = facts.unit.clone();
                    now.apply(*changed);
                    self.stands(unit, now);
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

    pub(super) fn answer(&mut self, Request { unit, wish, reply }: Request) {
        let Some(facts) = self.containers.get(&unit) else {
            let _caller_has_left = reply.send(Err(format!("{unit} is no longer on this host")));
            return;
        };
        match wish {
            Wish::Act(act, caller) => self.begin(Order { unit, act, cause: Cause::Requested(caller) }, Some(reply)),
            Wish::CheckImage => self.check_image(facts.seen.image.clone(), Some((unit, reply))),
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
}
