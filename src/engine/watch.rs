//! The health of one container, or of all under Wharf at once, as it changes.

use std::collections::HashMap;

use bollard::models::{EventMessage, HealthStatusEnum};
use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::Stream;
use futures_util::StreamExt;

use super::{Engine, EngineError};
use crate::spec::label;

/// The health of a unit's container changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthChange {
    pub unit: String,
    pub health: HealthStatusEnum,
}

impl Engine {
    /// The units whose containers are unhealthy now.
    pub async fn unhealthy_units(&self) -> Result<Vec<String>, EngineError> {
        let filters = HashMap::from([("label", vec![label::UNIT]), ("health", vec!["unhealthy"])]);
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let containers = self.docker.list_containers(Some(options)).await?;
        Ok(containers.into_iter().filter_map(|container| container.labels?.remove(label::UNIT)).collect())
    }

    /// An item whenever the health of a container under Wharf changes.
    pub fn all_health_changes(&self) -> impl Stream<Item = Result<HealthChange, EngineError>> + use<> {
        self.health_events(("label", label::UNIT), None, |event| {
            let health = health(&event)?;
            Some(HealthChange { unit: event.actor?.attributes?.remove(label::UNIT)?, health })
        })
    }

    /// The health of one container whenever it changes, from `since` (seconds of the epoch) on.
    pub fn health_changes(
        &self,
        id: &str,
        since: i64,
    ) -> impl Stream<Item = Result<HealthStatusEnum, EngineError>> + use<> {
        self.health_events(("container", id), Some(since), |event| health(&event))
    }

    fn health_events<T, R: Fn(EventMessage) -> Option<T>>(
        &self,
        (filter, value): (&str, &str),
        since: Option<i64>,
        read: R,
    ) -> impl Stream<Item = Result<T, EngineError>> + use<T, R> {
        let filters = HashMap::from([(filter, vec![value]), ("event", vec!["health_status"])]);
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
