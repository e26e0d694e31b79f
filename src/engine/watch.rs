//! The health of one container, or of all under Wharf at once, as it changes.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerSummary, EventMessage, EventMessageTypeEnum, HealthStatusEnum};
use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::Stream;
use futures_util::StreamExt;

use super::inspection::own_name;
use super::{Engine, EngineError};
use crate::spec::label;

/// How a container with a unit fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fares {
    /// The unit that its label names: a copy of a container has that of the original.
    pub unit: String,
    /// The container's id and name.
    pub id: String,
    pub name: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Started,
    Ended,
    /// `NONE`: it runs, and its health is not known.
    Health(HealthStatusEnum),
}

/// Something that changed at the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineChange {
    /// A unit's container was started, ended, or its health changed.
    Fares(Fares),
    /// Something else about a container: it was made, removed, renamed, given other limits or networks.
    Altered { id: String, unit: Option<String> },
    /// These names may mean another image than before.
    Image(Vec<String>),
}

/// The engine's words for what is listened to. Of health, exec's never-ending ones are left out.
const EVENTS: [&str; 14] = [
    "health_status",
    "start",
    "die",
    "create",
    "destroy",
    "rename",
    "update",
    "connect",
    "disconnect",
    "tag",
    "untag",
    "pull",
    "load",
    "delete",
];

impl Engine {
    /// How each container with a unit fares, of those that run.
    pub async fn health_of_all(&self) -> Result<Vec<Fares>, EngineError> {
        let mut all = BTreeMap::new();
        // The list itself tells the health in words for people alone; as a filter it has names.
        for health in [HealthStatusEnum::NONE, HealthStatusEnum::HEALTHY, HealthStatusEnum::UNHEALTHY] {
            for (unit, id, name) in self.units_with(health).await? {
                all.insert(id.clone(), Fares { unit, id, name, what: What::Health(health) });
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
        let containers = self.docker.list_containers(Some(options)).await?;
        let named = |container: ContainerSummary| {
            Some((container.labels?.remove(label::UNIT)?, container.id?, own_name(container.names?)))
        };
        Ok(containers.into_iter().filter_map(named).collect())
    }

    /// An item whenever something changes at the engine that concerns a container, its networks or its image.
    ///
    /// Not filtered by label: events of networks and images have none, nor have containers that no stack declares.
    pub fn changes(&self) -> impl Stream<Item = Result<EngineChange, EngineError>> + use<> {
        self.events(("type", &["container", "network", "image"]), &EVENTS, None, change)
    }

    /// The health of one container whenever it changes, from `since` (seconds of the epoch) on.
    pub fn health_changes(
        &self,
        id: &str,
        since: i64,
    ) -> impl Stream<Item = Result<HealthStatusEnum, EngineError>> + use<> {
        self.events(("container", &[id]), &["health_status"], Some(since), |event| health(&event))
    }

    fn events<T, R: Fn(EventMessage) -> Option<T>>(
        &self,
        (filter, values): (&str, &[&str]),
        kinds: &[&str],
        since: Option<i64>,
        read: R,
    ) -> impl Stream<Item = Result<T, EngineError>> + use<T, R> {
        let filters = HashMap::from([(filter, values.to_vec()), ("event", kinds.to_vec())]);
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        if let Some(since) = since {
            options = options.since(&since.to_string());
        }
        self.streams.events(Some(options.build())).filter_map(move |item| {
            std::future::ready(match item {
                Ok(event) => read(event).map(Ok),
                Err(error) => Some(Err(EngineError::from(error))),
            })
        })
    }
}

fn change(event: EventMessage) -> Option<EngineChange> {
    let health = health(&event);
    let action = event.action?;
    let actor = event.actor?;
    let (id, mut about) = (actor.id?, actor.attributes.unwrap_or_default());
    match event.typ? {
        EventMessageTypeEnum::CONTAINER => {
            let what = match (action.as_str(), health) {
                ("start", _) => Some(What::Started),
                ("die", _) => Some(What::Ended),
                (_, health) => health.map(What::Health),
            };
            match (about.remove(label::UNIT), what) {
                (Some(unit), Some(what)) => {
                    let name = about.remove("name").unwrap_or_default();
                    Some(EngineChange::Fares(Fares { unit, id, name, what }))
                }
                (unit, _) => Some(EngineChange::Altered { id, unit }),
            }
        }
        EventMessageTypeEnum::NETWORK => Some(EngineChange::Altered { id: about.remove("container")?, unit: None }),
        EventMessageTypeEnum::IMAGE => {
            Some(EngineChange::Image([Some(id), about.remove("name")].into_iter().flatten().collect()))
        }
        _ => None,
    }
}

/// The action reads "health_status: healthy".
fn health(event: &EventMessage) -> Option<HealthStatusEnum> {
    event.action.as_deref()?.strip_prefix("health_status: ")?.parse().ok()
}
