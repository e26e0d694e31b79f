//! The stack as types: what is left when syntax, interpolation and defaults are out of the way.
//!
//! Keys are named as the Compose Specification names them; each field's source is the section of that name. Invariant: plain data,
//! without the places and spellings of the text, apart from places that later messages need.

mod build;
mod job;
mod mount;
mod namespaces;
mod network;
mod overrides;
mod resources;
mod secret;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Place;
use crate::name::{ImageRef, ProjectName, ServiceName};
use crate::spec::{OnUnhealthy, OutputPart};

pub use build::{AdditionalContext, Build, BuildCache, BuildContext, BuildNetwork, ContextSource, Dockerfile};
pub use job::{Hook, Schedule, UpdateHooks};
pub use mount::{Mount, MountKind, MountsOwner, Recursive, Volume, VolumesFrom};
pub use namespaces::{Namespace, Namespaces};
pub use network::{Attachment, Ipam, IpamConfig, Network};
pub use overrides::Overrides;
pub use resources::{Blkio, DeviceRequest, Resources};
pub use secret::{FileSource, Grant, GrantKind, ProvidedFile};
pub use update::{FailureAction, UpdateConfig};

/// What was asked for besides a stack file: by it, a stack can be loaded again as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// The absolute paths of all files of the project, if they were named one by one: its override file is not among them then.
    pub files: Vec<PathBuf>,
    /// The profiles, if they were named.
    pub profiles: Vec<String>,
}

/// One project: what one stack file (or several, merged) declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// `name`, else the file's stem.
    pub name: ProjectName,
    /// The absolute path of the stack file.
    pub source: PathBuf,
    /// Those of the other stack files that it is made of: merged over it, included, extended.
    pub further_sources: Vec<PathBuf>,
    /// What was asked for besides the stack file.
    pub selected: Selected,
    /// Where the name stands, or the start of the file.
    pub place: Place,
    /// Whether the stack is started at boot when `wharf-generator` finds it in /etc/wharf (default true).
    pub autostart: bool,
    /// Whether containers have Compose's labels, too (default false).
    pub compose_labels: bool,
    pub services: BTreeMap<String, Box<Service>>,
    /// Declared networks, and `default` where a service uses it.
    pub networks: BTreeMap<String, Network>,
    pub volumes: BTreeMap<String, Volume>,
    pub secrets: BTreeMap<String, ProvidedFile>,
    pub configs: BTreeMap<String, ProvidedFile>,
    /// `[systemd.Unit]`, `[systemd.Install]`: directives of the stack's target.
    pub systemd: Overrides,
}

impl Stack {
    /// The images that its services build.
    pub fn built_images(&self) -> BTreeSet<ImageRef> {
        self.services.values().filter(|service| service.build.is_some()).map(|service| service.image.clone()).collect()
    }

    /// The files of this host that systemd reads as root when a unit starts: what secrets and configs are made from.
    pub fn credential_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.secrets.values().chain(self.configs.values()).filter_map(|file| file.source.path())
    }

    /// The files and directories of this host that the stack is made of or names, to be seen from another root: the stack files, what
    /// secrets and configs are read from, the directories of builds, the sources of bind mounts.
    pub fn host_paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let files = self.secrets.values_mut().chain(self.configs.values_mut());
        let of_services = self.services.values_mut().flat_map(|service| {
            let built = service.build.as_deref_mut().into_iter().flat_map(Build::directories_mut);
            let mounted = service.mounts.iter_mut().filter_map(|mount| match &mut mount.kind {
                MountKind::Bind { source, .. } => Some(source),
                _ => None,
            });
            built.chain(mounted)
        });
        std::iter::once(&mut self.source)
            .chain(&mut self.further_sources)
            .chain(&mut self.selected.files)
            .chain(files.filter_map(|file| file.source.path_mut()))
            .chain(of_services)
    }
}

