//! A container as it is now, for comparison with what it should be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bollard::models::{
    ContainerInspectResponse, EndpointSettings, HostConfig, NetworkSettings, PortBinding, PortSummaryTypeEnum,
};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptions, ListContainersOptionsBuilder};

use super::{Container, Engine, EngineError, found};
use crate::spec::label;

/// All of a container that may be changed at the engine after it was made, and what it was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    pub container: Container,
    /// Its processes are frozen.
    pub paused: bool,
    pub labels: HashMap<String, String>,
    pub name: String,
    /// The image by the name under which the container was made of it, and by its id.
    pub image: String,
    pub image_id: String,
    /// Its networks, by name.
    pub networks: BTreeMap<String, EndpointSettings>,
    /// Its published ports as `docker ps` shows them (`127.0.0.1:8080->80/tcp`), sorted.
    pub ports: Vec<String>,
    pub host_config: HostConfig,
}

/// A container in the engine's list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedContainer {
    pub name: String,
    pub id: String,
    pub image: String,
    /// The unit that supervises it, if its label names one.
    pub unit: Option<String>,
}

/// A port of this host that a running container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    pub address: SocketAddr,
    pub is_udp: bool,
    /// The container's name.
    pub container: String,
    /// Those of Wharf.
    pub labels: HashMap<String, String>,
}

/// A kind of change to a container's file system: Engine API, `GET /containers/{id}/changes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    Modified,
    Added,
    Deleted,
}

/// What has changed in a container's file system, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChanges {
    pub changes: Vec<(FileChange, String)>,
    /// Whether there are more than [`MOST_CHANGES`], or than fit into [`MOST_BYTES`].
    pub is_truncated: bool,
}

/// A container may make as many files as it likes. More changes than this nobody reads.
const MOST_CHANGES: usize = 10_000;

/// Of all paths together; a message on the bus may have 32 MiB (dbus-daemon(1), `max_outgoing_bytes`).
const MOST_BYTES: usize = 1 << 20;

impl FileChanges {
    fn new(mut changes: Vec<(FileChange, String)>) -> Self {
        changes.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        let all = changes.len();
        changes.truncate(MOST_CHANGES);
        let mut bytes = 0;
        let fits = changes.iter().take_while(|(_, path)| {
            bytes += path.len();
            bytes <= MOST_BYTES
        });
        let fits = fits.count();
        changes.truncate(fits);
        Self { is_truncated: changes.len() < all, changes }
    }
}

/// The init of the engine (`HostConfig.Init`), which it mounts at /sbin/docker-init: that directory may be a link.
const INIT: [&str; 4] = ["/sbin/docker-init", "/bin/docker-init", "/usr/sbin/docker-init", "/usr/bin/docker-init"];

/// Where something is mounted in the container.
fn mount_points(inspect: ContainerInspectResponse) -> Vec<String> {
    let mounts = inspect.mounts.unwrap_or_default().into_iter().filter_map(|mount| mount.destination);
    let host_config = inspect.host_config.unwrap_or_default();
    let tmpfs = host_config.tmpfs.unwrap_or_default().into_keys();
    let mut points: Vec<String> = mounts.chain(tmpfs).chain(INIT.map(str::to_owned)).collect();
    // A link in most images; changes are listed by the path behind it.
    let behind_link =
        points.iter().filter_map(|point| point.strip_prefix("/var/run/").map(|rest| format!("/run/{rest}")));
    points.extend(behind_link.collect::<Vec<_>>());
    points
}

/// The changes without mount points, and without the directories above them in which nothing else has changed.
fn without_mounts(changes: Vec<(FileChange, String)>, mount_points: &[String]) -> Vec<(FileChange, String)> {
    let points: BTreeSet<&Path> = mount_points.iter().map(Path::new).collect();
    let above: BTreeSet<&Path> = points.iter().flat_map(|point| point.ancestors().skip(1)).collect();
    let is_of_mount = |path: &Path| points.contains(path) || above.contains(path);
    let others: BTreeSet<PathBuf> = changes
        .iter()
        .map(|(_, path)| Path::new(path))
        .filter(|path| !is_of_mount(path))
        .flat_map(Path::ancestors)
        .map(Path::to_owned)
        .collect();
    let is_kept = |(change, path): &(FileChange, String)| {
        let path = Path::new(path);
        *change == FileChange::Deleted || !is_of_mount(path) || (!points.contains(path) && others.contains(path))
    };
    changes.into_iter().filter(is_kept).collect()
}

impl From<ContainerInspectResponse> for Inspection {
    fn from(mut inspect: ContainerInspectResponse) -> Self {
        let settings = inspect.network_settings.take().unwrap_or_default();
        let host_config = inspect.host_config.clone().unwrap_or_default();
        let name = inspect.name.take().unwrap_or_default();
        let networks = settings.networks.clone().unwrap_or_default().into_iter().collect();
        let image = inspect.config.as_ref().and_then(|config| config.image.clone()).unwrap_or_default();
        let labels = inspect.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default();
        let paused = inspect.state.as_ref().and_then(|state| state.paused).unwrap_or(false);
        Self {
            paused,
            labels,
            name: name.trim_start_matches('/').to_owned(),
            image_id: inspect.image.take().unwrap_or_default(),
            image,
            networks,
            ports: published(settings),
            host_config,
            container: Container::from(inspect),
        }
    }
}

fn published(settings: NetworkSettings) -> Vec<String> {
    let mut published = Vec::new();
    for (port, bindings) in settings.ports.unwrap_or_default() {
        for PortBinding { host_ip, host_port } in bindings.into_iter().flatten() {
            let address = address(&host_ip.unwrap_or_default(), &host_port.unwrap_or_default());
            published.push(format!("{address}->{port}"));
        }
    }
    published.sort_unstable();
    published
}

