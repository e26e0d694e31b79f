//! Images that are kept for a project although none of its containers runs with them. Each has a tag in its repository, which
//! `docker image prune` leaves alone, and a container that is never started, because of which `docker image prune --all` leaves one tag
//! and all digests of that repository.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveImageOptions};

use super::{Engine, EngineError, found};
use crate::name::ImageRef;
use crate::spec::label;

/// Digits of an image's id in the names of what keeps it.
const DIGITS: usize = 12;

impl Engine {
    /// Keeps these images for the project, by their ids and the references under which they were used, and lets go of others that were
    /// kept for it. Images that are not on this host are passed over; those in `used`, which containers keep, stay as they are.
    ///
    /// # Errors
    /// The engine does not answer, or refuses.
    pub async fn keep_images(
        &self,
        project: &str,
        images: &BTreeMap<String, String>,
        used: &BTreeSet<String>,
    ) -> Result<(), EngineError> {
        let kept = self.kept_images(project).await?;
        for (_, container) in kept.iter().filter(|(image, _)| !images.contains_key(*image) && !used.contains(*image)) {
            self.let_go(container).await?;
        }
        let wanted = images.iter().filter(|(image, _)| !kept.contains_key(*image) && !used.contains(*image));
        for (image, reference) in wanted {
            if let (Ok(reference), Some(_)) = (ImageRef::parse(reference), self.image(image).await?) {
                self.keep(project, image, &reference).await?;
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

    async fn keep(&self, project: &str, image: &str, reference: &ImageRef) -> Result<(), EngineError> {
        let tag = format!("{}:wharf-kept-{}", reference.name(), digits(image));
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

    async fn let_go(&self, container: &str) -> Result<(), EngineError> {
        let Some(inspection) = self.inspect(container).await? else { return Ok(()) };
        self.remove_container(container).await?;
        match found(self.docker.remove_image(&inspection.image, None::<RemoveImageOptions>, None).await) {
            // Another project keeps it, too, or a container uses it.
            Ok(_) | Err(EngineError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn digits(image: &str) -> String {
    let digits = image.chars().rev().take_while(char::is_ascii_hexdigit).collect::<Vec<char>>();
    digits.into_iter().rev().take(DIGITS).collect()
}
