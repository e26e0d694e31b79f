//! The tables inside a service.
//!
//! Source: Compose Specification, services.

use super::table::{
    COMMAND, DURATION, Key, LIST, NAME_OR_NUMBER, OPTIONS, PAIRS, STRINGS, Table, Takes, honoured, ignored, own,
};

/// Permission bits: TOML's `0o644`, or a string of octal digits.
pub(super) const MODE: Takes = Takes::Either(&[Takes::Integer(0), Takes::String]);
/// The limits of setrlimit(2): a number for both, or a table.
pub(super) const ULIMITS: Takes = Takes::Map(&Takes::Either(&[Takes::Integer(-1), Takes::Table(&ULIMIT)]));

/// `["HOST=ADDRESS"]` or `{ HOST = "ADDRESS" }`.
pub(super) const EXTRA_HOSTS: Takes = Takes::Either(&[LIST, Takes::Map(&STRINGS)]);
const SYSTEMD: Takes = Takes::Map(&Takes::Map(&Takes::Either(&[Takes::Scalar, Takes::List(&Takes::Scalar)])));

/// `systemd` of whatever has a unit.
pub(super) const fn systemd(of: &'static str) -> Key {
    own("systemd", SYSTEMD, "Directives that extend or override the unit: section → directive → value.", of)
}

/// An entry of `blkio_config`'s limits.
const RATES: Takes = Takes::List(&Takes::Table(&BLKIO_RATE));

/// `blkio_config`.
#[rustfmt::skip]
pub static BLKIO: Table = Table {
    id: "blkio_config",
    title: "block devices",
    required: &[],
    keys: &[
        honoured("device_read_bps", RATES, "The maximum number of bytes read per second.",
            "`BlkioDeviceReadBps` and `IOReadBandwidthMax=` of the slice"),
        honoured("device_read_iops", RATES, "The maximum number of reads per second.",
            "`BlkioDeviceReadIOps` and `IOReadIOPSMax=` of the slice"),
        honoured("device_write_bps", RATES, "The maximum number of bytes written per second.",
            "`BlkioDeviceWriteBps` and `IOWriteBandwidthMax=` of the slice"),
        honoured("device_write_iops", RATES, "The maximum number of writes per second.",
            "`BlkioDeviceWriteIOps` and `IOWriteIOPSMax=` of the slice"),
        honoured("weight", Takes::Integer(0), "The relative weight, 10 to 1000.",
            "`BlkioWeight` and `IOWeight=` of the slice"),
        honoured("weight_device", Takes::List(&Takes::Table(&BLKIO_WEIGHT)), "The relative weight for a device.",
            "`BlkioWeightDevice` and `IODeviceWeight=` of the slice"),
    ],
};

/// An entry of `blkio_config.device_read_bps` and the like.
#[rustfmt::skip]
pub static BLKIO_RATE: Table = Table {
    id: "blkio_rate",
    title: "a device's rate",
    required: &["path", "rate"],
    keys: &[
        honoured("path", Takes::String, "The device.", "`Path`"),
        honoured("rate", Takes::Bytes, "Bytes or operations per second.", "`Rate`"),
    ],
};

/// An entry of `blkio_config.weight_device`.
#[rustfmt::skip]
pub static BLKIO_WEIGHT: Table = Table {
    id: "blkio_weight",
    title: "a device's weight",
    required: &["path", "weight"],
    keys: &[
        honoured("path", Takes::String, "The device.", "`Path`"),
        honoured("weight", Takes::Integer(0), "The relative weight, 10 to 1000.", "`Weight`"),
    ],
};

/// An entry of `depends_on`.
#[rustfmt::skip]
pub static DEPENDENCY: Table = Table {
    id: "dependency",
    title: "a dependency",
    required: &[],
    keys: &[
        honoured("condition", Takes::Words(&["service_started", "service_healthy", "service_completed_successfully"]),
            "The condition that must be met; the default is `service_started`.", "when its unit is active"),
        honoured("required", Takes::Boolean, "Whether the service fails to start if the dependency does.", "`Requires=`, or `Wants=` if not"),
        honoured("restart", Takes::Boolean,
            "Whether the service is restarted after wharfd has restarted the unhealthy dependency.",
            "`RestartsWith=`, for wharfd; an explicit `systemctl restart` of the dependency always restarts the service, by `Requires=`"),
    ],
};

/// An entry of `devices` in its long form.
#[rustfmt::skip]
pub static DEVICE: Table = Table {
    id: "device",
    title: "a device",
    required: &["source"],
    keys: &[
        honoured("permissions", Takes::String, "The permissions: `r`, `w`, `m` or a combination.",
            "`CgroupPermissions`"),
        honoured("source", Takes::String, "The device on the host.", "`PathOnHost`"),
        honoured("target", Takes::String, "The path in the container; the default is `source`.", "`PathInContainer`"),
    ],
};

/// An entry of `env_file` in its long form.
#[rustfmt::skip]
pub static ENV_FILE: Table = Table {
    id: "env_file",
    title: "a file of environment variables",
    required: &["path"],
    keys: &[
        honoured("format", Takes::Words(&["raw"]), "`raw`: quotes and variables have no meaning.",
            "how the file is read"),
        honoured("path", Takes::String, "The file.", "`Env`"),
        honoured("required", Takes::Boolean, "Whether the file must exist.", "an error if it is missing"),
    ],
};