/// `127.0.0.1:8080`, `[::1]:8080`
fn address(ip: &str, port: &str) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

impl Engine {
    /// The container of this name or id as it is now, if there is one.
    pub async fn inspect(&self, name: &str) -> Result<Option<Inspection>, EngineError> {
        let inspected = self.docker.inspect_container(name, None::<InspectContainerOptions>).await;
        Ok(found(inspected)?.map(Inspection::from))
    }

    /// All containers, whether they run or not, sorted by name; those that only keep an image are left out.
    pub async fn all_containers(&self) -> Result<Vec<ListedContainer>, EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let listed = self.lists.list_containers(Some(options)).await?;
        let mut all: Vec<_> = listed
            .into_iter()
            .filter(|container| !container.labels.as_ref().is_some_and(|labels| labels.contains_key(label::KEPT)))
            .map(|container| ListedContainer {
                name: own_name(container.names.unwrap_or_default()),
                id: container.id.unwrap_or_default(),
                image: container.image.unwrap_or_default(),
                unit: container.labels.and_then(|mut labels| labels.remove(label::UNIT)),
            })
            .collect();
        all.sort_unstable();
        Ok(all)
    }

    /// The ports of this host that containers have, TCP and UDP.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn published_ports(&self) -> Result<Vec<PublishedPort>, EngineError> {
        let listed = self.lists.list_containers(None::<ListContainersOptions>).await?;
        let mut published = Vec::new();
        for container in listed {
            let name = own_name(container.names.unwrap_or_default());
            let labels = label::of_wharf(container.labels.unwrap_or_default());
            for port in container.ports.unwrap_or_default() {
                let ip = port.ip.and_then(|ip| ip.parse().ok());
                let Some((ip, number)) = ip.zip(port.public_port) else { continue };
                published.push(PublishedPort {
                    address: SocketAddr::new(ip, number),
                    is_udp: port.typ == Some(PortSummaryTypeEnum::UDP),
                    container: name.clone(),
                    labels: labels.clone(),
                });
            }
        }
        Ok(published)
    }

    /// What has changed in the container's file system since it was made. What is mounted does not count, nor the directories that the
    /// engine makes for that.
    pub async fn file_changes(&self, id: &str) -> Result<FileChanges, EngineError> {
        let inspected = self.docker.inspect_container(id, None::<InspectContainerOptions>).await?;
        let changes = self.lists.container_changes(id).await?.unwrap_or_default();
        let changes = changes.into_iter().map(|change| (change.kind.into(), change.path)).collect();
        Ok(FileChanges::new(without_mounts(changes, &mount_points(inspected))))
    }
}

impl From<bollard::models::ChangeType> for FileChange {
    fn from(kind: bollard::models::ChangeType) -> Self {
        match kind {
            bollard::models::ChangeType::_1 => Self::Added,
            bollard::models::ChangeType::_2 => Self::Deleted,
            _ => Self::Modified,
        }
    }
}

/// Links of old give a container names with two slashes; its own has one.
pub(super) fn own_name(names: Vec<String>) -> String {
    let own = names.into_iter().map(|name| name.trim_start_matches('/').to_owned()).find(|name| !name.contains('/'));
    own.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_for_mounts_is_no_change() {
        let changes = [
            (FileChange::Modified, "/sbin"),
            (FileChange::Added, "/sbin/docker-init"),
            (FileChange::Added, "/srv"),
            (FileChange::Added, "/srv/data"),
            (FileChange::Modified, "/etc"),
            (FileChange::Added, "/etc/app"),
            (FileChange::Added, "/etc/app/app.conf"),
            (FileChange::Added, "/etc/app/app.pid"),
            (FileChange::Deleted, "/srv"),
            (FileChange::Added, "/tmp/x"),
        ];
        let changes = changes.map(|(change, path)| (change, path.to_owned())).to_vec();
        let points = ["/srv/data", "/etc/app/app.conf", INIT[0]].map(str::to_owned);
        let kept = without_mounts(changes, &points);
        let kept: Vec<&str> = kept.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(kept, ["/etc", "/etc/app", "/etc/app/app.pid", "/srv", "/tmp/x"]);
    }

    #[test]
    fn of_many_changes_the_first_are_kept_up_to_a_number_and_a_size() {
        let changes = |count: usize, width: usize| -> FileChanges {
            FileChanges::new((0..count).rev().map(|number| (FileChange::Added, format!("/{number:0width$}"))).collect())
        };
        let few = changes(3, 1);
        assert_eq!(few.changes.iter().map(|(_, path)| path.as_str()).collect::<Vec<_>>(), ["/0", "/1", "/2"]);
        assert!(!few.is_truncated && !changes(MOST_CHANGES, 5).is_truncated);
        let many = changes(MOST_CHANGES + 1, 5);
        assert_eq!((many.changes.len(), many.is_truncated), (MOST_CHANGES, true));
        let long = changes(MOST_CHANGES, 1023);
        assert_eq!((long.changes.len(), long.is_truncated), (MOST_BYTES / 1024, true));
    }

    #[test]
    fn ports_read_as_in_docker_ps() {
        let binding = |ip: &str| PortBinding { host_ip: Some(ip.to_owned()), host_port: Some("8080".to_owned()) };
        let ports = HashMap::from([
            ("80/tcp".to_owned(), Some(vec![binding("0.0.0.0"), binding("::")])),
            ("443/tcp".to_owned(), None),
        ]);
        let settings = NetworkSettings { ports: Some(ports), ..NetworkSettings::default() };
        assert_eq!(published(settings), ["0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp"]);
    }
}
