//! What takes its time: acts, looks, questions. Each is begun, and its end is an event as others are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use super::{LOOKS, Supervisor};
use crate::engine::{Engine, EngineError, ListedContainer};
use crate::supervise::action::{Action, Cause};
use crate::supervise::api::{Payload, Response, Update};
use crate::supervise::drift::{Aspect, Difference};
use crate::supervise::execute::{Outcome, execute};
use crate::supervise::facts::{Observed, Restart};
use crate::supervise::{audit, inspect};
use crate::systemd::{ManagerError, Verb};

/// After a look that failed.
const LOOK_PAUSE: Duration = Duration::from_secs(10);

/// Something that was begun has ended.
pub(super) enum Completion {
    Action {
        action: Action,
        outcome: Result<Outcome, ManagerError>,
        reply: Option<oneshot::Sender<Response>>,
    },
    Look {
        unit: String,
        observed: Result<Observed, EngineError>,
    },
    LookAgain {
        unit: String,
    },
    Undeclared(Result<Vec<ListedContainer>, EngineError>),
    /// What the registry has under this name; who asked for it, and for which unit.
    Image {
        image: String,
        digest: Result<Option<String>, EngineError>,
        asked: Option<(String, oneshot::Sender<Response>)>,
    },
    Nothing,
}

impl Supervisor {
    /// Begins what the policy decides, then looks at what may have changed.
    pub(super) fn begin_what_is_due(&mut self) {
        let now = Instant::now();
        for decision in self.policy.take_due(now) {
            let cause = Cause::Unhealthy { attempt: decision.attempt };
            self.begin(Action { unit: decision.unit, verb: decision.verb, cause }, None);
        }
        let Some(engine) = self.engine.clone() else { return };
        while self.looking.len() < LOOKS
            && let Some(unit) = self.to_look.iter().find(|unit| !self.is_at(unit)).cloned()
        {
            self.to_look.remove(&unit);
            self.begin_look(&engine, unit);
        }
        if self.undeclared_changed && !self.listing && self.to_look.iter().all(|unit| self.acting.contains(unit)) {
            self.undeclared_changed = false;
            let list = async move { Completion::Undeclared(engine.all_containers().await) };
            self.listing = true;
            self.work.push(tokio::spawn(list));
        }
        if self.next_check.is_some_and(|check| check <= now) {
            self.next_check = self.config.check_images().map(|every| now + every);
            let images: BTreeSet<String> = self.containers.values().map(|facts| facts.observed.image.clone()).collect();
            images.into_iter().filter(|image| !image.is_empty()).for_each(|image| self.check_image(image, None));
        }
    }

    /// A container that is being restarted is looked at after that: the engine has enough to do.
    fn is_at(&self, unit: &str) -> bool {
        self.looking.contains(unit) || self.acting.contains(unit)
    }

    pub(super) fn begin(&mut self, action: Action, reply: Option<oneshot::Sender<Response>>) {
        self.acting.insert(action.unit.clone());
        let facts = self.containers.get(&action.unit);
        let followers = facts.map(|facts| facts.declared.restarts_with.clone()).unwrap_or_default();
        let container = facts.map(|facts| facts.observed.container_id.clone()).filter(|id| !id.is_empty());
        let (manager, engine) = (self.manager.clone(), self.engine.clone());
        let work = async move {
            let probe = last_probe(engine.zip(container));
            let outcome = execute(&manager, &action, &followers, probe).await;
            Completion::Action { action, outcome, reply }
        };
        self.work.push(tokio::spawn(work));
    }

    pub(super) fn begin_look(&mut self, engine: &Engine, unit: String) {
        let Some(facts) = self.containers.get(&unit) else { return self.deliver(|about| about == unit) };
        let registry = self.registry.clone();
        let (declared, id) = (facts.declared.clone(), facts.observed.container_id.clone());
        let engine = engine.clone();
        self.looking.insert(unit.clone());
        let work = async move {
            Completion::Look { observed: inspect::inspect(&engine, &declared, &id, &registry).await, unit }
        };
        self.work.push(tokio::spawn(work));
    }

    pub(super) fn check_image(&mut self, image: String, asked: Option<(String, oneshot::Sender<Response>)>) {
        let engine = self.engine.clone();
        let work = async move {
            let digest = match engine {
                Some(engine) => digest_to_compare(&engine, &image).await,
                None => Err(EngineError::Unreachable("wharfd waits for it".to_owned())),
            };
            Completion::Image { image, digest, asked }
        };
        self.work.push(tokio::spawn(work));
    }

