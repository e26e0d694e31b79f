//! Volumes.

use std::collections::HashMap;

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;

use super::{Engine, EngineError, found};

impl Engine {
    /// The labels of the volume of this name, if there is one.
    pub async fn volume_labels(&self, name: &str) -> Result<Option<HashMap<String, String>>, EngineError> {
        Ok(found(self.docker.inspect_volume(name).await)?.map(|volume| volume.labels))
    }

    pub async fn create_volume(&self, request: &VolumeCreateRequest) -> Result<(), EngineError> {
        self.docker.create_volume(request.clone()).await?;
        Ok(())
    }

    /// Removes a volume and its data; one that is gone is no error.
    pub async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        found(self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await).map(|_| ())
    }
}