/// `extends` in its long form.
#[rustfmt::skip]
pub static EXTENDS: Table = Table {
    id: "extends",
    title: "the service whose keys are taken over",
    required: &["service"],
    keys: &[
        honoured("file", Takes::String, "The stack file of the service; the default is the same file.",
            "its keys, as if written here"),
        honoured("service", Takes::String, "Its name.", "its keys, as if written here"),
    ],
};

/// `healthcheck`.
#[rustfmt::skip]
pub static HEALTHCHECK: Table = Table {
    id: "healthcheck",
    title: "a healthcheck",
    required: &[],
    keys: &[
        honoured("disable", Takes::Boolean, "Whether the image's healthcheck is disabled.", "`Healthcheck.Test` of `NONE`"),
        honoured("interval", DURATION, "The time between probes.", "`Healthcheck.Interval`"),
        honoured("retries", Takes::Integer(0), "The number of consecutive failures until the container is unhealthy.",
            "`Healthcheck.Retries`"),
        honoured("start_interval", DURATION, "The time between probes during `start_period`.", "`Healthcheck.StartInterval`"),
        honoured("start_period", DURATION, "The time for starting, during which failures do not count.",
            "`Healthcheck.StartPeriod`"),
        honoured("test", COMMAND, "A shell command, or a list that begins with `CMD`, `CMD-SHELL` or `NONE`.",
            "`Healthcheck.Test`"),
        honoured("timeout", DURATION, "The maximum duration of a probe.", "`Healthcheck.Timeout`"),
    ],
};

/// An entry of `post_start` or `pre_stop`.
#[rustfmt::skip]
pub static HOOK: Table = Table {
    id: "hook",
    title: "a command at a point of the container's life",
    required: &["command"],
    keys: &[
        honoured("command", COMMAND, "The command.", "`Cmd` of the exec"),
        honoured("environment", PAIRS, "Environment variables.", "`Env` of the exec"),
        honoured("privileged", Takes::Boolean, "Whether it has almost all privileges of the host's root.",
            "`Privileged` of the exec"),
        honoured("user", NAME_OR_NUMBER, "The user that runs the command.", "`User` of the exec"),
        honoured("working_dir", Takes::String, "The directory in which the command runs.", "`WorkingDir` of the exec"),
    ],
};

/// `logging`.
#[rustfmt::skip]
pub static LOGGING: Table = Table {
    id: "logging",
    title: "where the output goes",
    required: &[],
    keys: &[
        honoured("driver", Takes::Words(&["journald", "json-file", "local"]),
            "The engine's log driver. `json-file` and `local` are ignored with a warning, as `logging` without a driver is; all others are refused.",
            "the output goes to the journal"),
        ignored("options", OPTIONS, "Options of the engine's log driver.",
            "the journal has no options for each container, and journald.conf(5) bounds its size and age"),
    ],
};

/// An entry of a service's `networks`.
#[rustfmt::skip]
pub static ATTACHMENT: Table = Table {
    id: "attachment",
    title: "how a service joins a network",
    required: &[],
    keys: &[
        honoured("aliases", LIST, "Additional names of the service on the network.", "`Aliases`"),
        honoured("driver_opts", OPTIONS, "Options of the network driver.", "`DriverOpts`"),
        honoured("gw_priority", Takes::Integer(i64::MIN), "The network with the highest value provides the default gateway.",
            "`GwPriority`"),
        honoured("interface_name", Takes::String, "The name of the interface in the container.",
            "`DriverOpts` of `com.docker.network.endpoint.ifname`"),
        honoured("ipv4_address", Takes::String, "The IPv4 address.", "`IPAMConfig.IPv4Address`"),
        honoured("ipv6_address", Takes::String, "The IPv6 address.", "`IPAMConfig.IPv6Address`"),
        honoured("link_local_ips", LIST, "Additional link-local addresses.", "`IPAMConfig.LinkLocalIPs`"),
        honoured("mac_address", Takes::String, "The MAC address.", "`MacAddress`"),
        honoured("priority", Takes::Integer(i64::MIN), "The network with the highest value is joined first.",
            "the order in which networks are joined"),
    ],
};

/// An entry of `ports` in its long form.
#[rustfmt::skip]
pub static PORT: Table = Table {
    id: "port",
    title: "a published port",
    required: &["target"],
    keys: &[
        honoured("app_protocol", Takes::String, "The application protocol, as documentation.", "nothing"),
        honoured("host_ip", Takes::String, "The address on the host; the default is all addresses.", "`HostIp`"),
        honoured("mode", Takes::Words(&["host", "ingress"]), "How Swarm distributes connections; both values mean the same on one host.",
            "nothing"),
        honoured("name", Takes::String, "A name, as documentation.", "nothing"),
        honoured("protocol", Takes::Words(&["tcp", "udp", "sctp"]), "The protocol; the default is `tcp`.",
            "the protocol of the binding"),
        honoured("published", NAME_OR_NUMBER, "The port or range on the host; the default is any free port.",
            "`HostPort`"),
        honoured("target", NAME_OR_NUMBER, "The port in the container.", "the port of the binding"),
    ],
};

