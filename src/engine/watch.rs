//! The health of one container, or of all under Wharf at once, as it changes.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerSummary, EventMessage, HealthStatusEnum};
use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::Stream;
use futures_util::StreamExt;

use super::{Engine, EngineError};
use crate::spec::label;

/// What became of a unit's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerChange {
    pub unit: String,
    /// The container's id.
    pub id: String,
    /// `None`: it was started or ended, and its health is not known.
    pub health: Option<HealthStatusEnum>,
}

impl Engine {
    /// How each unit's container fares, of those that run.
    pub async fn health_of_all(&self) -> Result<Vec<ContainerChange>, EngineError> {
        let mut all = BTreeMap::new();
        // The list itself tells the health in words for people alone; as a filter it has names.
        for health in [None, Some(HealthStatusEnum::HEALTHY), Some(HealthStatusEnum::UNHEALTHY)] {
            for (unit, id) in self.units_with(health).await? {
                all.insert(unit.clone(), ContainerChange { unit, id, health });
            }
        }
        Ok(all.into_values().collect())
    }

    async fn units_with(&self, health: Option<HealthStatusEnum>) -> Result<Vec<(String, String)>, EngineError> {
        let word = health.map(|health| health.to_string());
        let mut filters = HashMap::from([("label", vec![label::UNIT])]);
        filters.extend(word.as_deref().map(|word| ("health", vec![word])));
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let containers = self.docker.list_containers(Some(options)).await?;
        let unit_and_id = |container: ContainerSummary| Some((container.labels?.remove(label::UNIT)?, container.id?));
        Ok(containers.into_iter().filter_map(unit_and_id).collect())
    }

    /// An item whenever a container under Wharf is started or ends, or its health changes.
    pub fn all_container_changes(&self) -> impl Stream<Item = Result<ContainerChange, EngineError>> + use<> {
        self.events(("label", label::UNIT), &["health_status", "start", "die"], None, |event| {
            let health = health(&event);
            let actor = event.actor?;
            Some(ContainerChange { unit: actor.attributes?.remove(label::UNIT)?, id: actor.id?, health })
        })
    }

    /// The health of one container whenever it changes, from `since` (seconds of the epoch) on.
    pub fn health_changes(
        &self,
        id: &str,
        since: i64,
    ) -> impl Stream<Item = Result<HealthStatusEnum, EngineError>> + use<> {
        self.events(("container", id), &["health_status"], Some(since), |event| health(&event))
    }

    fn events<T, R: Fn(EventMessage) -> Option<T>>(
        &self,
        (filter, value): (&str, &str),
        kinds: &[&str],
        since: Option<i64>,
        read: R,
    ) -> impl Stream<Item = Result<T, EngineError>> + use<T, R> {
        let filters = HashMap::from([(filter, vec![value]), ("event", kinds.to_vec())]);
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

/// The action reads "health_status: healthy".
fn health(event: &EventMessage) -> Option<HealthStatusEnum> {
    event.action.as_deref()?.strip_prefix("health_status: ")?.parse().ok()
}
