//! Events of the engine, and the health of containers: of one, or of all that have units.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerSummary, EventMessage, EventMessageTypeEnum, HealthStatusEnum};
use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::Stream;
use futures_util::StreamExt;

use super::inspection::own_name;
use super::{Engine, EngineError};
use crate::spec::label;

/// A container that has a unit, and what happened to it or is known of its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// The unit that its label names: a copy of a container has that of the original.
    pub unit: String,
    /// The container's id and name.
    pub id: String,
    pub name: String,
    pub change: ContainerChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerChange {
    Started,
    Ended,
    /// `NONE`: it runs, and its health is not known.
    Health(HealthStatusEnum),
}

/// An event of the engine that concerns a container, its networks or its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// A unit's container was started, ended, or its health changed.
    Container(ContainerEvent),
    /// Something else about a container: it was made, removed, renamed, frozen, given other limits or networks.
    Altered { id: String, unit: Option<String> },
    /// These names may mean another image than before.
    Image(Vec<String>),
}

/// The engine's names of the events that are asked for; not the endless ones of exec in healthchecks.
const EVENTS: [&str; 16] = [
    "health_status",
    "start",
    "die",
    "create",
    "destroy",
    "rename",
    "pause",
    "unpause",
    "update",
    "connect",
    "disconnect",
    "tag",
    "untag",
    "pull",
    "load",
    "delete",
];

/// Which events are asked for (Engine API, `GET /events`).
struct Wanted<'a> {
    /// A filter, and the values that it lets pass.
    about: (&'a str, &'a [&'a str]),
    kinds: &'a [&'a str],
    /// Seconds of the epoch; `None`: from now on.
    since: Option<i64>,
}

impl Engine {
    /// The containers that run and have a unit, with their health.
    pub async fn running_containers(&self) -> Result<Vec<ContainerEvent>, EngineError> {
        let mut all = BTreeMap::new();
        // The list itself tells the health in words for people alone; as a filter it has names.
        for health in [HealthStatusEnum::NONE, HealthStatusEnum::HEALTHY, HealthStatusEnum::UNHEALTHY] {
            for (unit, id, name) in self.units_with(health).await? {
                all.insert(id.clone(), ContainerEvent { unit, id, name, change: ContainerChange::Health(health) });
            }
        }
        Ok(all.into_values().collect())
    }

    /// `NONE`: all. (unit, id, name)
    async fn units_with(&self, health: HealthStatusEnum) -> Result<Vec<(String, String, String)>, EngineError> {
        let word = health.to_string();
        let mut filters = HashMap::from([("label", vec![label::UNIT])]);
        if health != HealthStatusEnum::NONE {
            filters.insert("health", vec![&word]);
        }
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let containers = self.lists.list_containers(Some(options)).await?;
        let named = |container: ContainerSummary| {
            Some((container.labels?.remove(label::UNIT)?, container.id?, own_name(container.names?)))
        };
        Ok(containers.into_iter().filter_map(named).collect())
    }

    /// All events, as they happen. Not filtered by label: events of networks and images have none, nor have containers that no stack declares.
    pub fn events(&self) -> impl Stream<Item = Result<EngineEvent, EngineError>> + use<> {
        let about = ("type", ["container", "network", "image"].as_slice());
        self.stream(&Wanted { about, kinds: &EVENTS, since: None }, event_of)
    }

    /// The health of one container whenever it changes, from `since` (seconds of the epoch) on.
    pub fn health_changes(
        &self,
        id: &str,
        since: i64,
    ) -> impl Stream<Item = Result<HealthStatusEnum, EngineError>> + use<> {
        let wanted = Wanted { about: ("container", &[id]), kinds: &["health_status"], since: Some(since) };
        self.stream(&wanted, |event| health(&event))
    }

    fn stream<T, R: Fn(EventMessage) -> Option<T>>(
        &self,
        Wanted { about: (filter, values), kinds, since }: &Wanted<'_>,
        parse: R,
    ) -> impl Stream<Item = Result<T, EngineError>> + use<T, R> {
        let filters = HashMap::from([(*filter, values.to_vec()), ("event", kinds.to_vec())]);
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        if let Some(since) = since {
            options = options.since(&since.to_string());
        }
        self.lines.events(Some(options.build())).filter_map(move |item| {
            std::future::ready(match item {
                Ok(event) => parse(event).map(Ok),
                Err(error) => Some(Err(EngineError::from(error))),
            })
        })
    }
}

fn event_of(event: EventMessage) -> Option<EngineEvent> {
    let health = health(&event);
    let action = event.action?;
    let actor = event.actor?;
    let (id, mut about) = (actor.id?, actor.attributes.unwrap_or_default());
    match event.typ? {
        EventMessageTypeEnum::CONTAINER => {
            let change = match (action.as_str(), health) {
                ("start", _) => Some(ContainerChange::Started),
                ("die", _) => Some(ContainerChange::Ended),
                (_, health) => health.map(ContainerChange::Health),
            };
            match (about.remove(label::UNIT), change) {
                (Some(unit), Some(change)) => {
                    let name = about.remove("name").unwrap_or_default();
                    Some(EngineEvent::Container(ContainerEvent { unit, id, name, change }))
                }
                (unit, _) => Some(EngineEvent::Altered { id, unit }),
            }
        }
        EventMessageTypeEnum::NETWORK => Some(EngineEvent::Altered { id: about.remove("container")?, unit: None }),
        EventMessageTypeEnum::IMAGE => {
            Some(EngineEvent::Image([Some(id), about.remove("name")].into_iter().flatten().collect()))
        }
        _ => None,
    }
}

/// The action reads "health_status: healthy".
fn health(event: &EventMessage) -> Option<HealthStatusEnum> {
    event.action.as_deref()?.strip_prefix("health_status: ")?.parse().ok()
}
