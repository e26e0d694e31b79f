//! What takes its time: actions, inspections, questions. Each is begun, and its end is an event as others are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::oneshot;

use super::Supervisor;
use crate::engine::{Engine, EngineError, Health, ListedContainer};
use crate::name::UnitName;
use crate::supervise::action::{Action, Cause, Reason};
use crate::supervise::agenda::Task;
use crate::supervise::api::{Payload, Response, Update};
use crate::supervise::drift::{Aspect, Difference};
use crate::supervise::execute::{Outcome, execute};
use crate::supervise::facts::{Observed, Restart, RestartReason};
use crate::supervise::{audit, inspect};
use crate::systemd::{ManagerError, Verb};

/// Who asked, and for which unit.
type Asked = (UnitName, oneshot::Sender<Response>);

/// Something that was begun has ended.
pub(super) enum Completion {
    Action {
        action: Action,
        outcome: Result<Outcome, ManagerError>,
        reply: Option<oneshot::Sender<Response>>,
    },
    Inspection {
        unit: UnitName,
        /// The one that was looked at, see [`Facts::candidate`](crate::supervise::facts::Facts).
        candidate: String,
        observed: Result<Observed, EngineError>,
    },
    /// What the healthcheck of a container printed last.
    Probe {
        unit: UnitName,
        container_id: String,
        output: String,
    },
    List(Result<Vec<ListedContainer>, EngineError>),
    /// The digest that the registry has under this name.
    Image {
        image: String,
        digest: Result<Option<String>, EngineError>,
        asked: Option<Asked>,
    },
    Nothing,
}

impl Supervisor {
    /// Begins what is due.
    pub(super) fn begin_due(&mut self) {
        let now = Instant::now();
        for decision in self.policy.take_due(now) {
            let cause = Cause::Unhealthy { attempt: decision.attempt };
            self.begin(Action { unit: decision.unit, verb: decision.verb, cause }, None);
        }
        let Some(engine) = self.engine.clone() else { return };
        for task in self.agenda.take_due(now) {
            match task {
                Task::Inspect(unit) => self.inspect(engine.clone(), unit),
                Task::List => {
                    let engine = engine.clone();
                    self.tasks.push(tokio::spawn(async move { Completion::List(engine.all_containers().await) }));
                }
                Task::CheckImages => {
                    let images = self.containers.values().map(|facts| facts.observed.image.clone());
                    let images: BTreeSet<String> = images.filter(|image| !image.is_empty()).collect();
                    images.into_iter().for_each(|image| self.check_image(image, None));
                }
            }
        }
    }

    pub(super) fn begin(&mut self, action: Action, reply: Option<oneshot::Sender<Response>>) {
        self.agenda.action_begun(&action.unit);
        let facts = self.containers.get(&action.unit);
        let followers = facts.map(|facts| facts.declared.restarts_with.clone()).unwrap_or_default();
        let container = facts.map(|facts| facts.observed.container_id.clone()).filter(|id| !id.is_empty());
        let (manager, probed) = (self.manager.clone(), self.engine.clone().zip(container));
        let (to, output) = oneshot::channel();
        self.tasks.push(tokio::spawn(probe_completion(action.unit.clone(), probed.clone(), output)));
        self.tasks.push(tokio::spawn(async move {
            let probe = async {
                let output = last_probe(probed).await;
                let _wharfd_ends = to.send(output.clone());
                output
            };
            let outcome = execute(&manager, &action, &followers, probe).await;
            Completion::Action { action, outcome, reply }
        }));
    }

    fn inspect(&mut self, engine: Engine, unit: UnitName) {
        let Some(facts) = self.containers.get(&unit).cloned() else {
            self.agenda.inspected(&unit);
            return;
        };
        let registry = self.registry.clone();
        self.tasks.push(tokio::spawn(async move {
            let ids = [facts.candidate.as_str(), &facts.observed.container_id];
            let observed = inspect::inspect(&engine, &facts.declared, &ids, &registry).await;
            Completion::Inspection { unit, candidate: facts.candidate.clone(), observed }
        }));
    }

