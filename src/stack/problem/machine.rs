//! Values that are not an address, a host, a device or the like.

use super::wording::{Problem, Wording, quote, wording};

/// Which addresses a key takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Any,
    V4,
    V6,
}

pub enum MachineFault {
    Address { value: String, family: Family },
    Subnet { value: String },
    Mac { value: String },
    ExtraHost { value: String },
    Device { value: String },
    DeviceRule { value: String },
    Link { value: String },
    Interface { value: String },
    VolumesFrom { value: String },
    SecurityOption { value: String },
    Platform { value: String },
}

impl Problem for MachineFault {
    fn wording(&self) -> Wording {
        match self {
            Self::Address { value, family: Family::Any } => wording(
                format!("{} is not an IP address", quote(value)),
                "write it as in `192.0.2.10` or `2001:db8::10`",
            ),
            Self::Address { value, family: Family::V4 } => {
                wording(format!("{} is not an IPv4 address", quote(value)), "write it as in `192.0.2.10`")
            }
            Self::Address { value, family: Family::V6 } => {
                wording(format!("{} is not an IPv6 address", quote(value)), "write it as in `2001:db8::10`")
            }
            Self::Subnet { value } => wording(
                format!("{} is not a subnet", quote(value)),
                "write it as in `172.28.0.0/16` or `2001:db8::/64`",
            ),
            Self::Mac { value } => wording(
                format!("{} is not a MAC address", quote(value)),
                "write six pairs of hex digits, as in `02:42:ac:11:00:02`",
            ),
            Self::ExtraHost { value } => wording(
                format!("{} is not a valid entry of `extra_hosts`", quote(value)),
                "write `\"host=ip\"`, as in `\"db=192.0.2.10\"`, or `\"host=host-gateway\"` for the host itself",
            ),
            Self::Device { value } => wording(
                format!("{} is not a device", quote(value)),
                "write `\"/dev/HOST\"`, `\"/dev/HOST:/dev/CONTAINER\"` or `\"/dev/HOST:/dev/CONTAINER:rwm\"`",
            ),
            Self::DeviceRule { value } => wording(
                format!("{} is not a rule of the device cgroup", quote(value)),
                "write type, numbers and access, as in `\"c 1:3 mr\"` or `\"a 7:* rmw\"`",
            ),
            Self::Interface { value } => wording(
                format!("{} is not a name for a network interface", quote(value)),
                "use at most fifteen letters, digits, `.`, `-` and `_`",
            ),
            Self::Link { value } => {
                wording(format!("{} is not a valid link", quote(value)), "write `\"NAME\"` or `\"NAME:ALIAS\"`")
            }
            Self::VolumesFrom { value } => wording(
                format!("{} is not a valid entry of `volumes_from`", quote(value)),
                "write `\"SERVICE\"`, `\"SERVICE:ro\"` or `\"container:NAME\"`",
            ),
            Self::SecurityOption { value } => wording(
                format!("{} is not a security option", quote(value)),
                "write `\"no-new-privileges:true\"`, `\"seccomp=FILE\"`, `\"apparmor=PROFILE\"`, `\"label=disable\"` or \
                 `\"systempaths=unconfined\"`",
            ),
            Self::Platform { value } => wording(
                format!("{} is not a platform that this host can run", quote(value)),
                "write it as in `linux/amd64` or `linux/arm64/v8`",
            ),
        }
    }
}
