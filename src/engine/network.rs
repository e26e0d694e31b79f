//! Networks.

use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::InspectNetworkOptions;

use super::{Engine, EngineError, found};
use crate::spec::label;

/// A network as the engine sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkState {
    pub project: Option<String>,
    pub config_hash: Option<String>,
    /// Names of the containers on it.
    pub containers: Vec<String>,
}

impl Engine {
    pub async fn network(&self, name: &str) -> Result<Option<NetworkState>, EngineError> {
        let inspected = found(self.docker.inspect_network(name, None::<InspectNetworkOptions>).await)?;
        Ok(inspected.map(|network| {
            let labels = network.labels.unwrap_or_default();
            let containers = network.containers.unwrap_or_default();
            NetworkState {
                project: labels.get(label::PROJECT).cloned(),
                config_hash: labels.get(label::CONFIG_HASH).cloned(),
                containers: containers.into_values().filter_map(|container| container.name).collect(),
            }
        }))
    }

    pub async fn create_network(&self, request: &NetworkCreateRequest) -> Result<(), EngineError> {
        self.docker.create_network(request.clone()).await?;
        Ok(())
    }

    /// Removes a network; one that is gone is no error.
    pub async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        found(self.docker.remove_network(name).await).map(|_| ())
    }
}
