//! Addresses, hosts and devices that are none.

use super::{Problem, Said, quote, said};

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
    CdiDevice { value: String },
}

impl Problem for MachineFault {
    fn say(&self) -> Said {
        match self {
            Self::Address { value, family: Family::Any } => {
                said(format!("{} is not an IP address", quote(value)), "write it as in `192.0.2.10` or `2001:db8::10`")
            }
            Self::Address { value, family: Family::V4 } => {
                said(format!("{} is not an IPv4 address", quote(value)), "write it as in `192.0.2.10`")
            }
            Self::Address { value, family: Family::V6 } => {
                said(format!("{} is not an IPv6 address", quote(value)), "write it as in `2001:db8::10`")
            }
            Self::Subnet { value } => {
                said(format!("{} is not a subnet", quote(value)), "write it as in `172.28.0.0/16` or `2001:db8::/64`")
            }
            Self::Mac { value } => said(
                format!("{} is not a MAC address", quote(value)),
                "write six pairs of hex digits, as in `02:42:ac:11:00:02`",
            ),
            Self::ExtraHost { value } => said(
                format!("{} is not an extra host", quote(value)),
                "write `\"host=ip\"`, as in `\"db=192.0.2.10\"`, or `\"host=host-gateway\"` for the host itself",
            ),
            Self::Device { value } => said(
                format!("{} is not a device", quote(value)),
                "write `\"/dev/HOST\"`, `\"/dev/HOST:/dev/CONTAINER\"` or `\"/dev/HOST:/dev/CONTAINER:rwm\"`",
            ),
            Self::CdiDevice { value } => said(
                format!("`{value}` is a CDI device, which is not supported yet"),
                "name the device nodes, as in `\"/dev/dri/renderD128\"`",
            ),
        }
    }
}