/// One of `ulimits` in its long form.
#[rustfmt::skip]
pub static ULIMIT: Table = Table {
    id: "ulimit",
    title: "a limit of setrlimit(2)",
    required: &["soft", "hard"],
    keys: &[
        honoured("hard", Takes::Integer(-1), "The hard limit; -1 is unlimited.", "`Hard`"),
        honoured("soft", Takes::Integer(-1), "The soft limit; -1 is unlimited.", "`Soft`"),
    ],
};

/// An entry of `volumes` in its long form.
#[rustfmt::skip]
pub static MOUNT: Table = Table {
    id: "mount",
    title: "a mount",
    required: &["type", "target"],
    keys: &[
        honoured("bind", Takes::Table(&MOUNT_BIND), "Options of the type `bind`.", "see there"),
        ignored("consistency", Takes::String, "How consistent the mount is.", "it has no effect on Linux"),
        honoured("image", Takes::Table(&MOUNT_IMAGE), "Options of the type `image`.", "see there"),
        honoured("read_only", Takes::Boolean, "Whether the mount is read-only.", "`ReadOnly`"),
        honoured("source", Takes::String, "The path on the host, the volume's key, or the image.", "`Source`"),
        honoured("target", Takes::String, "The path in the container.", "`Target`"),
        honoured("tmpfs", Takes::Table(&MOUNT_TMPFS), "Options of the type `tmpfs`.", "see there"),
        honoured("type", Takes::Words(&["bind", "volume", "tmpfs", "image"]), "The type of the mount.", "`Type`"),
        honoured("volume", Takes::Table(&MOUNT_VOLUME), "Options of the type `volume`.", "see there"),
    ],
};

/// `bind` of a mount.
#[rustfmt::skip]
pub static MOUNT_BIND: Table = Table {
    id: "mount_bind",
    title: "options of a bind mount",
    required: &[],
    keys: &[
        honoured("create_host_path", Takes::Boolean, "Whether a missing source is created as a directory.",
            "`BindOptions.CreateMountpoint`"),
        honoured("propagation", Takes::Words(&["private", "rprivate", "shared", "rshared", "slave", "rslave"]),
            "The mount propagation, see mount_namespaces(7).", "`BindOptions.Propagation`"),
        honoured("recursive", Takes::Words(&["enabled", "disabled", "writable", "readonly"]),
            "Whether mounts below the source are included, and read-only.", "`BindOptions.NonRecursive` and related options"),
        honoured("selinux", Takes::Words(&["z", "Z"]), "The SELinux label of the source: shared or private.",
            "`:z` or `:Z` of `Binds`"),
    ],
};

/// `image` of a mount.
#[rustfmt::skip]
pub static MOUNT_IMAGE: Table = Table {
    id: "mount_image",
    title: "options of an image mount",
    required: &[],
    keys: &[honoured("subpath", Takes::String, "The directory in the image to mount.", "`ImageOptions.Subpath`")],
};

/// `tmpfs` of a mount.
#[rustfmt::skip]
pub static MOUNT_TMPFS: Table = Table {
    id: "mount_tmpfs",
    title: "options of a tmpfs mount",
    required: &[],
    keys: &[
        honoured("mode", MODE, "The permissions, octal.", "`TmpfsOptions.Mode`"),
        honoured("size", Takes::Bytes, "The size.", "`TmpfsOptions.SizeBytes`"),
    ],
};

/// `volume` of a mount.
#[rustfmt::skip]
pub static MOUNT_VOLUME: Table = Table {
    id: "mount_volume",
    title: "options of a volume mount",
    required: &[],
    keys: &[
        honoured("labels", PAIRS, "Labels of a volume that the mount creates.", "`VolumeOptions.Labels`"),
        honoured("nocopy", Takes::Boolean, "Whether an empty volume stays empty instead of getting the image's files.",
            "`VolumeOptions.NoCopy`"),
        honoured("subpath", Takes::String, "The directory in the volume to mount.", "`VolumeOptions.Subpath`"),
    ],
};

/// An entry of a service's `secrets` or `configs`.
#[rustfmt::skip]
pub static GRANT: Table = Table {
    id: "grant",
    title: "a secret or config that is mounted",
    required: &["source"],
    keys: &[
        honoured("gid", NAME_OR_NUMBER, "The group that owns the file in the container.", "the file's group"),
        honoured("mode", MODE, "The permissions, octal.", "the file's mode"),
        honoured("source", Takes::String, "The key of the declared secret or config.", "the file's contents"),
        honoured("target", Takes::String, "The path in the container; for a secret, a name is relative to /run/secrets.",
            "a read-only mount"),
        own("type", Takes::Words(&["env", "mount"]), "`env`: a variable of the container, named by `target`, instead of a file.",
            "`Env`, when the container is created"),
        honoured("uid", NAME_OR_NUMBER, "The user that owns the file in the container.", "the file's owner"),
    ],
};