    pub(super) fn check_image(&mut self, image: String, asked: Option<Asked>) {
        let engine = self.engine.clone();
        self.tasks.push(tokio::spawn(async move {
            let digest = match engine {
                Some(engine) => digest_to_compare(&engine, &image).await,
                None => Err(EngineError::Unreachable("wharfd waits for it".into())),
            };
            Completion::Image { image, digest, asked }
        }));
    }

    pub(super) async fn handle_completion(&mut self, completion: Completion) -> Result<(), ManagerError> {
        match completion {
            Completion::Action { action, outcome, reply } => self.action_ended(action, outcome?, reply).await,
            Completion::Inspection { unit, candidate, observed } => self.inspected(&unit, &candidate, observed),
            Completion::Probe { unit, container_id, output } => self.probed(&unit, &container_id, output),
            Completion::List(listed) => {
                self.agenda.listed();
                if let Ok(all) = listed {
                    let undeclared = all.into_iter().filter(|container| !self.is_declared(container)).collect();
                    self.api.publish(Update::Undeclared(undeclared));
                }
            }
            Completion::Image { image, digest, asked } => self.image_checked(&image, digest, asked),
            Completion::Nothing => {}
        }
        Ok(())
    }

    async fn action_ended(&mut self, action: Action, outcome: Outcome, reply: Option<oneshot::Sender<Response>>) {
        let unit = &action.unit;
        self.agenda.action_ended(unit);
        match (&action.cause, &outcome) {
            (Cause::Unhealthy { .. }, Outcome::LeftAlone) => self.policy.left_alone(unit),
            (Cause::Unhealthy { .. }, _) => self.policy.ended(unit),
            _ => {}
        }
        self.refresh_unit(unit).await;
        self.publish_outcome(&action, &outcome);
        if let Some(reply) = reply {
            let response = match outcome {
                Outcome::Failed(why) => Err(format!("{unit}: {why}")),
                Outcome::Done { .. } | Outcome::LeftAlone => Ok(Payload::Done),
            };
            self.answer(unit, response, reply);
        }
    }

    fn inspected(&mut self, unit: &UnitName, candidate: &str, observed: Result<Observed, EngineError>) {
        let Some(answers) = self.agenda.inspected(unit) else { return };
        match observed {
            Ok(observed) => {
                let facts = self.containers.get_mut(unit).filter(|facts| facts.candidate == candidate);
                if let Some(facts) = facts.filter(|facts| !facts.candidate.is_empty()) {
                    Arc::make_mut(facts).candidate = String::new();
                }
                self.set_observed(unit, observed);
            }
            Err(error) => {
                tracing::warn!("{unit}: cannot inspect its container: {error}");
                self.agenda.retry(unit, Instant::now());
            }
        }
        self.deliver(answers);
    }

    /// The container of an unhealthy unit is inspected only after it was restarted; until then this shows why.
    fn probed(&mut self, unit: &UnitName, container_id: &str, output: String) {
        let facts = self.containers.get_mut(unit).filter(|facts| facts.observed.container_id == container_id);
        if let Some(facts) = facts.filter(|facts| facts.observed.health == Some(Health::UNHEALTHY)) {
            Arc::make_mut(facts).observed.health_output = output;
            self.publish(unit);
        }
    }

    fn is_declared(&self, container: &ListedContainer) -> bool {
        let facts = container.unit.as_ref().and_then(|unit| self.containers.get(unit.as_str()));
        facts.is_some_and(|facts| {
            let is_foreign = facts.observed.foreign_id == container.id;
            !is_foreign
                && [&facts.observed.container_id, &facts.declared.container]
                    .into_iter()
                    .any(|it| *it == container.id || *it == container.name)
        })
    }

    fn image_checked(&mut self, image: &str, digest: Result<Option<String>, EngineError>, asked: Option<Asked>) {
        if let Ok(Some(digest)) = &digest {
            Arc::make_mut(&mut self.registry).insert(image.to_owned(), digest.clone());
            let has_it = self.containers.values().filter(|facts| facts.observed.image == image);
            has_it.for_each(|facts| self.agenda.changed(&facts.declared.unit));
        }
        match (digest, asked) {
            (digest, Some((unit, reply))) => {
                let response = digest.map(|digest| Payload::Digest(digest.unwrap_or_default()));
                self.answer(&unit, response.map_err(|error| error.to_string()), reply);
            }
            (Err(error), None) => tracing::warn!("cannot check image {image}: {error}"),
            (Ok(_), None) => {}
        }
    }

