//! Images that are kept for a project, although none of its containers runs with them: each has a tag, which `docker image prune`
//! respects, and a container that is never started, which `docker image prune --all` respects.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveImageOptions};

use super::{Engine, EngineError, found};
use crate::spec::label;

/// Digits of an image's id in the names of what keeps it.
const DIGITS: usize = 12;

impl Engine {
    /// Keeps these images, by id, for the project, and lets go of others that were kept for it. Images that are not on this host are
    /// passed over.
    ///
    /// # Errors
    /// The engine does not answer, or refuses.
    pub async fn keep_images(&self, project: &str, images: &BTreeSet<&str>) -> Result<(), EngineError> {
        let kept = self.kept_images(project).await?;
        for (image, container) in &kept {
            if !images.contains(image.as_str()) {
                self.remove_container(container).await?;
                let untagged = self.docker.remove_image(&tag(project, image), None::<RemoveImageOptions>, None).await;
                match found(untagged) {
                    // A container uses it that this tag alone does not keep.
                    Ok(_) | Err(EngineError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        for image in images.iter().filter(|image| !kept.contains_key(**image)) {
            if self.image(image).await?.is_some() {
                self.keep(project, image).await?;
            }
        }
        Ok(())
    }

    /// The images that are kept for a project, by id, each with the container that keeps it.
    async fn kept_images(&self, project: &str) -> Result<BTreeMap<String, String>, EngineError> {
        let filters = HashMap::from([("label", vec![format!("{}={project}", label::KEPT)])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.lists.list_containers(Some(options)).await?;
        Ok(listed.into_iter().filter_map(|container| container.image_id.zip(container.id)).collect())
    }

    async fn keep(&self, project: &str, image: &str) -> Result<(), EngineError> {
        let tag = tag(project, image);
        self.tag(image, &tag).await?;
        let body = ContainerCreateBody {
            image: Some(tag),
            // An image may have no command, and without one there is no container.
            cmd: Some(vec!["kept".to_owned()]),
            labels: Some(HashMap::from([(label::KEPT.to_owned(), project.to_owned())])),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let name = format!("wharf-kept-{project}-{}", digits(image));
        match self.create_container(&name, None, body).await {
            // Somebody else has the name: the tag keeps the image all the same.
            Ok(_) | Err(EngineError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// `localhost/` is at no registry.
fn tag(project: &str, image: &str) -> String {
    format!("localhost/wharf-kept/{project}:{}", digits(image))
}

fn digits(image: &str) -> String {
    let digits = image.chars().rev().take_while(char::is_ascii_hexdigit).collect::<Vec<char>>();
    digits.into_iter().rev().take(DIGITS).collect()
}
