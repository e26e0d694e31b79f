//! Problems of values: right in type, wrong in what they say.

use super::{Problem, Said, did_you_mean, quoted_list, said};

/// A value that a key's syntax does not allow.
pub enum Invalid {
    Boolean { value: String },
    Integer { value: String },
    TooSmall { key: String, number: i64, least: i64 },
    Empty { what: &'static str },
    Duration { value: String, fault: AmountFault },
    Bytes { value: String, fault: AmountFault },
    Cpus { value: String },
    Port { value: String, fault: PortFault },
    Image { value: String, fault: ImageFault },
    Mount { value: String, fault: MountFault },
    ProjectName { value: String, derived: bool },
    ServiceName { value: String },
    EngineName { what: &'static str, value: String },
    Hostname { value: String },
    UnbalancedQuote { quote: char },
    TrailingBackslash,
    OneOf { key: &'static str, value: String, nearest: Option<String>, allowed: &'static [&'static str] },
    Restart { value: String },
    Signal { value: String, nearest: Option<String> },
    Capability { value: String, nearest: Option<String> },
    Ulimit { name: String, nearest: Option<String> },
    UlimitOrder { soft: i64, hard: i64 },
    Address { value: String },
    Subnet { value: String },
    Mac { value: String },
    ExtraHost { value: String },
    Device { value: String },
    CdiDevice { value: String },
    User { value: String },
    AbsolutePath { key: &'static str, value: String },
    HealthTest { first: Option<String>, nearest: Option<String> },
    HealthTestArguments { kind: &'static str },
    UnsupportedPolicy { value: String },
    Section { section: String, allowed: &'static [&'static str], nearest: Option<String> },
    Directive { name: String },
    DirectiveValue { name: String },
    Variable { name: String },
    NulByte,
}

/// What is wrong with a duration or a size.
pub enum AmountFault {
    Empty,
    NoNumber,
    NoUnit,
    Unit(String),
    TooBig,
}

pub enum PortFault {
    Empty,
    NotANumber(String),
    OutOfRange(String),
    Backwards,
    LengthsDiffer { host: u32, container: u32 },
    Address(String),
    Protocol(String),
    Bracket,
    TooMany { most: usize },
}

pub enum ImageFault {
    Empty,
    Character(char),
    UpperCase,
    Tag(String),
    Digest(String),
    Component(String),
    TooLong,
}

pub enum MountFault {
    Empty,
    EmptyPart,
    TooManyParts,
    RelativeTarget(String),
    RootTarget,
    Mode { mode: String, nearest: Option<String> },
    BindModeOnVolume(String),
    NoHome,
    OtherHome,
    NotAName(String),
    RelativeSource(String),
    Type { value: String, nearest: Option<String> },
    TypeRefused { value: String, reason: &'static str },
    OctalMode { value: String },
}

impl Problem for Invalid {
    fn say(&self) -> Said {
        match self {
            Self::Boolean { value } => said(format!("`{value}` is not a boolean"), "write `true` or `false`"),
            Self::Integer { value } => said(format!("`{value}` is not an integer"), "write a whole number"),
            Self::TooSmall { key, number, least } => {
                said(format!("`{key}` cannot be {number}"), format!("write a number of at least {least}"))
            }
            Self::Empty { what } => said(format!("{what} is empty"), "give it a value, or remove it"),
            Self::Duration { value, fault } => say_duration(value, fault),
            Self::Bytes { value, fault } => say_bytes(value, fault),
            Self::Cpus { value } => {
                said(format!("`{value}` is not a number of CPUs"), "write a number from 0.01 up, as in `cpus = 1.5`")
            }
            Self::Port { value, fault } => say_port(value, fault),
            Self::Image { value, fault } => say_image(value, fault),
            Self::Mount { value, fault } => say_mount(value, fault),
            Self::ProjectName { .. }
            | Self::ServiceName { .. }
            | Self::EngineName { .. }
            | Self::Hostname { .. }
            | Self::User { .. }
            | Self::Variable { .. } => self.say_name(),
            Self::Section { .. } | Self::Directive { .. } | Self::DirectiveValue { .. } => self.say_unit(),
            Self::Address { .. }
            | Self::Subnet { .. }
            | Self::Mac { .. }
            | Self::ExtraHost { .. }
            | Self::Device { .. }
            | Self::CdiDevice { .. } => self.say_machine(),
            _ => self.say_choice(),
        }
    }
}

impl Invalid {
    fn say_name(&self) -> Said {
        match self {
            Self::ProjectName { value, derived: true } => said(
                format!("the file's name gives no project name: `{value}`"),
                "add `name = \"…\"` at the top: lower-case letters, digits, `-` and `_`, beginning with a letter or digit",
            ),
            Self::ProjectName { value, .. } => said(
                format!("`{value}` is not a project name"),
                "use lower-case letters, digits, `-` and `_`, beginning with a letter or digit",
            ),
            Self::ServiceName { value } => said(
                format!("`{value}` is not a name for a service, network or volume"),
                "use letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
            ),
            Self::EngineName { what, value } => said(
                format!("`{value}` is not a name for a {what}"),
                "use two or more letters, digits, `.`, `-` and `_`, beginning with a letter or digit",
            ),
            Self::Hostname { value } => said(
                format!("`{value}` is not a host name"),
                "use letters, digits and `-` in parts of at most 63 characters, joined by `.` (RFC 1123)",
            ),
            Self::User { value } => said(
                format!("`{value}` is not a user"),
                "write `\"user\"`, `\"user:group\"` or numeric ids, as in `\"1000:1000\"`",
            ),
            Self::Variable { name } => said(
                format!("`{name}` is not a name for an environment variable"),
                "use a name without spaces, `=` and control characters",
            ),
            _ => self.say_choice(),
        }
    }

    fn say_unit(&self) -> Said {
        match self {
            Self::Section { section, allowed, nearest } => said(
                format!("the unit made of this has no section `{section}`"),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(allowed, "or"))),
            ),
            Self::Directive { name } => said(
                format!("`{name}` is not the name of a unit directive"),
                "write it as in systemd.directives(7): letters and digits, as in `LimitNOFILE`",
            ),
            Self::DirectiveValue { name } => said(
                format!("the value of `{name}` has a line break or a NUL character"),
                "write a list of strings for several lines, each of them on one line",
            ),
            _ => self.say_choice(),
        }
    }

    fn say_machine(&self) -> Said {
        match self {
            Self::Address { value } => {
                said(format!("`{value}` is not an IP address"), "write it as in `192.0.2.10` or `2001:db8::10`")
            }
            Self::Subnet { value } => {
                said(format!("`{value}` is not a subnet"), "write it as in `172.28.0.0/16` or `2001:db8::/64`")
            }
            Self::Mac { value } => said(
                format!("`{value}` is not a MAC address"),
                "write six pairs of hex digits, as in `02:42:ac:11:00:02`",
            ),
            Self::ExtraHost { value } => said(
                format!("`{value}` is not an extra host"),
                "write `\"host=ip\"`, as in `\"db=192.0.2.10\"`, or `\"host=host-gateway\"` for the host itself",
            ),
            Self::Device { value } => said(
                format!("`{value}` is not a device"),
                "write `\"/dev/HOST\"`, `\"/dev/HOST:/dev/CONTAINER\"` or `\"/dev/HOST:/dev/CONTAINER:rwm\"`",
            ),
            Self::CdiDevice { value } => said(
                format!("`{value}` is a CDI device, which is not supported yet"),
                "name the device nodes, as in `\"/dev/dri/renderD128\"`",
            ),
            _ => self.say_choice(),
        }
    }

    fn say_choice(&self) -> Said {
        match self {
            Self::UnbalancedQuote { quote } => said(
                format!("a {quote} in this command is not closed"),
                "close it, or write the command as a list of words, which needs no quoting",
            ),
            Self::TrailingBackslash => said(
                "this command ends in a backslash",
                "remove it, or write the command as a list of words, which needs no quoting",
            ),
            Self::OneOf { key, value, nearest, allowed } => said(
                format!("`{value}` is not a value of `{key}`"),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(allowed, "or"))),
            ),
            Self::Restart { value } => said(
                format!("`{value}` is not a restart policy"),
                "use `no`, `always`, `unless-stopped`, `on-failure`, or `on-failure:3` for at most three times",
            ),
            Self::Signal { value, nearest } => said(
                format!("`{value}` is not a signal"),
                did_you_mean(nearest.as_ref(), || {
                    "use a name as in `SIGTERM`, or a number from 1 to 64 (signal(7))".to_owned()
                }),
            ),
            Self::Capability { value, nearest } => said(
                format!("`{value}` is not a capability of the kernel"),
                did_you_mean(nearest.as_ref(), || {
                    "use a name of capabilities(7), as in `NET_ADMIN`, or `ALL`".to_owned()
                }),
            ),
            Self::Ulimit { name, nearest } => said(
                format!("`{name}` is not a limit that the engine knows"),
                did_you_mean(nearest.as_ref(), || format!("use {}", quoted_list(crate::stack::limits::ULIMITS, "or"))),
            ),
            Self::UlimitOrder { soft, hard } => said(
                format!("the soft limit {soft} is above the hard limit {hard}"),
                "lower `soft` or raise `hard`; -1 is unlimited",
            ),
            Self::AbsolutePath { key, value } => said(
                format!("`{key}`: `{value}` is not an absolute path in the container"),
                "write a path that starts with `/`",
            ),
            Self::HealthTest { first: Some(first), nearest } => said(
                format!("a list for `test` cannot start with `{first}`"),
                did_you_mean(nearest.as_ref(), || {
                    "put `\"CMD\"` first to run a program, `\"CMD-SHELL\"` for a line of shell; `[\"NONE\"]` disables the check"
                        .to_owned()
                }),
            ),
            Self::HealthTest { first: None, .. } => said(
                "`test` is an empty list",
                "write `[\"CMD\", \"program\", \"argument\"]`, or remove it to keep the image's own test",
            ),
            Self::HealthTestArguments { kind: "CMD" } => {
                said("`CMD` is followed by no program", "write `[\"CMD\", \"program\", \"argument\"]`")
            }
            Self::HealthTestArguments { kind: "CMD-SHELL" } => said(
                "`CMD-SHELL` takes exactly one line of shell",
                "write `[\"CMD-SHELL\", \"curl -f localhost || exit 1\"]`, or `\"CMD\"` to run a program with arguments",
            ),
            Self::HealthTestArguments { kind } => {
                said(format!("`{kind}` takes no arguments"), format!("write `[\"{kind}\"]`"))
            }
            Self::UnsupportedPolicy { value } => {
                said(format!("the pull policy `{value}` is not supported yet"), "use `always`, `missing` or `never`")
            }
            Self::NulByte => {
                said("this string has a NUL character, which no program can be given", "remove the `\\u0000`")
            }
            _ => said("this value is not allowed here", "see the Compose Specification for the key's values"),
        }
    }
}

fn say_duration(value: &str, fault: &AmountFault) -> Said {
    let (why, help) = match fault {
        AmountFault::Empty => ("it is empty".to_owned(), "write a number and a unit, as in `30s`".to_owned()),
        AmountFault::NoNumber => {
            ("a number is missing".to_owned(), "write numbers with their units, as in `1m30s`".to_owned())
        }
        AmountFault::NoUnit => (
            "the unit is missing".to_owned(),
            format!("write `{value}s` for seconds; the units are us, ms, s, m and h"),
        ),
        AmountFault::Unit(unit) if unit == "d" => {
            ("days are no unit of the Compose Specification".to_owned(), "write hours: a day is `24h`".to_owned())
        }
        AmountFault::Unit(unit) => {
            (format!("`{unit}` is not a unit of time"), "use us, ms, s, m and h, as in `1h30m`".to_owned())
        }
        AmountFault::TooBig => ("it is too long".to_owned(), "write less than 100 years".to_owned()),
    };
    said(format!("`{value}` is not a duration: {why}"), help)
}

fn say_bytes(value: &str, fault: &AmountFault) -> Said {
    let (why, help) = match fault {
        AmountFault::Empty => ("it is empty".to_owned(), "write a number and a unit, as in `64m`".to_owned()),
        AmountFault::NoNumber | AmountFault::NoUnit => {
            ("the number is missing".to_owned(), "write a number and a unit, as in `64m` or `1.5g`".to_owned())
        }
        AmountFault::Unit(unit) => {
            (format!("`{unit}` is not a unit of size"), "use b, k, m or g (or kb, mb, gb), as in `512m`".to_owned())
        }
        AmountFault::TooBig => ("it is too big".to_owned(), "write less than 8 EiB".to_owned()),
    };
    said(format!("`{value}` is not a size: {why}"), help)
}

fn say_port(value: &str, fault: &PortFault) -> Said {
    let form = "write `[[HOST-ADDRESS:]HOST-PORT:]CONTAINER-PORT[/PROTOCOL]`, as in `127.0.0.1:8080:80/tcp`";
    let (why, help) = match fault {
        PortFault::Empty => ("a port is missing".to_owned(), form.to_owned()),
        PortFault::NotANumber(part) => (format!("`{part}` is not a port number"), form.to_owned()),
        PortFault::OutOfRange(part) => (
            format!("{part} is not a port"),
            "use a number from 1 to 65535 (0 on the host side: any free port)".to_owned(),
        ),
        PortFault::Backwards => {
            ("the range ends before it begins".to_owned(), "write the lower port first, as in `8000-8010`".to_owned())
        }
        PortFault::LengthsDiffer { host, container } => (
            format!("{host} host ports for {container} container ports"),
            "make both ranges equally long, or publish one container port on any of a range, as in `8000-8010:80`"
                .to_owned(),
        ),
        PortFault::Address(address) => (
            format!("`{address}` is not an IP address of the host"),
            "write it as in `127.0.0.1:8080:80` or `[::1]:8080:80`".to_owned(),
        ),
        PortFault::Protocol(protocol) => {
            (format!("`{protocol}` is not a protocol"), "use `tcp`, `udp` or `sctp`".to_owned())
        }
        PortFault::Bracket => {
            ("the `]` of an IPv6 address is missing".to_owned(), "write it as in `[::1]:8080:80`".to_owned())
        }
        PortFault::TooMany { most } => (
            format!("with it the stack publishes more than {most} ports"),
            "publish fewer ports, or join the host's network".to_owned(),
        ),
    };
    said(format!("`{value}` is not a port mapping: {why}"), help)
}

fn say_image(value: &str, fault: &ImageFault) -> Said {
    let (why, help) = match fault {
        ImageFault::Empty => ("it is empty".to_owned(), "write it as in `docker.io/library/nginx:1.29`".to_owned()),
        ImageFault::Character(character) => (
            format!("{character:?} cannot stand in it"),
            "write it as in `registry.example:5000/team/app:1.2`, without a scheme as `https://`".to_owned(),
        ),
        ImageFault::UpperCase => {
            ("a repository has no upper-case letters".to_owned(), format!("write `{}`", lower_repository(value)))
        }
        ImageFault::Tag(tag) => (
            format!("`{tag}` is not a tag"),
            "a tag has at most 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two".to_owned(),
        ),
        ImageFault::Digest(digest) => (
            format!("`{digest}` is not a digest"),
            "write it as in `nginx@sha256:` followed by 64 hex digits".to_owned(),
        ),
        ImageFault::Component(part) if part.is_empty() => (
            "a part between its slashes is empty".to_owned(),
            "write it as in `registry.example/team/app:1.2`".to_owned(),
        ),
        ImageFault::Component(part) => (
            format!("`{part}` is not a part of a repository's name"),
            "a part has lower-case letters and digits, with single `.`, `_`, `__` or `-` between them".to_owned(),
        ),
        ImageFault::TooLong => {
            ("its name has more than 255 characters".to_owned(), "use a shorter repository name".to_owned())
        }
    };
    said(format!("`{value}` is not an image reference: {why}"), help)
}

/// The reference with its repository in lower case; a tag may have upper-case letters.
fn lower_repository(value: &str) -> String {
    let end = match value.rfind('/') {
        Some(slash) => value[slash..].find([':', '@']).map(|at| slash + at),
        None => value.find([':', '@']),
    };
    let (repository, rest) = value.split_at(end.unwrap_or(value.len()));
    format!("{}{rest}", repository.to_lowercase())
}

fn say_mount(value: &str, fault: &MountFault) -> Said {
    let (why, help) = match fault {
        MountFault::Empty => {
            ("it is empty".to_owned(), "write `\"SOURCE:TARGET\"`, as in `\"./data:/data\"`".to_owned())
        }
        MountFault::EmptyPart => (
            "a part between its colons is empty".to_owned(),
            "write `\"SOURCE:TARGET\"` or `\"SOURCE:TARGET:ro\"`".to_owned(),
        ),
        MountFault::TooManyParts => (
            "it has more than three parts".to_owned(),
            "write `\"SOURCE:TARGET:MODE\"`; a path with a colon needs the long form `{ type = \"bind\", … }`"
                .to_owned(),
        ),
        MountFault::RelativeTarget(target) => (
            format!("the target `{target}` is not an absolute path"),
            "write where it appears in the container as a path that starts with `/`".to_owned(),
        ),
        MountFault::RootTarget => {
            ("the target is the container's root".to_owned(), "mount it on a directory below `/`".to_owned())
        }
        MountFault::Mode { mode, nearest } => (
            format!("`{mode}` is not a mode"),
            did_you_mean(nearest.as_ref(), || {
                "use `ro`, `rw`, `z`, `Z`, `nocopy` or a propagation as `rslave`, joined by commas".to_owned()
            }),
        ),
        MountFault::BindModeOnVolume(mode) => (
            format!("`{mode}` works for a path of the host, not for a volume"),
            format!("remove `{mode}`, or mount a path that begins with `/`, `./` or `../`"),
        ),
        MountFault::NoHome => {
            ("`~` stands for $HOME, which is not set".to_owned(), "write the absolute path, or set HOME".to_owned())
        }
        MountFault::OtherHome => {
            ("the home of another user is not looked up".to_owned(), "write the absolute path".to_owned())
        }
        MountFault::NotAName(source) if source.contains('/') => (
            format!("`{source}` is neither a path nor the name of a volume"),
            format!("write `./{source}` for a path beside the stack file"),
        ),
        MountFault::NotAName(source) => (
            format!("`{source}` is not the name of a volume"),
            "use the name of a declared volume, or a path that begins with `/`, `./` or `../`".to_owned(),
        ),
        MountFault::RelativeSource(source) => {
            (format!("the source `{source}` is not a path"), "begin the path with `/`, `./`, `../` or `~/`".to_owned())
        }
        MountFault::Type { value, nearest } => (
            format!("`{value}` is not a type of mount"),
            did_you_mean(nearest.as_ref(), || "use `bind`, `volume` or `tmpfs`".to_owned()),
        ),
        MountFault::TypeRefused { value, reason } => {
            (format!("mounts of type `{value}` {reason}"), "use `bind`, `volume` or `tmpfs`".to_owned())
        }
        MountFault::OctalMode { value } => {
            (format!("{value} is not octal"), format!("write the permission bits as `0o{value}` or `\"{value}\"`"))
        }
    };
    said(format!("`{value}` cannot be mounted: {why}"), help)
}