    fn set_observed(&mut self, unit: &UnitName, observed: Observed) {
        let Some(facts) = self.containers.get_mut(unit) else { return };
        let now = Instant::now();
        // An event may have been missed, or the unit was not known when it came.
        match observed.health {
            Some(Health::HEALTHY) => self.policy.healthy(unit, now),
            Some(Health::UNHEALTHY) => self.policy.unhealthy(unit, now),
            _ => self.policy.unknown(unit, now),
        }
        if facts.observed == observed {
            return;
        }
        if facts.observed.foreign_id != observed.foreign_id {
            self.agenda.list_changed();
        }
        for difference in new_differences(&facts.observed.drift, &observed.drift) {
            audit::drift(unit, difference);
        }
        Arc::make_mut(facts).observed = observed;
        self.publish(unit);
    }

    /// Answers once the properties show the effect.
    fn answer(&mut self, unit: &UnitName, response: Response, reply: oneshot::Sender<Response>) {
        let answer = self.agenda.answer_after_inspection(unit, (response, reply));
        self.deliver(answer);
    }

    /// Signals for those who watch.
    fn publish_outcome(&mut self, Action { unit, verb, cause }: &Action, outcome: &Outcome) {
        let reason = cause.reason();
        match outcome {
            Outcome::Done { detail, followers } if *verb == Verb::Restart => {
                self.restarted(unit, reason, detail);
                for follower in followers {
                    self.restarted(follower, Reason::Dependency, unit);
                }
            }
            Outcome::Done { detail, .. } if *verb == Verb::Stop => {
                self.api.publish(Update::Stopped { unit: unit.clone(), reason, detail: detail.clone() });
            }
            Outcome::Failed(why) => {
                self.api.publish(Update::Failed { unit: unit.clone(), verb: *verb, reason, why: why.clone() });
            }
            Outcome::Done { .. } | Outcome::LeftAlone => {}
        }
    }

    fn restarted(&mut self, unit: &UnitName, reason: Reason, detail: &str) {
        if let Some(facts) = self.containers.get_mut(unit).map(Arc::make_mut) {
            let reason = RestartReason::Wharfd(reason);
            let restart = Restart { at: SystemTime::now(), reason, detail: detail.to_owned() };
            facts.restarts.add(restart.clone());
            self.publish(unit);
            self.api.publish(Update::Restarted { unit: unit.clone(), restart });
        }
    }
}

/// `None`: it was built here, and there is nothing to ask a registry for.
async fn digest_to_compare(engine: &Engine, image: &str) -> Result<Option<String>, EngineError> {
    match engine.image(image).await? {
        Some(here) if here.digests.is_empty() => Ok(None),
        _ => Ok(engine.registry_image(image).await?.digest),
    }
}

/// Differences that were not there before. Not that the stack was changed: whoever changed it knows.
fn new_differences<'a>(before: &'a [Difference], now: &'a [Difference]) -> impl Iterator<Item = &'a Difference> {
    now.iter().filter(|one| one.aspect != Aspect::Definition && !before.contains(one))
}

/// The end of a question for what a healthcheck printed, if it was asked at all.
async fn probe_completion(
    unit: UnitName,
    container: Option<(Engine, String)>,
    output: oneshot::Receiver<String>,
) -> Completion {
    match (container, output.await) {
        (Some((_, container_id)), Ok(output)) => Completion::Probe { unit, container_id, output },
        _ => Completion::Nothing,
    }
}

/// What the healthcheck of a container printed last; empty if that is no longer known.
async fn last_probe(container: Option<(Engine, String)>) -> String {
    let Some((engine, id)) = container else { return String::new() };
    let container = engine.container(&id).await.ok().flatten();
    container.map(|container| container.health.output.trim_end().to_owned()).unwrap_or_default()
}
