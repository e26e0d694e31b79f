//! What is heard, and what follows from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::Supervisor;
use super::work::Done;
use crate::engine::{EngineChange, Fares, Health, What, same_image};
use crate::supervise::acts::{Cause, Order};
use crate::supervise::face::{Answered, Request, Update, Wish};
use crate::supervise::facts::Facts;
use crate::supervise::watch::Told;
use crate::systemd::{Announcement, ManagerError};

/// What a container is told in: all that run.
struct Picture {
    /// It alone has its unit's label, whatever its name.
    is_alone: bool,
}

impl Supervisor {
    pub(super) async fn hear(&mut self, told: Told) -> Result<(), ManagerError> {
        match told {
            Told::All(engine, all) => {
                self.engine = Some(engine);
                self.has_heard = true;
                self.away_because = None;
                let now = Instant::now();
                let runs: BTreeSet<&str> = all.iter().map(|fares| fares.unit.as_str()).collect();
                for unit in self.containers.keys().filter(|unit| !runs.contains(unit.as_str())) {
                    self.policy.unknown(unit, now);
                }
                self.to_look.extend(self.containers.keys().cloned());
                self.others_changed = true;
                for (index, fares) in all.iter().enumerate() {
                    let is_alone = !all.iter().enumerate().any(|(other, it)| other != index && it.unit == fares.unit);
                    self.fares(fares.clone(), Some(Picture { is_alone })).await?;
                }
                self.face.tell(Update::Engine { is_connected: true });
                self.say("Watching");
            }
            Told::Change(EngineChange::Fares(fares)) => self.fares(fares, None).await?,
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
                let because = error.to_string();
                if self.away_because.as_ref() != Some(&because) {
                    eprintln!("<4>{because}; waiting for the engine");
                    self.away_because = Some(because);
                }
                self.say("Waiting for the engine");
            }
        }
        Ok(())
    }

    /// `picture`: told of what runs now; else of what happened to a container, which may be another by now.
    async fn fares(&mut self, fares: Fares, picture: Option<Picture>) -> Result<(), ManagerError> {
        let Fares { unit, id, name, what } = fares;
        if !self.containers.contains_key(&unit) && !self.strangers.contains(&unit) {
            // Its unit may have been written since.
            self.take_stock().await?;
        }
        let Some(facts) = self.containers.get_mut(&unit) else {
            self.strangers.insert(unit);
            self.others_changed = true;
            return Ok(());
        };
        let is_known = facts.seen.container_id == id;
        // A copy (docker commit) has the labels of the original.
        let is_it = name == facts.declared.container || picture.as_ref().is_some_and(|picture| picture.is_alone);
        let is_new = is_it && (picture.is_some() || what == What::Started);
        if !is_known && !is_new {
            self.others_changed = true;
            return Ok(());
        }
        let now = Instant::now();
        let health = match what {
            What::Health(health) => health.to_string(),
            What::Started => String::new(),
            What::Ended => facts.seen.health.clone(),
        };
        match what {
            What::Health(Health::HEALTHY) => self.policy.healthy(&unit, now),
            What::Health(Health::UNHEALTHY) => self.policy.unhealthy(&unit, now),
            _ => self.policy.unknown(&unit, now),
        }
        // Whether it has no healthcheck or has just been started, the look will tell.
        let is_news = what != What::Health(Health::NONE) && facts.seen.health != health;
        if !is_known || is_news {
            let facts = Arc::make_mut(facts);
            facts.seen.container_id = id;
            if is_news {
                facts.seen.health = health;
            }
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
            Announcement::Reloaded => {
                self.strangers.clear();
                self.take_stock().await?;
            }
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
                self.work.push(tokio::spawn(work));
            }
        }
    }
}
