//! All that the engine holds of one project, found by label.

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder};

use super::{Engine, EngineError};
use crate::spec::label;

impl Engine {
    /// Removes the project's containers and networks, and with `volumes` its named volumes with their data. What was removed,
    /// one line each.
    ///
    /// # Errors
    /// The first thing that could not be removed; what came before it is gone.
    pub async fn remove_project(&self, project: &str, volumes: bool) -> Result<Vec<String>, EngineError> {
        let filters = HashMap::from([("label", vec![format!("{}={project}", label::PROJECT)])]);
        let mut removed = Vec::new();
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        for container in self.lists.list_containers(Some(options)).await? {
            let Some(id) = container.id else { continue };
            // The list does not tell the cgroup parent, and a copy (docker commit) has the labels.
            if !self.container(&id).await?.is_some_and(|container| container.is_of_project(project)) {
                continue;
            }
            self.remove_container(&id).await?;
            let name = container.names.and_then(|names| names.into_iter().next()).unwrap_or(id);
            removed.push(format!("container {}", name.trim_start_matches('/')));
        }
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        for name in self.lists.list_networks(Some(options)).await?.into_iter().filter_map(|network| network.name) {
            self.remove_network(&name).await?;
            removed.push(format!("network {name}"));
        }
        if volumes {
            let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
            for volume in self.lists.list_volumes(Some(options)).await?.volumes.unwrap_or_default() {
                self.remove_volume(&volume.name).await?;
                removed.push(format!("volume {}", volume.name));
            }
        }
        Ok(removed)
    }
}