    pub(super) async fn done(&mut self, completion: Completion) -> Result<(), ManagerError> {
        match completion {
            Completion::Action { action, outcome, reply } => {
                self.acting.remove(&action.unit);
                self.to_look.insert(action.unit.clone());
                if matches!(action.cause, Cause::Unhealthy { .. }) {
                    self.policy.ended(&action.unit);
                }
                let outcome = outcome?;
                let unit = action.unit.clone();
                self.look_at_unit(unit.clone()).await;
                self.tell_outcome(&action, &outcome);
                if let Some(reply) = reply {
                    let answer = match outcome {
                        Outcome::Failed(why) => Err(format!("{unit}: {why}")),
                        Outcome::Done { .. } | Outcome::LeftAlone => Ok(Payload::Done),
                    };
                    self.answer_after_look(unit, answer, reply);
                }
            }
            Completion::Look { unit, observed } => {
                self.looking.remove(&unit);
                // What was observed before something happened is of no use.
                if !self.to_look.contains(&unit) {
                    match observed {
                        Ok(observed) => self.has_seen(&unit, observed),
                        Err(error) => self.look_later(unit.clone(), &error),
                    }
                    self.deliver(|about| about == unit);
                }
            }
            Completion::LookAgain { unit } => _ = self.to_look.insert(unit),
            Completion::Undeclared(Ok(all)) => {
                self.listing = false;
                let is_declared = |container: &ListedContainer| {
                    let facts = container.unit.as_ref().and_then(|unit| self.containers.get(unit));
                    facts.is_some_and(|facts| {
                        [&facts.observed.container_id, &facts.declared.container]
                            .into_iter()
                            .any(|it| *it == container.id || *it == container.name)
                    })
                };
                let others = all.into_iter().filter(|container| !is_declared(container)).collect();
                self.api.publish(Update::Undeclared(others));
            }
            Completion::Image { image, digest, asked } => {
                if let Ok(Some(digest)) = &digest {
                    Arc::make_mut(&mut self.registry).insert(image.clone(), digest.clone());
                    let has_it = self.containers.values().filter(|facts| facts.observed.image == image);
                    self.to_look.extend(has_it.map(|facts| facts.declared.unit.clone()));
                }
                match (digest, asked) {
                    (digest, Some((unit, reply))) => {
                        let answer = digest.map(|digest| Payload::Digest(digest.unwrap_or_default()));
                        self.answer_after_look(unit, answer.map_err(|error| error.to_string()), reply);
                    }
                    (Err(error), None) => eprintln!("<4>cannot check image {image}: {error}"),
                    (Ok(_), None) => {}
                }
            }
            // With the engine back, all is asked anew.
            Completion::Undeclared(Err(_)) => self.listing = false,
            Completion::Nothing => {}
        }
        Ok(())
    }

    fn has_seen(&mut self, unit: &str, observed: Observed) {
        let Some(facts) = self.containers.get_mut(unit) else { return };
        let now = Instant::now();
        // An event may have been missed, or the unit was not known when it came.
        match observed.health.as_str() {
            "healthy" => self.policy.healthy(unit, now),
            "unhealthy" => self.policy.unhealthy(unit, now),
            _ => self.policy.unknown(unit, now),
        }
        if facts.observed == observed {
            return;
        }
        let news = news(&facts.observed.drift, &observed.drift);
        Arc::make_mut(facts).observed = observed;
        self.show(unit);
        let about = unit.to_owned();
        let tell = async move {
            for difference in news {
                audit::drift(&about, &difference).await;
            }
            Completion::Nothing
        };
        self.work.push(tokio::spawn(tell));
    }

    /// If the engine is away, everything is looked at when it is back; if not, this is tried again.
    fn look_later(&mut self, unit: String, error: &EngineError) {
        eprintln!("<4>{unit}: cannot look at its container: {error}");
        let again = async move {
            tokio::time::sleep(LOOK_PAUSE).await;
            Completion::LookAgain { unit }
        };
        self.work.push(tokio::spawn(again));
    }

    /// Answers once the properties show what has become of it.
    fn answer_after_look(&mut self, unit: String, answer: Response, reply: oneshot::Sender<Response>) {
        self.answers.push((unit.clone(), answer, reply));
        if self.engine.is_some() && self.containers.contains_key(&unit) {
            self.to_look.insert(unit);
        } else {
            self.deliver(|about| about == unit);
        }
    }

    /// Gives the answers about these units.
    pub(super) fn deliver(&mut self, about: impl Fn(&str) -> bool) {
        for (_, answer, reply) in self.answers.extract_if(.., |(unit, ..)| about(unit)) {
            self.api.publish(Update::Response { answer, reply });
        }
    }

    /// What became of an action, for those who watch.
    pub(super) fn tell_outcome(&mut self, action: &Action, outcome: &Outcome) {
        let reason = action.cause.reason().as_str().to_owned();
        let at = SystemTime::now();
        match outcome {
            Outcome::Done { detail, followers } if action.verb == Verb::Restart => {
                let restart = Restart { at, reason, detail: detail.clone() };
                self.restarted(&action.unit, restart);
                for follower in followers {
                    let detail = action.unit.clone();
                    self.restarted(follower, Restart { at, reason: "dependency".to_owned(), detail });
                }
            }
            Outcome::Done { detail, .. } if action.verb == Verb::Stop => {
                self.api.publish(Update::Stopped { unit: action.unit.clone(), reason, detail: detail.clone() });
            }
            Outcome::Failed(why) => {
                let unit = action.unit.clone();
                self.api.publish(Update::Failed { unit, verb: action.verb, reason, why: why.clone() });
            }
            Outcome::Done { .. } | Outcome::LeftAlone => {}
        }
    }

    pub(super) fn restarted(&mut self, unit: &str, restart: Restart) {
        if let Some(facts) = self.containers.get_mut(unit).map(Arc::make_mut) {
            facts.restarts.add(restart.clone());
            self.show(unit);
            self.api.publish(Update::Restarted { unit: unit.to_owned(), restart });
        }
    }
}

/// `None`: it was built here, and there is nothing to ask a registry for.
async fn digest_to_compare(engine: &Engine, image: &str) -> Result<Option<String>, EngineError> {
    match engine.image(image).await? {
        Some(here) if here.digests.is_empty() => Ok(None),
        _ => engine.registry_digest(image).await,
    }
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
    container.map(|container| container.health.output).unwrap_or_default()
}
