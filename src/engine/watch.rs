//! The health of all containers under Wharf at once, found by label.

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
        let filters = HashMap::from([("label", vec![label::UNIT]), ("event", vec!["health_status"])]);
        let options = EventsOptionsBuilder::new().filters(&filters).build();
        self.streams.events(Some(options)).filter_map(async |item| match item {
            Ok(event) => change(event).map(Ok),
            Err(error) => Some(Err(EngineError::from(error))),
        })
    }
}

fn change(event: EventMessage) -> Option<HealthChange> {
    let health = health(&event)?;
    Some(HealthChange { unit: event.actor?.attributes?.remove(label::UNIT)?, health })
}

/// The action reads "health_status: healthy".
pub(super) fn health(event: &EventMessage) -> Option<HealthStatusEnum> {
    event.action.as_deref()?.strip_prefix("health_status: ")?.parse().ok()
}