/// A service: one container, or several replicas of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub name: ServiceName,
    pub place: Place,
    /// `image`, else of a service that is built `PROJECT-SERVICE`.
    pub image: ImageRef,
    pub build: Option<Box<Build>>,
    /// `None`: the image's own. A string was split into words as a POSIX shell would.
    pub command: Option<Vec<String>>,
    /// `None`: the image's own. `Some([])`: none, which also drops the image's command.
    pub entrypoint: Option<Vec<String>>,
    /// `env_file` and `environment`, merged (the latter wins). `None`: the variable is taken away from the image's own.
    pub environment: BTreeMap<String, Option<String>>,
    pub ports: Vec<Port>,
    /// `volumes` and `tmpfs`.
    pub mounts: Vec<Mount>,
    pub secrets: Vec<Grant>,
    pub configs: Vec<Grant>,
    /// The networks to join by their key; `default` if none is given.
    pub networks: BTreeMap<String, Box<Attachment>>,
    pub depends_on: BTreeMap<String, Dependency>,
    pub healthcheck: Option<Healthcheck>,
    /// `None`: not given.
    pub restart: Option<Restart>,
    /// When the unit counts as started; `None`: not given.
    pub ready: Option<Ready>,
    pub labels: BTreeMap<String, String>,
    pub hostname: Option<String>,
    pub domainname: Option<String>,
    pub user: Option<String>,
    pub working_dir: Option<String>,
    pub init: Option<bool>,
    /// With or without the `SIG` prefix as written, or a number.
    pub stop_signal: Option<String>,
    /// Default 10 s (Compose Specification, stop_grace_period).
    pub stop_grace_period: Option<Duration>,
    pub container_name: Option<String>,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub privileged: bool,
    pub read_only: bool,
    pub tty: bool,
    pub stdin_open: bool,
    pub devices: Vec<Device>,
    /// `host:ip` in the engine's form.
    pub extra_hosts: Vec<String>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub dns_opt: Vec<String>,
    pub sysctls: BTreeMap<String, String>,
    pub ulimits: BTreeMap<String, Ulimit>,
    pub resources: Resources,
    pub namespaces: Namespaces,
    /// How many containers: then the unit is a template. `None`: one, of a plain unit.
    pub replicas: Option<u32>,
    /// `deploy.restart_policy` beyond what `restart` says.
    pub restart_tuning: RestartTuning,
    /// `deploy.update_config` and `deploy.rollback_config`.
    pub update_config: UpdateConfig,
    pub rollback_config: UpdateConfig,
    pub annotations: BTreeMap<String, String>,
    /// Ports that the container listens on, beyond the published ones: first, last.
    pub expose: Vec<(u16, u16, Protocol)>,
    pub links: Vec<Link>,
    /// `CONTAINER:ALIAS` in the engine's form.
    pub external_links: Vec<String>,
    pub volumes_from: Vec<VolumesFrom>,
    pub group_add: Vec<String>,
    /// In the engine's form; a seccomp profile's text is in it. `systempaths=unconfined` is no path in
    /// [`Service::masked_paths`] and [`Service::readonly_paths`].
    pub security_opt: Vec<String>,
    /// Instead of the engine's own; `None`: those.
    pub masked_paths: Option<Vec<String>>,
    /// The same of the paths that are read-only.
    pub readonly_paths: Option<Vec<String>>,
    /// In the kernel's form, as `c 1:3 mr`.
    pub device_cgroup_rules: Vec<String>,
    pub storage_opt: BTreeMap<String, String>,
    /// An OCI runtime that the engine knows.
    pub runtime: Option<String>,
    /// `OS[/ARCH[/VARIANT]]`
    pub platform: Option<String>,
    /// Of the first network that is joined.
    pub mac_address: Option<String>,
    pub pull_policy: Option<PullPolicy>,
    /// Run in order once the container has started, before the unit is ready.
    pub post_start: Vec<Hook>,
    /// Run in order before the stop signal.
    pub pre_stop: Vec<Hook>,
    /// Wharf's own keys `reload_signal` and `reload_command`.
    pub reload: Option<Reload>,
    /// Wharf's own key: what wharfd does about a container that is unhealthy.
    pub on_unhealthy: OnUnhealthy,
    /// Wharf's own keys `stdout_level`, `stderr_level` and `level_prefix`.
    pub output: OutputPart,
    /// `[services.NAME.systemd.SECTION]`: directives added to, or replacing, those of the unit.
    pub systemd: Overrides,
    /// Wharf's own key: run by a timer, as a job.
    pub schedule: Option<Schedule>,
    /// Wharf's own key: run by updates and rollbacks, as a job.
    pub update_hooks: Option<UpdateHooks>,
}

