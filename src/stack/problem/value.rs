//! Values that are right in type and wrong in what they say.

use super::amount::AmountFault;
use super::build::BuildFault;
use super::calendar::CalendarFault;
use super::choice::ChoiceFault;
use super::command::CommandFault;
use super::image;
use super::machine::MachineFault;
use super::mount::MountFault;
use super::name::NameFault;
use super::port::PortFault;
use super::unit::UnitFault;
use super::wording::{Problem, Wording, quote, wording};
use crate::name::ImageFault;

/// A value that a key's syntax does not allow.
pub enum Invalid {
    Boolean { value: String },
    Integer { value: String },
    TooSmall { key: String, number: i64, least: i64 },
    TooBig { key: String, number: i64, most: i64 },
    Cpuset { value: String },
    Empty { what: &'static str },
    Duration { value: String, fault: AmountFault },
    Bytes { value: String, fault: AmountFault },
    Cpus { value: String },
    Calendar { value: String, fault: CalendarFault },
    Port { value: String, fault: PortFault },
    Image { value: String, fault: ImageFault },
    Mount { value: String, fault: MountFault },
    Mode { value: String },
    UlimitOrder { soft: i64, hard: i64 },
    AbsolutePath { key: &'static str, value: String },
    Name(NameFault),
    Build(BuildFault),
    Unit(UnitFault),
    Machine(MachineFault),
    Choice(ChoiceFault),
    Command(CommandFault),
}

impl Invalid {
    pub fn mount(value: &str, fault: MountFault) -> Self {
        Self::Mount { value: value.to_owned(), fault }
    }
}

impl Problem for Invalid {
    fn wording(&self) -> Wording {
        match self {
            Self::Boolean { value } => wording(format!("{} is not a boolean", quote(value)), "write `true` or `false`"),
            Self::Integer { value } => wording(format!("{} is not an integer", quote(value)), "write a whole number"),
            Self::TooSmall { key, number, least } => {
                wording(format!("`{key}` cannot be {number}"), format!("write a number of at least {least}"))
            }
            Self::TooBig { key, number, most } => {
                wording(format!("`{key}` cannot be {number}"), format!("write a number of at most {most}"))
            }
            Self::Cpuset { value } => wording(
                format!("{} is not a set of CPUs", quote(value)),
                "write numbers and ranges, as in `cpuset = \"0-3,6\"`",
            ),
            Self::Empty { what } => wording(format!("{what} is empty"), "give it a value, or remove it"),
            Self::Duration { value, fault } => fault.of_duration(value),
            Self::Bytes { value, fault } => fault.of_bytes(value),
            Self::Cpus { value } => wording(
                format!("{} is not a number of CPUs", quote(value)),
                "write a number from 0.01 up, as in `cpus = 1.5`",
            ),
            Self::Calendar { value, fault } => fault.wording(value),
            Self::Port { value, fault } => fault.wording(value),
            Self::Image { value, fault } => image::image(value, fault),
            Self::Mount { value, fault } => fault.wording(value),
            Self::Mode { value } => wording(
                format!("{} is not an octal number, as permission bits must be", quote(value)),
                format!("write `0o{value}` or `\"{value}\"`"),
            ),
            Self::UlimitOrder { soft, hard } => wording(
                format!("the soft limit {soft} is above the hard limit {hard}"),
                "lower `soft` or raise `hard`; -1 is unlimited",
            ),
            Self::AbsolutePath { key, value } => wording(
                format!("`{key}`: {} is not an absolute path", quote(value)),
                "write a path that starts with `/`",
            ),
            Self::Name(fault) => fault.wording(),
            Self::Build(fault) => fault.wording(),
            Self::Unit(fault) => fault.wording(),
            Self::Machine(fault) => fault.wording(),
            Self::Choice(fault) => fault.wording(),
            Self::Command(fault) => fault.wording(),
        }
    }
}
