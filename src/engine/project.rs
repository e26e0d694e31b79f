//! All that the engine holds of one project, found by label.

use std::collections::HashMap;
use std::fmt;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder};

use super::{Engine, EngineError};
use crate::spec::label;

/// What Wharf made at the engine for a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectObject {
    Container { id: String, name: String },
    Network(String),
    Volume(String),
}

impl fmt::Display for ProjectObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container { name, .. } => write!(f, "container {name}"),
            Self::Network(name) => write!(f, "network {name}"),
            Self::Volume(name) => write!(f, "volume {name}"),
        }
    }
}

/// What has the label of this project.
fn filters(project: &str) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([("label", vec![format!("{}={project}", label::PROJECT)])])
}

impl Engine {
    /// The project's containers and networks, and with `volumes` its named volumes, in the order in which they can be removed.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn project_objects(&self, project: &str, volumes: bool) -> Result<Vec<ProjectObject>, EngineError> {
        let filters = filters(project);
        let mut objects = Vec::new();
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        for container in self.lists.list_containers(Some(options)).await? {
            let Some(id) = container.id else { continue };
            // The list does not tell the cgroup parent, and a copy (docker commit) has the labels.
            if !self.container(&id).await?.is_some_and(|container| container.is_of_project(project)) {
                continue;
            }
            let name = container.names.and_then(|names| names.into_iter().next()).unwrap_or_else(|| id.clone());
            objects.push(ProjectObject::Container { id, name: name.trim_start_matches('/').to_owned() });
        }
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks = self.lists.list_networks(Some(options)).await?;
        objects.extend(networks.into_iter().filter_map(|network| network.name).map(ProjectObject::Network));
        if volumes {
            objects.extend(self.project_volumes(project).await?.into_iter().map(ProjectObject::Volume));
        }
        Ok(objects)
    }

    /// The project's volumes, by name.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn project_volumes(&self, project: &str) -> Result<Vec<String>, EngineError> {
        let options = ListVolumesOptionsBuilder::new().filters(&filters(project)).build();
        let volumes = self.lists.list_volumes(Some(options)).await?.volumes.unwrap_or_default();
        let mut names: Vec<String> = volumes.into_iter().map(|volume| volume.name).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes one of them; a volume with its data.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn remove_object(&self, object: &ProjectObject) -> Result<(), EngineError> {
        match object {
            ProjectObject::Container { id, .. } => self.remove_container(id).await,
            ProjectObject::Network(name) => self.remove_network(name).await,
            ProjectObject::Volume(name) => self.remove_volume(name).await,
        }
    }
}