impl Service {
    /// A service of which nothing more is known.
    pub fn new(name: ServiceName, place: Place, image: ImageRef) -> Self {
        Self {
            name,
            place,
            image,
            build: None,
            command: None,
            entrypoint: None,
            environment: BTreeMap::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            secrets: Vec::new(),
            configs: Vec::new(),
            networks: BTreeMap::new(),
            depends_on: BTreeMap::new(),
            healthcheck: None,
            restart: None,
            ready: None,
            labels: BTreeMap::new(),
            hostname: None,
            domainname: None,
            user: None,
            working_dir: None,
            init: None,
            stop_signal: None,
            stop_grace_period: None,
            container_name: None,
            cap_add: Vec::new(),
            cap_drop: Vec::new(),
            privileged: false,
            read_only: false,
            tty: false,
            stdin_open: false,
            devices: Vec::new(),
            extra_hosts: Vec::new(),
            dns: Vec::new(),
            dns_search: Vec::new(),
            dns_opt: Vec::new(),
            sysctls: BTreeMap::new(),
            ulimits: BTreeMap::new(),
            resources: Resources::default(),
            namespaces: Namespaces::default(),
            replicas: None,
            restart_tuning: RestartTuning::default(),
            update_config: UpdateConfig::default(),
            rollback_config: UpdateConfig::default(),
            annotations: BTreeMap::new(),
            expose: Vec::new(),
            links: Vec::new(),
            external_links: Vec::new(),
            volumes_from: Vec::new(),
            group_add: Vec::new(),
            security_opt: Vec::new(),
            masked_paths: None,
            readonly_paths: None,
            device_cgroup_rules: Vec::new(),
            storage_opt: BTreeMap::new(),
            runtime: None,
            platform: None,
            mac_address: None,
            pull_policy: None,
            post_start: Vec::new(),
            pre_stop: Vec::new(),
            reload: None,
            on_unhealthy: OnUnhealthy::default(),
            output: OutputPart::default(),
            systemd: BTreeMap::new(),
            schedule: None,
            update_hooks: None,
        }
    }

    /// What runs it, and where that stands, if it is not the start of the stack: `schedule` or `update_hook`. It is a job then.
    pub fn trigger(&self) -> Option<(&'static str, &Place)> {
        let schedule = self.schedule.as_ref().map(|schedule| ("schedule", &schedule.place));
        schedule.or_else(|| self.update_hooks.as_ref().map(|hooks| ("update_hook", &hooks.place)))
    }

    /// Whether the stack says that it has no healthcheck. If it says nothing, its image may have one.
    pub fn never_healthy(&self) -> bool {
        self.healthcheck.as_ref().is_some_and(|check| check.test == HealthTest::Disabled)
    }

    /// The keys of the volumes that it mounts.
    pub fn named_volumes(&self) -> impl Iterator<Item = &String> {
        self.mounts.iter().filter_map(|mount| match &mount.kind {
            MountKind::Volume { source: Some(key), .. } => Some(key),
            _ => None,
        })
    }
}

/// What `systemctl reload` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// As `stop_signal` is written.
    Signal(String),
    /// Run inside the container.
    Command(Vec<String>),
}

/// Source: Compose Deploy Specification, restart_policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestartTuning {
    /// Pause before each restart.
    pub delay: Option<Duration>,
    /// Give up after so many.
    pub max_attempts: Option<u32>,
    /// How long it must run for a restart to have succeeded.
    pub window: Option<Duration>,
}

/// `links`: another service of the stack under one more name.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub service: String,
    /// The service's own name if the user gave none.
    pub alias: String,
    pub place: Place,
}

/// One published port. Ranges are expanded: one entry a container port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub target: u16,
    pub protocol: Protocol,
    pub host_ip: Option<IpAddr>,
    pub published: Published,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// The host side of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The engine picks one from the ephemeral range.
    Ephemeral,
    One(u16),
    /// The engine picks a free one of these.
    Range(u16, u16),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    pub condition: Condition,
    /// `false`: start even if the dependency is missing or failed.
    pub required: bool,
    /// `true`: restart with the dependency.
    pub restart: bool,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Started,
    Healthy,
    CompletedSuccessfully,
}

/// The container's probe; durations with nanosecond precision as in the Engine API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    pub test: HealthTest,
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub start_period: Option<Duration>,
    pub start_interval: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthTest {
    /// The image's own test; the other keys adjust it.
    Inherit,
    /// `disable = true` or `test = ["NONE"]`.
    Disabled,
    /// `["CMD", …]` or `["CMD-SHELL", …]`; a string became `CMD-SHELL`.
    Run(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    No,
    Always,
    /// At most so many times.
    OnFailure(Option<u32>),
    UnlessStopped,
}

/// When a unit is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    Started,
    Healthy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub host: String,
    pub container: String,
    /// A subset of `rwm`.
    pub permissions: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ulimit {
    pub soft: i64,
    pub hard: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    Always,
    /// `missing` and `if_not_present`; the default.
    Missing,
    Never,
    /// `daily`, `weekly`, `every_<duration>`, and `refresh` with `pull_refresh_after`: if missing, or if the last pull is longer
    /// ago than this.
    Refresh(Duration),
    /// Built, whatever is there.
    Build,
}
